"""The Deployment controller: ReplicaSets by template, rolling updates within their bounds, revisions."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field

from tests.emulator.deletion import Deletion
from tests.emulator.kinds import DEPLOYMENTS, REPLICA_SETS
from tests.emulator.objects import (
    Object,
    annotations_of,
    clone,
    controller_reference,
    is_owned_by,
    name_of,
    namespace_of,
    now,
    uid_of,
    with_conditions,
    without_empty,
)
from tests.emulator.replica_sets import revision_of
from tests.emulator.store import Store

REVISION = "deployment.kubernetes.io/revision"
_NOT_COPIED = frozenset({REVISION, "kubectl.kubernetes.io/last-applied-configuration"})
HASH = "pod-template-hash"


def bounds(spec: Object) -> tuple[int, int]:
    """(pods above the wanted number, pods that may be missing) while a Deployment is updated."""
    rolling, replicas = spec["strategy"].get("rollingUpdate") or {}, spec["replicas"]
    surge = _share(rolling.get("maxSurge", "25%"), replicas, up=True)
    missing = _share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return surge, missing if surge or missing else 1


def _share(value: int | str, of: int, up: bool) -> int:
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * of / 100
    return math.ceil(part) if up else math.floor(part)


@dataclass
class Deployments:
    """Steps every Deployment towards its template."""

    store: Store
    deletion: Deletion
    _progress: dict[str, tuple[object, float]] = field(default_factory=dict)
    """By Deployment: what was last seen of it, and when that changed."""

    def sync(self, deployment: Object) -> None:
        """One step of a Deployment."""
        sets = self._sets(deployment)
        new = self._new_set(deployment, sets)
        if new is None:
            self._status(deployment, sets[-1] if sets else None, sets)
            return
        deployment = self._number(deployment, new)
        sets = self._sets(deployment)
        new = next(s for s in sets if uid_of(s) == uid_of(new))
        old = [s for s in sets if s is not new]
        if deployment["spec"].get("paused"):
            self._status(deployment, new, sets)
            return
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(deployment, new, old)
        else:
            self._roll(deployment, new, old)
        sets = self._sets(deployment)
        new = next(s for s in sets if uid_of(s) == uid_of(new))
        if self._status(deployment, new, sets):
            self._forget(deployment, [s for s in sets if s is not new])

    def _sets(self, deployment: Object) -> list[Object]:
        found = self.store.find(REPLICA_SETS, namespace_of(deployment), lambda s: is_owned_by(s, deployment))
        return sorted(found, key=revision_of)

    def _new_set(self, deployment: Object, sets: list[Object]) -> Object | None:
        """The ReplicaSet of the present template, made where there is none (None while paused)."""
        template = deployment["spec"]["template"]
        for candidate in sets:
            if _without_hash(candidate["spec"]["template"]) == without_empty(template):
                return candidate
        if deployment["spec"].get("paused"):
            return None
        digest = hashlib.sha256(json.dumps(without_empty(template), sort_keys=True).encode()).hexdigest()[:10]
        template = clone(template)
        template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), HASH: digest}
        selector = clone(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: digest}
        annotations = self._copied(deployment) | {REVISION: str(revision_of(sets[-1]) + 1 if sets else 1)}
        metadata: Object = {
            "name": f"{name_of(deployment)[:240]}-{digest}",
            "namespace": namespace_of(deployment),
        }
        metadata |= {"labels": template["metadata"]["labels"], "annotations": annotations}
        metadata |= {"ownerReferences": controller_reference(deployment)}
        spec = {"replicas": 0, "selector": selector, "template": template}
        spec["minReadySeconds"] = deployment["spec"].get("minReadySeconds", 0)
        return self.store.add(REPLICA_SETS, {"metadata": metadata, "spec": spec, "status": {"replicas": 0}})

    def _copied(self, deployment: Object) -> dict[str, str]:
        return {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}

    def _number(self, deployment: Object, new: Object) -> Object:
        """Give the present template the highest revision, a new one where it is an old one wanted again."""
        top = max((revision_of(s) for s in self._sets(deployment)), default=1)
        revision = top if revision_of(new) == top else top + 1
        annotations = {**annotations_of(new), **self._copied(deployment), REVISION: str(revision)}
        if annotations != annotations_of(new):
            self.store.change_metadata(REPLICA_SETS, new, annotations=annotations)
        if annotations_of(deployment).get(REVISION) != str(revision):
            marked = {**annotations_of(deployment), REVISION: str(revision)}
            deployment = self.store.change_metadata(DEPLOYMENTS, deployment, annotations=marked)
        return deployment

    def _scale(self, deployment: Object, replica_set: Object, replicas: int) -> None:
        before = replica_set["spec"]["replicas"]
        if before == replicas:
            return
        generation = replica_set["metadata"]["generation"] + 1
        metadata = {**replica_set["metadata"], "generation": generation}
        spec = {**replica_set["spec"], "replicas": replicas}
        self.store.put(REPLICA_SETS, {**replica_set, "metadata": metadata, "spec": spec})
        way = "up" if replicas > before else "down"
        why = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {replicas}"
        self.store.event(deployment, "ScalingReplicaSet", why)

    def _recreate(self, deployment: Object, new: Object, old: list[Object]) -> None:
        for replica_set in old:
            self._scale(deployment, replica_set, 0)
        if not any(s["status"].get("replicas") for s in old):
            self._scale(deployment, new, deployment["spec"]["replicas"])

    def _roll(self, deployment: Object, new: Object, old: list[Object]) -> None:
        """Scale up as far as maxSurge allows, down as far as maxUnavailable does."""
        wanted = deployment["spec"]["replicas"]
        surge, missing = bounds(deployment["spec"])
        planned = sum(s["spec"]["replicas"] for s in [new, *old])
        if new["spec"]["replicas"] > wanted:
            self._scale(deployment, new, wanted)
            return
        if new["spec"]["replicas"] < wanted and planned < wanted + surge:
            room = wanted + surge - planned
            self._scale(deployment, new, min(wanted, new["spec"]["replicas"] + room))
            return
        lacking = new["spec"]["replicas"] - new["status"].get("availableReplicas", 0)
        spare = planned - (wanted - missing) - lacking
        old = sorted(old, key=lambda s: s["metadata"]["creationTimestamp"])
        for replica_set in old:  # those that serve nobody first
            idle = replica_set["spec"]["replicas"] - replica_set["status"].get("availableReplicas", 0)
            gone = min(idle, max(spare, 0))
            self._scale(deployment, replica_set, replica_set["spec"]["replicas"] - gone)
            spare -= gone
        available = sum(s["status"].get("availableReplicas", 0) for s in [new, *old])
        spare = min(spare, available - (wanted - missing))
        for replica_set in self._present(old):
            gone = min(replica_set["spec"]["replicas"], max(spare, 0))
            self._scale(deployment, replica_set, replica_set["spec"]["replicas"] - gone)
            spare -= gone

    def _present(self, sets: list[Object]) -> list[Object]:
        found = [self.store.current(REPLICA_SETS, s) for s in sets]
        return [s for s in found if s is not None]

    def _forget(self, deployment: Object, old: list[Object]) -> None:
        """Delete the oldest ReplicaSets beyond the history that is kept."""
        idle = [s for s in old if not s["spec"]["replicas"] and not s["status"].get("replicas")]
        for replica_set in idle[: max(0, len(idle) - deployment["spec"]["revisionHistoryLimit"])]:
            self.deletion.delete(REPLICA_SETS, replica_set)

    def _status(self, deployment: Object, new: Object | None, sets: list[Object]) -> bool:
        """Write the status; whether the rollout is complete."""
        spec, fresh = deployment["spec"], new["status"] if new else {}

        def total(name: str) -> int:
            return sum(s["status"].get(name, 0) for s in sets)

        counts = {"replicas": total("replicas"), "readyReplicas": total("readyReplicas")}
        counts |= {
            "updatedReplicas": fresh.get("replicas", 0),
            "availableReplicas": total("availableReplicas"),
        }
        settled = all(s["status"].get("observedGeneration") == s["metadata"]["generation"] for s in sets)
        complete = settled and counts == dict.fromkeys(counts, spec["replicas"])
        late = self._is_late(deployment, new, counts, complete)
        missing = 0 if spec["strategy"]["type"] == "Recreate" else bounds(spec)[1]
        enough = counts["availableReplicas"] >= spec["replicas"] - missing
        conditions = with_conditions(
            deployment, _available(enough), _progressing(deployment, new, complete, late)
        )
        present = self.store.current(DEPLOYMENTS, deployment)
        if present is None:
            return False
        unavailable = max(0, counts["replicas"] - counts["availableReplicas"])
        unavailable = max(unavailable, spec["replicas"] - counts["availableReplicas"])
        generation = deployment["metadata"]["generation"]
        self.store.set_status(
            DEPLOYMENTS,
            present,
            observedGeneration=generation,
            **counts,
            unavailableReplicas=unavailable or None,
            conditions=conditions,
        )
        return complete

    def _is_late(self, deployment: Object, new: Object | None, counts: Object, complete: bool) -> bool:
        """Whether nothing has come forward for longer than progressDeadlineSeconds."""
        seen = (deployment["metadata"]["generation"], uid_of(new) if new else "", tuple(counts.values()))
        moment = time.monotonic()
        last, since = self._progress.get(uid_of(deployment), (None, moment))
        if last != seen:
            since = moment
            self._progress[uid_of(deployment)] = (seen, moment)
        waiting = not complete and not deployment["spec"].get("paused")
        return waiting and moment - since > deployment["spec"]["progressDeadlineSeconds"]


def _without_hash(template: Object) -> Object:
    template = clone(template)
    (template["metadata"].get("labels") or {}).pop(HASH, None)
    cleaned: Object = without_empty(template)
    return cleaned


def _available(enough: bool) -> Object:
    if enough:
        why = {"reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability."}
    else:
        why = {"reason": "MinimumReplicasUnavailable"}
        why["message"] = "Deployment does not have minimum availability."
    return {"type": "Available", "status": "True" if enough else "False", **why, "lastUpdateTime": now()}


def _progressing(deployment: Object, new: Object | None, complete: bool, late: bool) -> Object:
    name = f'ReplicaSet "{name_of(new) if new else name_of(deployment)}"'
    status = "True"
    if complete:
        reason, message = "NewReplicaSetAvailable", f"{name} has successfully progressed."
    elif late:
        status, reason = "False", "ProgressDeadlineExceeded"
        message = f"{name} has timed out progressing."
    elif deployment["spec"].get("paused"):
        status, reason, message = "Unknown", "DeploymentPaused", "Deployment is paused"
    else:
        reason, message = "ReplicaSetUpdated", f"{name} is progressing."
    told = {"type": "Progressing", "status": status, "reason": reason, "message": message}
    return {**told, "lastUpdateTime": now()}
