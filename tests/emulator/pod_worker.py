"""The life of one pod on the node: scheduling, network, images, containers, probes, end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.emulator.container import Container, Setting
from tests.emulator.environment import environment
from tests.emulator.errors import ApiError
from tests.emulator.kinds import PODS
from tests.emulator.names_in_pods import Names, hostname
from tests.emulator.network import Network
from tests.emulator.node import NAME, Node
from tests.emulator.objects import Object, is_deleting, name_of, now, uid_of
from tests.emulator.pod_status import disruption, pod_status, unschedulable
from tests.emulator.probes import Prober
from tests.emulator.store import Store
from tests.emulator.volumes import Mount, mounts_of

RETRY = 0.1
"""Seconds between two tries of what a pod waits for."""
BACK_OFF, LONGEST_BACK_OFF = 0.3, 10.0
"""Seconds before a container is started again, doubled with each time (a kubelet: 10 s to 5 min)."""


ETC = ("hosts", "resolv.conf")
RESOLVER = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
"""Nobody listens there: a name that is not in the hosts file is unknown at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where pods run."""

    store: Store
    node: Node
    network: Network
    names: Names
    folder: Path


@dataclass
class PodWorker:
    """Runs one pod; ``stop`` ends it."""

    place: Place
    pod: Object
    init: list[Container] = field(default_factory=list)
    main: list[Container] = field(default_factory=list)
    _pause: asyncio.subprocess.Process | None = None
    _task: asyncio.Task[None] | None = None
    _stopping: asyncio.Task[None] | None = None
    _given: float = 0.0
    """Seconds of grace that stopping began with."""
    _abandoned: bool = False
    _final: Object | None = None

    def __post_init__(self) -> None:
        spec = self.pod["spec"]
        self.init = [Container(c, self._report) for c in spec.get("initContainers") or []]
        self.main = [Container(c, self._report) for c in spec["containers"]]
        for container in self.main if self.init else []:
            container.state = {"waiting": {"reason": "PodInitializing"}}
        self.folder = self.place.folder / uid_of(self.pod)

    @property
    def containers(self) -> list[Container]:
        return [*self.init, *self.main]

    def container(self, name: str) -> Container | None:
        return next((c for c in self.containers if c.name == name), None)

    def start(self) -> None:
        self._task = asyncio.create_task(self._live())

    def present(self) -> Object | None:
        """The pod's state in the store, None when it is gone."""
        return None if self._abandoned else self.place.store.current(PODS, self.pod)

    def _report(self) -> None:
        if (pod := self.present()) is not None and "podIP" in pod["status"]:
            self.place.store.set_status(PODS, pod, **pod_status(pod, self.init, self.main, self._final))

    def _event(self, reason: str, message: str, warning: bool = False) -> None:
        if (pod := self.present()) is not None:
            self.place.store.event(pod, reason, message, warning)

    async def _live(self) -> None:
        await self._schedule()
        try:
            await self._bind()
            deadline = self.pod["spec"].get("activeDeadlineSeconds")
            await asyncio.wait_for(self._work(), deadline)
        except TimeoutError:
            why = "Pod was active on the node longer than the specified deadline"
            await self.end("Failed", reason="DeadlineExceeded", message=why)
        finally:
            self.place.node.release(self.pod)

    async def _schedule(self) -> None:
        told = ""
        while why := self.place.node.refusal(self.pod):
            if why != told and (pod := self.present()) is not None:
                self.place.store.set_status(PODS, pod, conditions=unschedulable(pod, why))
                self._event("FailedScheduling", why, warning=True)
            told = why
            await asyncio.sleep(RETRY)

    async def _bind(self) -> None:
        place, pod = self.place, self.present()
        if pod is None:
            raise asyncio.CancelledError
        place.store.put(PODS, {**pod, "spec": {**pod["spec"], "nodeName": NAME}})
        self._event(
            "Scheduled", f"Successfully assigned {pod['metadata']['namespace']}/{name_of(pod)} to {NAME}"
        )
        address = place.network.gateway
        if not pod["spec"].get("hostNetwork"):
            address = place.network.pod_address()
            self._pause = await place.network.join(address)
        self.folder.mkdir(parents=True)
        found = self.present()
        if found is None:
            raise asyncio.CancelledError
        ips = {"podIP": address, "podIPs": [{"ip": address}], "hostIP": place.node.address}
        updated = place.store.set_status(PODS, found, startTime=now(), **ips)
        assert updated is not None
        self.pod = updated
        place.names.add(self.pod, self.folder / "hosts")
        (self.folder / "resolv.conf").write_text(RESOLVER)
        self._report()

    async def _work(self) -> None:
        never = self.pod["spec"]["restartPolicy"] == "Never"
        for container in self.init:
            while await self._run(container):
                if never:
                    await self.end("Failed")
                    return
                await self._back_off(container)
        ends = await asyncio.gather(*(self._keep(c) for c in self.main))
        await self.end("Failed" if any(ends) else "Succeeded")

    async def _keep(self, container: Container) -> int:
        """Run a container until it is to run no more; its exit code."""
        policy = self.pod["spec"]["restartPolicy"]
        while True:
            code = await self._run(container)
            if self._stopping or policy == "Never" or (policy == "OnFailure" and code == 0):
                return code
            await self._back_off(container)

    async def _back_off(self, container: Container) -> None:
        why = f"back-off restarting failed container={container.name} pod={name_of(self.pod)}"
        container.back_off(why)
        self._event("BackOff", why, warning=True)
        await asyncio.sleep(min(BACK_OFF * 2 ** (container.restarts - 1), LONGEST_BACK_OFF))

    async def _run(self, container: Container) -> int:
        setting = await self._prepare(container)
        self._event("Created", f"Created container: {container.name}")
        prober, tasks = self._prober(container), []

        def began() -> None:
            self._event("Started", f"Started container {container.name}")
            tasks.append(asyncio.create_task(self._watch_over(container, prober)))

        try:
            return await container.run(setting, began)
        finally:
            for task in tasks:
                task.cancel()

    async def _watch_over(self, container: Container, prober: Prober) -> None:
        if hook := (container.spec.get("lifecycle") or {}).get("postStart"):
            await prober.hook(hook)
        await prober.run()

    def _prober(self, container: Container) -> Prober:
        def unhealthy(probe: str, why: str) -> None:
            self._event("Unhealthy", f"{probe} probe failed: {why}", warning=True)

        async def restart() -> None:
            self._event("Killing", f"Container {container.name} failed its probe, will be restarted")
            await self._terminate(container, self.pod["spec"]["terminationGracePeriodSeconds"])

        address = self.pod["status"]["podIP"]
        return Prober(container=container, address=address, unhealthy=unhealthy, restart=restart)

    async def _prepare(self, container: Container) -> Setting:
        """Image, volumes and variables of a container, tried again until they are there."""
        image, told = container.spec.get("image", ""), ""
        while True:
            try:
                if image in self.place.node.slow:
                    container.wait_for("ContainerCreating")
                    self._event("Pulling", f'Pulling image "{image}"')
                await self.place.node.pull(image)
                return self._setting(container)
            except ApiError as error:
                told = self._wait(container, error, told)
                await asyncio.sleep(RETRY)

    def _wait(self, container: Container, error: ApiError, told: str) -> str:
        reason = error.reason
        if reason != told:
            about = {"ErrImagePull": "Failed", "CreateContainerConfigError": "Failed"}
            self._event(about.get(reason, reason), error.message, warning=True)
        if reason == "FailedMount":
            container.wait_for("ContainerCreating")
        elif reason == "ErrImagePull" and told == reason:
            image = container.spec["image"]
            container.wait_for("ImagePullBackOff", f'Back-off pulling image "{image}"')
        else:
            container.wait_for(reason, error.message)
        return reason

    def _setting(self, container: Container) -> Setting:
        store, pod = self.place.store, self.pod
        claims = self.place.folder / "claims"
        mounts = mounts_of(store, pod, container.spec, self.folder / "volumes", claims)
        etc = [Mount(source=self.folder / name, target=f"/etc/{name}", read_only=False) for name in ETC]
        return Setting(
            folder=self.folder / f"{container.name}.{container.restarts}",
            pause=self._pause.pid if self._pause else 0,
            hostname=hostname(pod),
            variables=environment(store, pod, container.spec),
            mounts=[*etc, *mounts],
        )

    async def end(self, phase: str, **why: str) -> None:
        """Let nothing run any more and say how it ended."""
        self._final = self._final or {"phase": phase, **why}
        await self._kill_all()
        self._report()
        await self._release()

    async def evict(self, reason: str, message: str) -> None:
        """End the pod as a node does that needs its resources: Failed, with the reason."""
        if (pod := self.present()) is not None:
            told = disruption(pod, "TerminationByKubelet", message)
            self.place.store.set_status(PODS, pod, conditions=told)
        self._event(reason, message, warning=True)
        self._final = {"phase": "Failed", "reason": reason, "message": message}
        await self._kill_all()
        self._cancel()
        self._report()
        await self._release()

    async def vanish(self) -> None:
        """Kill everything and report nothing, as when the node is gone."""
        self._abandoned = True
        await self._kill_all()
        self._cancel()
        await self._release()

    async def _kill_all(self) -> None:
        for container in self.containers:
            container.signal(signal.SIGKILL)
        while any(c.running for c in self.containers):
            await asyncio.sleep(0.02)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def stop(self) -> None:
        """The pod is being deleted: let its containers end within their grace, then forget it."""
        grace = self._grace()
        if self._stopping is not None:
            if grace >= self._given:
                return
            self._stopping.cancel()
        self._given = grace
        self._stopping = asyncio.create_task(self._stop(grace))

    def _grace(self) -> float:
        pod = self.present()
        return float(pod["metadata"].get("deletionGracePeriodSeconds", 0)) if pod else 0.0

    async def _stop(self, grace: float) -> None:
        if running := [c for c in self.containers if c.running]:
            self._event("Killing", f"Stopping container {', '.join(c.name for c in running)}")
            await asyncio.gather(*(self._terminate(c, grace) for c in running))
            if self._task is not None:  # which tells how they ended
                await asyncio.wait({self._task}, timeout=1.0)
        self._cancel()
        await self._kill_all()
        await self._release()
        if (pod := self.present()) is not None and is_deleting(pod):
            self.place.store.remove(PODS, pod)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _terminate(self, container: Container, grace: float) -> None:
        """preStop hook, SIGTERM, and SIGKILL when the grace is over."""

        async def gently() -> None:
            if hook := (container.spec.get("lifecycle") or {}).get("preStop"):
                await self._prober(container).hook(hook)
            container.signal(signal.SIGTERM)
            await self._until_ended(container)

        if grace > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gently(), grace)
        container.signal(signal.SIGKILL)
        await self._until_ended(container)

    async def _until_ended(self, container: Container) -> None:
        restarts = container.restarts
        while container.running and container.restarts == restarts:
            await asyncio.sleep(0.02)

    async def _release(self) -> None:
        """Leave the network."""
        self.place.names.discard(self.pod)
        if self._pause is not None and self._pause.returncode is None:
            self._pause.kill()
            await self._pause.wait()
