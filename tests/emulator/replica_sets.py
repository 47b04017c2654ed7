"""The ReplicaSet controller: as many pods of a template as wanted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tests.emulator.deletion import Deletion
from tests.emulator.kinds import PODS, REPLICA_SETS
from tests.emulator.objects import (
    Object,
    annotations_of,
    clone,
    controller_reference,
    is_deleting,
    is_finished,
    is_owned_by,
    is_ready,
    labels_of,
    name_of,
    namespace_of,
    suffix,
    uid_of,
)
from tests.emulator.store import Store
from tests.emulator.writes import Writes

MANAGER = "kube-controller-manager"


def pod_of(owner: Object, template: Object, name: str) -> Object:
    """A pod of a template that ``owner`` controls."""
    template = clone(template)
    metadata = {"name": name, "ownerReferences": controller_reference(owner)}
    for part in ("labels", "annotations"):
        if values := (template.get("metadata") or {}).get(part):
            metadata[part] = values
    return {"metadata": metadata, "spec": template["spec"]}


@dataclass
class ReplicaSets:
    """Keeps the number of pods."""

    store: Store
    writes: Writes
    deletion: Deletion
    _ready_since: dict[str, float] = field(default_factory=dict)

    def sync(self, replica_set: Object) -> None:
        """One step of a ReplicaSet."""
        namespace, wanted = namespace_of(replica_set), replica_set["spec"]["replicas"]
        pods = self.store.find(PODS, namespace, lambda p: is_owned_by(p, replica_set))
        alive = [p for p in pods if not is_deleting(p) and not is_finished(p)]
        for _ in range(wanted - len(alive)):
            name = f"{name_of(replica_set)[:57]}-{suffix()}"
            pod = pod_of(replica_set, replica_set["spec"]["template"], name)
            alive.append(self.writes.create(PODS, namespace, pod, MANAGER))
            self.store.event(replica_set, "SuccessfulCreate", f"Created pod: {name}")
        surplus = sorted(alive, key=_worth)[: max(0, len(alive) - wanted)]
        for pod in surplus:
            self.deletion.delete(PODS, pod)
            self.store.event(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        self._count(replica_set, [p for p in alive if p not in surplus])

    def _count(self, replica_set: Object, pods: list[Object]) -> None:
        ready = [p for p in pods if is_ready(p)]
        for pod in pods:
            if pod not in ready:
                self._ready_since.pop(uid_of(pod), None)
        patience = replica_set["spec"].get("minReadySeconds", 0)
        now = time.monotonic()
        since = [self._ready_since.setdefault(uid_of(p), now) for p in ready]
        available = sum(now - moment >= patience for moment in since)
        counts = {"replicas": len(pods), "fullyLabeledReplicas": len(pods), "readyReplicas": len(ready)}
        generation = replica_set["metadata"]["generation"]
        self.store.set_status(
            REPLICA_SETS, replica_set, **counts, availableReplicas=available, observedGeneration=generation
        )


def _worth(pod: Object) -> tuple[bool, bool, str]:
    """Order of deletion: what runs nowhere, then what is not ready, then the newest."""
    scheduled = "nodeName" in pod["spec"]
    newest_first = "".join(chr(255 - ord(c)) for c in pod["metadata"]["creationTimestamp"])
    return scheduled, is_ready(pod), newest_first


def revision_of(item: Object) -> int:
    """The revision of a Deployment that a ReplicaSet stands for."""
    return int(annotations_of(item).get("deployment.kubernetes.io/revision", 0))


def hash_of(item: Object) -> str:
    """The label that tells the pods of two ReplicaSets apart."""
    return labels_of(item).get("pod-template-hash", "")
