"""Services as Deployments, rolled out, proved and taken back.

    put     all objects of the revision; the Deployment last, which starts the rollout
    wait    until all pods are new; each gets requests once its server has scored a sample row itself
    verify  predictions through the service's own URL
    prove   the Deployment remembers the revision as the one to go back to

On a failure anywhere the revision that was proved last is put back. A process that is killed in between
leaves a Deployment whose wanted revision is not the proved one; whoever applies the service next goes on from
there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from sqlrec.errors import JobError, SqlRecError, StateError
from sqlrec.runtimes.kubernetes.canary import canary_name, share_text
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.leases import SECONDS, Held, Leases
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.notes import Note, Notes
from sqlrec.runtimes.kubernetes.observe import Observer
from sqlrec.runtimes.kubernetes.revisions import (
    Revisions,
    digest_of,
    is_stopped,
    proved_of,
)
from sqlrec.runtimes.kubernetes.rollout import Progress, judge
from sqlrec.runtimes.kubernetes.service import (
    Served,
    ServiceManifests,
    namespace,
    service_manifests,
    service_name,
)
from sqlrec.runtimes.runtime import Change, Deployable, Verify
from sqlrec.settings import Cluster
from sqlrec.spec.canary import pods_of_canary
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServiceSpec, ServiceState


class KubernetesServiceRuntime:
    """Runs services in a cluster."""

    def __init__(
        self,
        client: ClusterClient,
        cluster: Cluster,
        *,
        lease_seconds: float = SECONDS,
        poll: float = 0.5,
    ) -> None:
        """``lease_seconds``: how long a killed holder keeps others out; ``poll``: seconds between looks."""
        self._client = client
        self._cluster = cluster
        self._poll = poll
        self._notes = Notes(client, cluster.namespace)
        self._observer = Observer(client, cluster, self._notes)
        self._leases = Leases(client, cluster.namespace, seconds=lease_seconds)
        self._mine = threading.local()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a service on all machines; a thread that holds it may hold it again."""
        key = service_name(name)
        held: dict[str, Held] = self._mine.__dict__.setdefault("held", {})
        if key in held:
            yield
            return
        with self._leases.hold(f"{key}-lock", name) as lease:
            held[key] = lease
            try:
                yield
            finally:
                del held[key]

    def apply(self, service: Deployable, verify: Verify) -> Endpoint:
        """Make the service run as specified; the same specification again changes nothing.

        Raises ``JobError`` SR506 (the rollout failed and was taken back) and SR596 (the lock was lost), and
        what :func:`service_manifests` and :class:`ClusterClient` raise.
        """
        with self.lock(service.name):
            if isinstance(service, ExternalServiceSpec):
                return self._note(service, verify)
            return self._roll_out(service, verify)

    def canary(self, service: ServiceSpec, share: float, verify: Verify) -> Endpoint:
        """See ``ServiceRuntime.canary``; raises ``StateError`` SR272 when there is no such service."""
        with self.lock(service.name):
            revisions = self._revisions(namespace(service, self._cluster))
            stable = revisions.find(service_name(service.name))
            if stable is None:
                raise StateError(
                    "SR272",
                    f"service {service.name} does not run in the cluster, so no canary can run beside it",
                    hint="leave the option canary out",
                )
            count = stable["spec"].get("replicas", 1)
            pods = pods_of_canary(share, count)
            manifests = service_manifests(service, self._cluster, canary=pods)
            name = canary_name(service.name)
            try:
                live = revisions.put(manifests, owner=stable)
                revisions.wait(name)
                endpoint = self._observer.endpoint_of(live)
                verify(replace(endpoint, state=ServiceState.STARTING))
                self._require_held(service.name)
                revisions.prove(live, manifests)
            except Exception as error:
                revisions.remove(name)
                raise _failure(f"the canary of {service.name}", error) from error
            except BaseException:
                revisions.remove(name)
                raise
            told = f"the canary has {share_text(pods, count)} of the requests ({share:.0%} was asked for)"
            return replace(endpoint, url=self._observer.endpoint_of(stable).url, detail=told)

    def end_canary(self, name: str) -> None:
        """Drain and remove the canary of a service; a missing one is no error."""
        with self.lock(name):
            self._revisions(self._notes.namespace_of(name)).remove(canary_name(name))

    def drift(self, name: str) -> tuple[Change, ...]:
        """What was changed by hand in the Deployment since it was proved."""
        revisions = self._revisions(self._notes.namespace_of(name))
        live = revisions.find(service_name(name))
        return revisions.drift(live) if live else ()

    def endpoint(self, name: str) -> Endpoint | None:
        """The service as it is now, or None."""
        return self._observer.endpoint(name)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All services, by name."""
        return self._observer.endpoints()

    def logs(self, name: str, lines: int = 50) -> str:
        """The last lines of each pod, those of a canary last; empty when there is no such service."""
        revisions = self._revisions(self._notes.namespace_of(name))
        found = (revisions.find(one) for one in (service_name(name), canary_name(name)))
        return "\n".join(revisions.logs(live, lines) for live in found if live)

    def stop(self, name: str) -> None:
        """Take the service's pods away but keep its objects: applying it again gives the same URL."""
        with self.lock(name):
            revisions = self._revisions(self._notes.namespace_of(name))
            revisions.remove(canary_name(name))
            live = revisions.find(service_name(name))
            if live is not None:
                revisions.stop(live)

    def remove(self, name: str) -> None:
        """Drain a service and delete all its objects; a missing one is no error."""
        with self.lock(name):
            self._revisions(self._notes.namespace_of(name)).remove(service_name(name))
            self._notes.forget(name)

    def _note(self, service: ExternalServiceSpec, verify: Verify) -> Endpoint:
        """Note a service that somebody else runs, in place of one that ran here."""
        note = Note(
            name=service.name,
            namespace="",
            url=service.url,
            checkpoint=service.checkpoint,
            version=service.version,
        )
        verify(note.endpoint)
        before = self._notes.namespace_of(service.name)
        self._notes.put(note)
        self._revisions(before).remove(service_name(service.name))
        return note.endpoint

    def _roll_out(self, service: Served, verify: Verify) -> Endpoint:
        manifests = service_manifests(service, self._cluster)
        place, before = namespace(service, self._cluster), self._notes.namespace_of(service.name)
        revisions = self._revisions(place)
        live = revisions.find(service_name(service.name))
        drifted = revisions.take_back(live) if live else ()
        if live and not drifted and _is_proved(live, manifests, revisions):
            return self._observer.endpoint_of(live)
        self._put(service, manifests, revisions, live, verify)
        self._moved(service.name, place, before)
        told = "; ".join(f"taken back {change}" for change in drifted)
        return Endpoint(
            name=service.name,
            url=self._observer.url(revisions.find(service_name(service.name)) or live or {}),
            state=ServiceState.READY,
            checkpoint=service.checkpoint,
            version=service.version,
            detail=told,
        )

    def _put(
        self,
        service: Served,
        manifests: ServiceManifests,
        revisions: Revisions,
        before: Manifest | None,
        verify: Verify,
    ) -> None:
        """Put, wait, verify, prove; on failure the revision that was proved before is put back."""
        try:
            live = revisions.put(manifests)
            revisions.wait(service_name(service.name))
            verify(replace(self._observer.endpoint_of(live), state=ServiceState.READY))
            self._require_held(service.name)
            revisions.prove(live, manifests)
        except Exception as error:
            self._take_back(service.name, revisions, before)
            raise _failure(f"service {service.name}", error) from error
        except BaseException:
            self._take_back(service.name, revisions, before)
            raise
        with suppress(SqlRecError):  # what is left over now goes with the next revision
            revisions.collect(manifests)

    def _take_back(self, name: str, revisions: Revisions, before: Manifest | None) -> None:
        """Nothing of a revision that failed stays, unless somebody else changes the service by now.

        The error that led here is the one to tell; what cannot be taken back now is by the next change.
        """
        proved = proved_of(before) if before else None
        with suppress(SqlRecError):
            self._require_held(name)
            if proved is None:
                revisions.remove(service_name(name))
            else:
                revisions.restore(proved)

    def _moved(self, name: str, place: str, before: str) -> None:
        """Remember where the service is, when not where all are; remove it from where it was."""
        if place != self._cluster.namespace:
            self._notes.put(Note(name=name, namespace=place))
        elif self._notes.find(name):
            self._notes.forget(name)
        if place != before:
            self._revisions(before).remove(service_name(name))

    def _revisions(self, place: str) -> Revisions:
        return Revisions(self._client, place, poll=self._poll)

    def _require_held(self, name: str) -> None:
        self._leases.require(self._mine.__dict__["held"][service_name(name)], name)


def _is_proved(live: Manifest, manifests: ServiceManifests, revisions: Revisions) -> bool:
    """Whether the revision is there already, proved, and all its pods run."""
    proved = proved_of(live)
    return (
        proved is not None
        and proved.digest == digest_of(live) == manifests.digest
        and not is_stopped(live)
        and judge(live, revisions.pods(live)).progress is Progress.DONE
    )


def _failure(what: str, error: Exception) -> JobError:
    """The error of a deployment."""
    reason = error.message if isinstance(error, SqlRecError) else f"{type(error).__name__}: {error}"
    hint = error.hint if isinstance(error, SqlRecError) else ""
    code = error.code if isinstance(error, JobError) else "SR506"
    return JobError(code, f"{what} was not deployed: {reason}", hint=hint)
