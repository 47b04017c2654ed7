"""Startup, liveness and readiness probes, and hooks, really executed.

Time runs faster for probes: their periods and delays are a tenth of what is written, and their time-outs ten
times as long, so that tests are quick and a busy machine fails no probe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.emulator.container import Container
from tests.emulator.objects import Object

HASTE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """Probes of one container while it runs."""

    container: Container
    address: str
    unhealthy: Callable[[str, str], None]
    """Told of each failure: which probe, why."""
    restart: Callable[[], Awaitable[None]]
    """Ends a container whose startup or liveness probe has failed too often."""

    async def run(self) -> None:
        """Probe until cancelled."""
        spec = self.container.spec
        if "startupProbe" in spec:
            await _initial_delay(spec["startupProbe"])
            if not await self._until("Startup", spec["startupProbe"], good=True):
                await self.restart()
                return
            self._set(started=True, ready="readinessProbe" not in spec)
        watching = []
        if "livenessProbe" in spec:
            watching.append(self._keep_alive(spec["livenessProbe"]))
        if "readinessProbe" in spec:
            watching.append(self._keep_ready(spec["readinessProbe"]))
        await asyncio.gather(*watching)

    async def _keep_alive(self, probe: Object) -> None:
        await _initial_delay(probe)
        await self._until("Liveness", probe, good=False)
        await self.restart()

    async def _keep_ready(self, probe: Object) -> None:
        await _initial_delay(probe)
        while True:
            await self._until("Readiness", probe, good=True, forever=True)
            self._set(ready=True)
            await self._until("Readiness", probe, good=False)
            self._set(ready=False)

    async def _until(self, name: str, probe: Object, good: bool, forever: bool = False) -> bool:
        """Probe until so many in a row went well (or not); whether the wanted came before the other."""
        successes = failures = 0
        while True:
            why = await self.check(probe)
            successes, failures = (0, failures + 1) if why else (successes + 1, 0)
            if why:
                self.unhealthy(name, why)
            if good and successes >= probe["successThreshold"]:
                return True
            if failures >= probe["failureThreshold"] and not forever:
                return not good
            await asyncio.sleep(probe["periodSeconds"] / HASTE)

    def _set(self, started: bool | None = None, ready: bool | None = None) -> None:
        self.container.started = self.container.started if started is None else started
        self.container.ready = self.container.ready if ready is None else ready
        self.container.changed()

    async def check(self, handler: Object) -> str:
        """Do once what a probe or hook says; empty, or why it failed."""
        seconds = handler.get("timeoutSeconds", 1) * HASTE
        try:
            return await asyncio.wait_for(self._do(handler), seconds)
        except TimeoutError:
            return f"no answer within {seconds} s"
        except (OSError, ValueError, IndexError) as error:
            return str(error) or type(error).__name__

    async def _do(self, handler: Object) -> str:
        if "exec" in handler:
            process = await self.container.execute(handler["exec"]["command"])
            if process is None:
                return "the container is not running"
            out, errors = await process.communicate()
            return (out + errors).decode(errors="replace")[-500:] or "exit" if process.returncode else ""
        http = handler.get("httpGet")
        place = http or handler["tcpSocket"]
        reader, writer = await asyncio.open_connection(self.address, self._port(place["port"]))
        try:
            return await self._get(http, reader, writer) if http else ""
        finally:
            writer.close()

    async def _get(self, http: Object, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        headers = "".join(f"{h['name']}: {h['value']}\r\n" for h in http.get("httpHeaders") or [])
        request = f"GET {http['path']} HTTP/1.1\r\nHost: {self.address}\r\n{headers}Connection: close\r\n\r\n"
        writer.write(request.encode())
        status = int((await reader.readline()).split()[1])
        return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"

    def _port(self, port: int | str) -> int:
        if isinstance(port, int):
            return port
        named = {p.get("name"): p["containerPort"] for p in self.container.spec.get("ports") or []}
        return int(named[port])

    async def hook(self, handler: Object) -> None:
        """A preStop or postStart hook; sleeping is not hastened."""
        if "sleep" in handler:
            await asyncio.sleep(handler["sleep"]["seconds"])
        elif why := await self.check({"timeoutSeconds": 60, **handler}):
            self.unhealthy("Hook", why)


async def _initial_delay(probe: Object) -> None:
    await asyncio.sleep(probe.get("initialDelaySeconds", 0) / HASTE)
