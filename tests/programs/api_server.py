"""A server of an API in a thread of this process."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from dataclasses import dataclass
from typing import Any

import uvloop

from sqlrec.programs.app import ApiApp
from sqlrec.programs.callees import Callees, FixedCallees
from sqlrec.serving.config import Limits, ServeConfig
from sqlrec.serving.server import Server
from sqlrec.spec.function import ApiServiceSpec, ApiSpec, Callee, Program


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def rows(self) -> Any:
        assert self.status == 200, self.body
        return self.json["data"]

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


class RunningApi:
    """``with RunningApi(program) as api``: its private port answers everything."""

    def __init__(
        self,
        program: Program,
        *callees: Callee,
        finder: Callees | None = None,
        limits: Limits | None = None,
        interval: float = 60.0,
    ) -> None:
        spec = ApiServiceSpec(name="api.rec", api=ApiSpec(name="rec", function=program.name, program=program))
        self._config = ServeConfig(spec=spec, drain_seconds=0.0, limits=limits or Limits())
        self._finder = finder or FixedCallees({callee.service: callee for callee in callees})
        self._interval = interval
        self.failure: BaseException | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> RunningApi:
        self._thread.start()
        assert self._up.wait(20)
        if self.failure:
            raise self.failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.failure:
            raise self.failure

    def _run(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as failure:
            self.failure = failure
        self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = ApiApp(self._config, self._finder, refresh=self._interval)
        server = Server(self._config, app)
        running = asyncio.ensure_future(server.run(self._stop))
        while not running.done() and not server.ready:
            await asyncio.sleep(0.005)
        self.port = server.private_port
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

    def ask(self, params: dict[str, Any] | None = None, /, **data: Any) -> Reply:
        """A request with input tables as rows or columns."""
        body = {"data": data} if params is None else {"data": data, "params": params}
        return self.call("POST", "/api/v1/rec", json.dumps(body))

    def metrics(self) -> dict[str, float]:
        """``/metrics`` by the text before the value."""
        lines = self.call("GET", "/metrics").body.decode().splitlines()
        return {k: float(v) for k, v in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
