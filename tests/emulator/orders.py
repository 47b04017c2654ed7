"""The side door: what ``kube.faults`` asks for is done here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from tests.emulator.api import Api
from tests.emulator.errors import ApiError
from tests.emulator.kinds import PODS
from tests.emulator.objects import Object
from tests.emulator.server import Port, Rules


@dataclass
class Orders:
    """Takes orders by POST; each answers with JSON."""

    api: Api
    rules: Rules
    port: Port
    """That of the API."""
    _reopening: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Do what the last part of the path names."""
        name, order = request.path.strip("/"), await request.json()
        try:
            return web.json_response(await self._do(name, order) or {})
        except ApiError as error:
            return web.json_response(error.status(), status=error.code)

    async def _do(self, name: str, order: Object) -> Object | None:
        if name in ("evict", "kill", "lose-node"):
            await self._to_pod(name, order)
            return None
        node = self.api.kubelet.place.node
        match name:
            case "rule":
                self.rules.rules.append(order)
            case "requests":
                return {"requests": self.rules.requests(order["method"], order["path"])}
            case "drop-watches":
                return {"dropped": self.api.watches.drop()}
            case "forget-history":
                self.api.store.forget_history()
            case "restart-server":
                await self._restart(order["seconds"])
            case "image":
                node.slow[order["image"]] = order["seconds"]
                (node.failing.add if order["fails"] else node.failing.discard)(order["image"])
            case "capacity":
                node.capacity.update(order)
            case "clear":
                self.rules.rules.clear()
                self.rules.seen.clear()
                node.recover()
                await asyncio.gather(*self._reopening)
            case _:
                raise ApiError(404, "NotFound", f"there is no order {name}")
        return None

    async def _to_pod(self, name: str, order: Object) -> None:
        pod = self.api.store.get(PODS, order["namespace"], order["pod"])
        kubelet = self.api.kubelet
        match name:
            case "evict":
                why = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi."
                await kubelet.worker(pod).evict("Evicted", why)
            case "lose-node":
                await kubelet.lose_node(pod, order["seconds"])
            case _:
                container = kubelet.container(pod, order["container"] or pod["spec"]["containers"][0]["name"])
                if not container.running:
                    raise ApiError(409, "Conflict", f"container {container.name} is not running")
                container.killed_as = order.get("reason", "")
                container.signal(order["signal"])

    async def _restart(self, seconds: float) -> None:
        """Close the port; it opens again by itself."""
        await self.port.close()

        async def reopen() -> None:
            await asyncio.sleep(seconds)
            await self.port.open()

        task = asyncio.create_task(reopen())
        self._reopening.add(task)
        task.add_done_callback(self._reopening.discard)
