"""Ports of the emulator: the API, which tests let fail and restart, and the side door for orders."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.emulator.errors import ApiError
from tests.emulator.objects import Object

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_SIZE = 8 << 20
HOST = "127.0.0.1"
_REASONS = {403: "Forbidden", 409: "Conflict", 429: "TooManyRequests", 500: "InternalError", 504: "Timeout"}


@dataclass
class Port:
    """A handler behind a port that can be closed and opened again."""

    handler: Handler
    number: int = 0
    _runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application(client_max_size=BODY_SIZE)
        app.router.add_route("*", "/{path:.*}", self.handler)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.number, reuse_address=True).start()
        self.number = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._runner is not None:
            await self._runner.cleanup()


@dataclass
class Rules:
    """What tests want to go wrong with requests; wraps a handler."""

    handler: Handler
    rules: list[Object] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or do what the first rule says that is about it."""
        self.seen.append((request.method, request.path_qs))
        rule = self._rule(request)
        if seconds := rule.get("delay"):
            await asyncio.sleep(seconds)
        if rule.get("lose"):
            await self.handler(request)
        if rule.get("lose") or rule.get("reset"):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return _failure(rule) if "status" in rule else await self.handler(request)

    def _rule(self, request: web.Request) -> Object:
        for rule in self.rules:
            about = re.fullmatch(rule["method"], request.method) and re.search(rule["path"], request.path_qs)
            if about and rule["times"]:
                rule["times"] -= 1
                return rule
        return {}

    def requests(self, method: str, path: str) -> list[tuple[str, str]]:
        """Requests seen that match both patterns."""
        return [(m, p) for m, p in self.seen if re.fullmatch(method, m) and re.search(path, p)]


def _failure(rule: Object) -> web.Response:
    status = rule["status"]
    error = ApiError(status, _REASONS.get(status, "InternalError"), rule["message"])
    headers = {"Retry-After": str(rule["retry_after"])} if rule.get("retry_after") is not None else {}
    return web.Response(
        text=json.dumps(error.status()), status=status, headers=headers, content_type="application/json"
    )
