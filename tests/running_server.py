"""A server of ours in a thread of this process, whatever it serves."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import uvloop

from sqlrec.serving.server import Server


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def rows(self) -> Any:
        """What a function returned."""
        assert self.status == 200, self.body
        return self.json["data"]

    @property
    def code(self) -> str:
        """Code of the error that the body tells."""
        return str(self.json["error"]["code"])


class RunningServer:
    """``with RunningServer(make) as server``; ``port`` is its private port, which serves everything.

    ``make`` is called in the server's thread, within its loop.
    """

    def __init__(self, make: Callable[[], Server]) -> None:
        self.port = 0
        self._make = make
        self._failure: BaseException | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(20)
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        self._up.set()

    async def _serve(self) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.server = self._make()
        running = asyncio.ensure_future(self.server.run(self._stop))
        while not running.done() and not self.server.ready:
            await asyncio.sleep(0.005)
        self.port = self.server.private_port
        self._up.set()
        await running

    def call(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body.encode() if isinstance(body, str) else body, names)
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.headers), reply.read())
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """``/metrics`` by the text before the value."""
        lines = self.call("GET", "/metrics").body.decode().splitlines()
        return {k: float(v) for k, v in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
