"""Gives each new pod a worker, and finds containers for logs, commands and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

from tests.emulator.container import Container
from tests.emulator.errors import ApiError, bad_request
from tests.emulator.kinds import PODS
from tests.emulator.objects import Object, containers_of, is_deleting, name_of, now, uid_of
from tests.emulator.pod_status import disruption, not_ready
from tests.emulator.pod_worker import Place, PodWorker
from tests.emulator.store import ADDED, DELETED, MODIFIED, Change


@dataclass
class Kubelet:
    """The workers of all pods."""

    place: Place
    workers: dict[str, PodWorker] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.place.store.hooks.append(self._notice)

    def _notice(self, change: Change) -> None:
        if change.kind is not PODS:
            return
        uid = uid_of(change.item)
        match change.type:
            case type if type == ADDED:
                worker = self.workers[uid] = PodWorker(self.place, change.item)
                worker.start()
            case type if type == MODIFIED and is_deleting(change.item) and uid in self.workers:
                self.workers[uid].stop()
            case type if type == DELETED and uid in self.workers:
                self.workers.pop(uid).stop()

    def worker(self, pod: Object) -> PodWorker:
        """The worker of a pod; raises 404 when the node does not know it (any more)."""
        found = self.workers.get(uid_of(pod))
        if found is None:
            raise ApiError(404, "NotFound", f'pod "{name_of(pod)}" not found on its node')
        return found

    def container(self, pod: Object, name: str) -> Container:
        """A container by its name, or the only one; raises 400 as the API server does."""
        names = [c["name"] for c in containers_of(pod["spec"])]
        main = [c["name"] for c in pod["spec"]["containers"]]
        shown = f"[{' '.join(names)}]"
        if not name and len(main) > 1:
            why = f"a container name must be specified for pod {name_of(pod)}, choose one of: {shown}"
            raise bad_request(why)
        found = self.worker(pod).container(name or main[0])
        if found is None:
            raise bad_request(f"container {name} is not valid for pod {name_of(pod)}")
        return found

    async def lose_node(self, pod: Object, seconds: float) -> None:
        """What happens to a pod whose node does not answer: it is unknown for a while, then gone."""
        store = self.place.store
        worker = self.workers.pop(uid_of(pod), None)
        if worker is not None:
            await worker.vanish()
        present = store.current(PODS, pod)
        if present is None:
            return
        why = f"Node {present['spec'].get('nodeName')} which was running pod {name_of(pod)} is unresponsive"
        conditions = not_ready(present, "NodeStatusUnknown", why)
        told = store.set_status(PODS, present, reason="NodeLost", message=why, conditions=conditions)
        assert told is not None
        lost = disruption(told, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
        told = store.set_status(PODS, told, conditions=lost)
        assert told is not None
        store.change_metadata(PODS, told, deletionTimestamp=now(), deletionGracePeriodSeconds=30)
        self._later(self._collect(pod, seconds))

    async def _collect(self, pod: Object, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if (present := self.place.store.current(PODS, pod)) is not None:
            self.place.store.remove(PODS, present)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Kill everything that runs."""
        await asyncio.gather(*(worker.vanish() for worker in self.workers.values()))
