"""Addresses of Services: each port forwards connections to the ready pods in turn.

A pod that is being deleted gets no new connection; those it has go on until one side ends them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.emulator.endpoints import backends, is_published, target_port
from tests.emulator.kinds import SERVICES
from tests.emulator.objects import Object, uid_of
from tests.emulator.store import DELETED, Change, Store

CHUNK = 1 << 16


@dataclass
class Proxy:
    """The listening ports of all Services."""

    store: Store
    _servers: dict[str, list[asyncio.Server]] = field(default_factory=dict)
    _ports: dict[str, list[int]] = field(default_factory=dict)
    _turn: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.store.hooks.append(self._notice)

    def _notice(self, change: Change) -> None:
        if change.kind is SERVICES:
            task = asyncio.get_running_loop().create_task(self._sync(change))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _sync(self, change: Change) -> None:
        service, uid = change.item, uid_of(change.item)
        ports = [] if change.type == DELETED else [p["port"] for p in service["spec"].get("ports") or []]
        if self._ports.get(uid, []) == ports or service["spec"].get("clusterIP") in (None, "None"):
            return
        self._ports[uid] = ports
        for server in self._servers.pop(uid, []):
            server.close()
        self._servers[uid] = [await self._listen(service, port) for port in ports]

    async def _listen(self, service: Object, port: int) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._forward(service, port, reader, writer)
            except OSError:
                writer.transport.abort()
            finally:
                writer.close()

        return await asyncio.start_server(serve, service["spec"]["clusterIP"], port, backlog=512)

    async def _forward(
        self, service: Object, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        present = self.store.current(SERVICES, service)
        pods = [p for p in backends(self.store, present) if is_published(present, p)] if present else []
        if not present or not pods:
            writer.transport.abort()  # as a Service without endpoints refuses
            return
        self._turn += 1
        pod = pods[self._turn % len(pods)]
        entry = next(p for p in present["spec"]["ports"] if p["port"] == port)
        there, back = await asyncio.open_connection(pod["status"]["podIP"], target_port(pod, entry))
        try:
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        finally:
            back.close()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
