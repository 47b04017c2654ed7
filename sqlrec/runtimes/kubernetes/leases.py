"""A lock that holds on all machines: a Lease object, which is whose uid its creator knows.

To hold is to have created the object, and to renew it; to let go is to delete it. Who finds one that has not
been renewed for its duration deletes just that one (by uid) and tries to create its own, so of several only
one gets it. Time is measured by the one who waits: clocks of two machines are never compared. A killed holder
thus keeps others out for one duration.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlrec.errors import JobError, SqlRecError
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import labels, notes

SECONDS = 15
COMPONENT = "lock"


@dataclass(frozen=True, slots=True)
class Held:
    """A lease of this process; ``done`` ends its renewal."""

    name: str
    uid: str
    done: threading.Event = field(default_factory=threading.Event)


class Leases:
    """Locks by name in one namespace; ``seconds`` is how long a dead holder keeps others out."""

    def __init__(self, client: ClusterClient, namespace: str, *, seconds: float = SECONDS) -> None:
        self._client = client
        self._namespace = namespace
        self._seconds = seconds

    @contextmanager
    def hold(self, name: str, of: str) -> Iterator[Held]:
        """Wait until nobody else holds ``name``, hold it, and let it go; ``of`` tells people of what."""
        held = Held(name, self._take(name, of))
        renewing = threading.Thread(target=self._renew, args=(held,), daemon=True)
        renewing.start()
        try:
            yield held
        finally:
            held.done.set()
            renewing.join()
            with suppress(SqlRecError):  # it ends by itself; what was done is done
                self._client.delete("Lease", name, self._namespace, uid=held.uid)

    def _take(self, name: str, of: str) -> str:
        seen, since = "", time.monotonic()
        while True:
            created = self._client.create(self._lease(name, of))
            if created is not None:
                return str(created["metadata"]["uid"])
            found = self._client.get("Lease", name, self._namespace)
            version = _version(found) if found else ""
            if found is None or version != seen:
                seen, since = version, time.monotonic()
            elif time.monotonic() - since > float(found["spec"].get("leaseDurationSeconds") or SECONDS):
                self._client.delete("Lease", name, self._namespace, uid=str(found["metadata"]["uid"]))
                continue
            time.sleep(min(0.5, self._seconds / 10))

    def require(self, held: Held, service: str) -> None:
        """Go on only while the lock is ours; raises ``JobError`` SR596 when somebody else took it."""
        if self._mine(held) is None:
            raise JobError(
                "SR596",
                f"the lock of service {service} was lost: the cluster was out of reach for too long",
                hint="run the script again: what is done is kept",
            )

    def _renew(self, held: Held) -> None:
        """Renew three times a duration, as long as it is there; an API server that is away may come back."""
        while not held.done.wait(self._seconds / 3):
            with suppress(SqlRecError):
                found = self._mine(held)
                if found is None:
                    return
                metadata = {"uid": held.uid, "resourceVersion": _version(found)}
                body = {"metadata": metadata, "spec": {"renewTime": _now()}}
                self._client.patch("Lease", held.name, self._namespace, body)

    def _mine(self, held: Held) -> Manifest | None:
        """The lease as it is now, unless it is gone or another's."""
        found = self._client.get("Lease", held.name, self._namespace)
        return found if found and found["metadata"]["uid"] == held.uid else None

    def _lease(self, name: str, of: str) -> Manifest:
        facts = {"service": of}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": labels(name, COMPONENT, facts),
                "annotations": notes(facts),
            },
            "spec": {
                "holderIdentity": f"{socket.gethostname()}/{os.getpid()}",
                "leaseDurationSeconds": max(1, round(self._seconds)),
                "acquireTime": _now(),
                "renewTime": _now(),
            },
        }


def _version(lease: Manifest) -> str:
    return str(lease["metadata"]["resourceVersion"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
