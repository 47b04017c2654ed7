"""Revisions of a service in the cluster: put there, waited for, marked as proved, and brought back.

The Deployment remembers by annotations what was wanted last (``digest``) and what was proved last
(``proved``: whole manifests, and the spec that the cluster made of them). Both are written in one step each,
so whoever is killed and when: what differs is a rollout that is not finished, and the way back is in the
cluster itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlrec.errors import JobError, RemoteError
from sqlrec.runtimes.kubernetes.client import ClusterClient
from sqlrec.runtimes.kubernetes.drift import changes, comparable, undoing
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.pod import owned_by
from sqlrec.runtimes.kubernetes.rollout import Progress, Verdict, judge
from sqlrec.runtimes.kubernetes.service import CONTAINER, TRACK, ServiceManifests
from sqlrec.runtimes.runtime import Change
from sqlrec.spec.pod import OURS

DIGEST, PROVED, STOPPED = f"{OURS}digest", f"{OURS}proved", f"{OURS}stopped"
SCALER = "sqlrec-scale"
"""Who is said to own the scale of an autoscaled Deployment, so that applying it takes nothing away."""
LOG_LINES = 20
SLACK_SECONDS = 30.0
REMOVAL_SECONDS = 600.0
BESIDE = ("PodDisruptionBudget", "HorizontalPodAutoscaler")
"""Kinds that one revision has and another does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The last revision that answered as it should."""

    digest: str
    manifests: ServiceManifests
    spec: Manifest

    @property
    def autoscaled(self) -> bool:
        """Whether the number of pods is somebody else's."""
        return "replicas" not in self.manifests.deployment["spec"]


class RolloutError(JobError):
    """SR506: a rollout that failed, with the pod's reason and its last log lines."""

    def __init__(self, reason: str, tail: str = "") -> None:
        super().__init__("SR506", reason + (f"\n{tail}" if tail else ""))


