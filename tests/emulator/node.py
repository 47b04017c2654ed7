"""The one node of the cluster: what it has, which pods fit, which images it can pull."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

from tests.emulator.errors import ApiError
from tests.emulator.kinds import NODES
from tests.emulator.objects import Object, now, uid_of
from tests.emulator.quantities import amount
from tests.emulator.store import Store

NAME = "emulated"
LABELS = {
    "kubernetes.io/hostname": NAME,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "node.kubernetes.io/instance-type": "emulated",
    "topology.kubernetes.io/zone": "emulated",
}
CAPACITY = {"cpu": "256", "memory": "1Ti", "ephemeral-storage": "1Ti", "nvidia.com/gpu": "64", "pods": "500"}


@dataclass
class Node:
    """Resources are counted by what pods ask for, as a scheduler does; nobody measures."""

    store: Store
    address: str
    images: frozenset[str]
    capacity: dict[str, str] = field(default_factory=lambda: dict(CAPACITY))
    failing: set[str] = field(default_factory=set)
    """Images that cannot be pulled just now."""
    slow: dict[str, float] = field(default_factory=dict)
    """Seconds that pulling an image takes."""
    _used: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def register(self) -> None:
        """Make the node known."""
        conditions = [
            {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": now()}
        ]
        addresses = [{"type": "InternalIP", "address": self.address}, {"type": "Hostname", "address": NAME}]
        status = {"capacity": self.capacity, "allocatable": self.capacity, "conditions": conditions}
        status |= {"addresses": addresses, "nodeInfo": {"kubeletVersion": "v1.37.0", "osImage": "emulated"}}
        self.store.add(NODES, {"metadata": {"name": NAME, "labels": LABELS}, "spec": {}, "status": status})

    def recover(self) -> None:
        """Forget what tests have said of resources and images."""
        self.capacity = dict(CAPACITY)
        self.failing.clear()
        self.slow.clear()

    def refusal(self, pod: Object) -> str:
        """Why a pod does not fit, in the scheduler's words; empty: it fits and its share is taken."""
        selector = pod["spec"].get("nodeSelector") or {}
        if any(LABELS.get(k) != v for k, v in selector.items()):
            return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
        wanted = _requests(pod["spec"])
        shares = list(self._used.values())
        used = {k: sum((share.get(k, Decimal(0)) for share in shares), Decimal(0)) for k in wanted}
        short = [k for k, v in wanted.items() if used[k] + v > amount(self.capacity.get(k, 0))]
        if short:
            return f"0/1 nodes are available: {', '.join(f'1 Insufficient {name}' for name in short)}."
        self._used[uid_of(pod)] = wanted
        return ""

    def release(self, pod: Object) -> None:
        """Give back a pod's share."""
        self._used.pop(uid_of(pod), None)

    async def pull(self, image: str) -> None:
        """Wait until an image is there; raises ``ApiError`` with reason ErrImagePull."""
        await asyncio.sleep(self.slow.get(image, 0.0))
        if image not in self.images or image in self.failing:
            why = f'Failed to pull image "{image}": rpc error: code = NotFound desc = {image}: not found'
            raise ApiError(404, "ErrImagePull", why)


def _requests(spec: Object) -> dict[str, Decimal]:
    wanted: dict[str, Decimal] = {}
    for container in spec["containers"]:
        for name, quantity in ((container.get("resources") or {}).get("requests") or {}).items():
            wanted[name] = wanted.get(name, Decimal(0)) + amount(quantity)
    return wanted