class Revisions:
    """Deployments of one namespace."""

    def __init__(self, client: ClusterClient, namespace: str, *, poll: float = 0.5) -> None:
        self._client = client
        self._namespace = namespace
        self._poll = poll

    def find(self, name: str) -> Manifest | None:
        """The Deployment, unless it is on its way out."""
        found = self._client.get("Deployment", name, self._namespace)
        return found if found and not found["metadata"].get("deletionTimestamp") else None

    def put(self, manifests: ServiceManifests, owner: Manifest | None = None) -> Manifest:
        """Make the cluster have a revision; its Deployment as the API server gives it back.

        ``owner`` is the Deployment to which all belongs, also this one: that of a canary's service.
        """
        wanted = _with_notes(manifests.deployment, {DIGEST: manifests.digest})
        if owner:
            wanted = owned_by(wanted, owner)
        live = self.find(str(wanted["metadata"]["name"]))
        owner = owner or live or self._client.apply(wanted)
        for part in (manifests.config_map, *manifests.others):
            self._client.apply(owned_by(part, owner))
        if "replicas" not in wanted["spec"]:
            self._keep_scale(wanted, live, manifests)
        if live and live["metadata"].get("annotations", {}).get(STOPPED):
            self._note(str(wanted["metadata"]["name"]), {STOPPED: None})
        return self._client.apply(wanted)

    def prove(self, live: Manifest, manifests: ServiceManifests) -> None:
        """Note that the revision which ``live`` was made from is proved."""
        proved = {
            "digest": manifests.digest,
            "deployment": manifests.deployment,
            "config_map": manifests.config_map,
            "others": manifests.others,
            "spec": comparable(live, autoscaled="replicas" not in manifests.deployment["spec"]),
        }
        self._note(str(live["metadata"]["name"]), {PROVED: json.dumps(proved)})

    def wait(self, name: str) -> Manifest:
        """The Deployment once its rollout is done; raises :class:`RolloutError`."""
        seen: Verdict | None = None
        since = time.monotonic()
        while True:
            live = self.find(name)
            if live is None:
                raise RolloutError(f"Deployment {name} was deleted by somebody else")
            verdict = judge(live, self.pods(live))
            patience = live["spec"].get("progressDeadlineSeconds", 600) + SLACK_SECONDS
            if verdict.progress is Progress.DONE:
                return live
            if verdict != seen:
                seen, since = verdict, time.monotonic()
            if verdict.progress is Progress.FAILED or time.monotonic() - since > patience:
                raise RolloutError(verdict.reason, self._tail(verdict))
            time.sleep(self._poll)

    def restore(self, proved: Proved) -> None:
        """Bring the last proved revision back and wait for it; most often its pods still run."""
        live = self.put(proved.manifests)
        self.wait(str(live["metadata"]["name"]))
        self.collect(proved.manifests)

    def remove(self, name: str) -> None:
        """Delete a Deployment and all that belongs to it, and wait until its pods have drained."""
        live = self._client.get("Deployment", name, self._namespace)
        self._client.delete(
            "Deployment", name, self._namespace, propagation="Foreground", wait=REMOVAL_SECONDS
        )
        if live is not None:
            self._wait_gone(live)

    def collect(self, manifests: ServiceManifests) -> None:
        """Delete what earlier revisions had and this one has not, less what a ReplicaSet still refers to."""
        instance = manifests.instance
        kept = {(part["kind"], part["metadata"]["name"]) for part in manifests.others}
        for kind in BESIDE:
            for found in self._client.list(kind, self._namespace, labels=instance):
                if (kind, found["metadata"]["name"]) not in kept:
                    self._client.delete(kind, found["metadata"]["name"], self._namespace)
        makers = [
            *self._client.list("Deployment", self._namespace, labels=instance),
            *self._client.list("ReplicaSet", self._namespace, labels=instance),
        ]
        used = {name for maker in makers for name in _config_maps(maker)}
        for found in self._client.list("ConfigMap", self._namespace, labels=instance):
            if found["metadata"]["name"] not in used:
                self._client.delete("ConfigMap", found["metadata"]["name"], self._namespace)

    def drift(self, live: Manifest) -> tuple[Change, ...]:
        """What was changed by hand since the revision was proved; nothing while a rollout is not finished."""
        proved = proved_of(live)
        if proved is None or proved.digest != digest_of(live) or is_stopped(live):
            return ()
        return changes(proved.spec, comparable(live, autoscaled=proved.autoscaled), live)

    def take_back(self, live: Manifest) -> tuple[Change, ...]:
        """Undo what was changed by hand; what it was."""
        proved, drifted = proved_of(live), self.drift(live)
        if proved and drifted:
            patch = undoing(proved.spec, comparable(live, autoscaled=proved.autoscaled))
            self._client.patch("Deployment", str(live["metadata"]["name"]), self._namespace, {"spec": patch})
        return drifted

    def pods(self, live: Manifest) -> list[Manifest]:
        """Pods of a Deployment, of all its revisions."""
        wanted = live["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in wanted.items())
        return self._client.list("Pod", self._namespace, labels=selector)

    def stop(self, live: Manifest) -> None:
        """Take all pods away and keep the rest."""
        name = str(live["metadata"]["name"])
        self._note(name, {STOPPED: "true"})
        self._client.scale("Deployment", name, self._namespace, 0)
        self._wait_gone(live)

    def logs(self, live: Manifest, lines: int) -> str:
        """The last lines of each pod."""
        pods = sorted(str(pod["metadata"]["name"]) for pod in self.pods(live))
        read = (self._client.logs(pod, self._namespace, CONTAINER, tail=lines) for pod in pods)
        return "\n".join(line for log in read for line in log)

    def _wait_gone(self, live: Manifest) -> None:
        deadline = time.monotonic() + REMOVAL_SECONDS
        while self.pods(live):
            if time.monotonic() > deadline:
                name = live["metadata"]["name"]
                raise RemoteError("SR746", f"pods of {name} are not gone in time", retriable=True)
            time.sleep(self._poll)

    def _keep_scale(self, wanted: Manifest, live: Manifest | None, manifests: ServiceManifests) -> None:
        """Let an autoscaled Deployment have as many pods as it has, within its autoscaler's bounds."""
        (scaler,) = (part for part in manifests.others if part["kind"] == "HorizontalPodAutoscaler")
        now = live["spec"].get("replicas", 1) if live else 0
        bounds = scaler["spec"]
        replicas = min(max(now, bounds["minReplicas"]), bounds["maxReplicas"])
        names = {key: wanted["metadata"][key] for key in ("name", "namespace")}
        scaled = {**wanted, "metadata": names, "spec": {"replicas": replicas}}
        self._client.apply(scaled, manager=SCALER)

    def _note(self, name: str, notes: dict[str, str | None]) -> None:
        self._client.patch("Deployment", name, self._namespace, {"metadata": {"annotations": notes}})

    def _tail(self, verdict: Verdict) -> str:
        if not verdict.pod:
            return ""

        def read(*, previous: bool) -> list[str]:
            return list(
                self._client.logs(verdict.pod, self._namespace, CONTAINER, tail=LOG_LINES, previous=previous)
            )

        return "\n".join((read(previous=True) if verdict.crashed else []) or read(previous=False))


def proved_of(live: Manifest) -> Proved | None:
    """What a Deployment remembers of its last proved revision."""
    text = live["metadata"].get("annotations", {}).get(PROVED)
    if not text:
        return None
    told = json.loads(text)
    manifests = ServiceManifests(
        deployment=told["deployment"], config_map=told["config_map"], others=tuple(told["others"])
    )
    return Proved(digest=told["digest"], manifests=manifests, spec=told["spec"])


def digest_of(live: Manifest) -> str:
    """Of the revision that was wanted last."""
    return str(live["metadata"].get("annotations", {}).get(DIGEST, ""))


def is_stopped(live: Manifest) -> bool:
    """Whether its pods were taken away on purpose."""
    return bool(live["metadata"].get("annotations", {}).get(STOPPED))


def track_of(live: Manifest) -> str:
    """Whether it is the service itself or its canary."""
    return str(live["metadata"]["labels"][TRACK])


def _with_notes(manifest: Manifest, notes: dict[str, str]) -> Manifest:
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata["annotations"], **notes}}}


def _config_maps(maker: Manifest) -> Iterable[str]:
    volumes = maker["spec"]["template"]["spec"].get("volumes") or ()
    return (v["configMap"]["name"] for v in volumes if "configMap" in v)
