"""What every server of ours answers, whatever it serves.

GET  /healthz, /health  the process is alive, and what it serves
GET  /startupz          200 once everything is loaded, whatever comes later
GET  /readyz            200 when requests are answered and the server is here to stay
GET  /metrics           Prometheus
GET  /                  what is served: inputs, outputs, limits
POST /admin/activate    private port only: open the service port

The content (predictions of a model, an API) adds its own paths.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol

import orjson
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sqlrec.errors import SqlRecError
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready, server_failed
from sqlrec.serving.logs import log
from sqlrec.serving.secure import Gate

Answer = Callable[[Request], None]
"""Answers a request, now or later; may raise ``RequestError``."""
Routes = Mapping[str, Mapping[str, Answer]]
"""What answers, by path and method."""
ADMIN = "/admin/"
"""What begins the paths that only the private port has."""
ACTIVATE = f"{ADMIN}activate"

UNGUARDED = frozenset(("/healthz", "/health", "/startupz", "/readyz", "/v2/health/live", "/v2/health/ready"))
"""What probes ask, who have no token."""
_READABLE = frozenset(
    ("", "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded")
)
"""Media types read as JSON; the last two are what plain HTTP tools send when they are told nothing."""


class Content(Protocol):
    """What a server serves."""

    @property
    def path(self) -> str:
        """Where requests go, such as ``/predict``."""

    @property
    def routes(self) -> Routes:
        """Its own paths."""

    @property
    def described_at(self) -> str:
        """Where the description is told, besides ``/``."""

    def find(self, path: str) -> Mapping[str, Answer] | None:
        """What answers at a path that is not among ``routes``, by method; paths may come and go."""

    @property
    def facts(self) -> Mapping[str, object]:
        """What it is, for ``/healthz``; ``service`` is its name."""

    @property
    def description(self) -> bytes:
        """What is served now, as JSON."""

    async def load(self) -> None:
        """Get ready. Raises ``SqlRecError`` when that fails."""

    def take_quickly(self, request: Request, otherwise: Callable[[Request], None]) -> bool:
        """Whether a usual request will be answered the short way, or else be given to ``otherwise``."""

    def refuse(self, request: Request, error: RequestError) -> None:
        """Answer a request with an error, and count it if it is one of its own."""

    def count_refused(self, error: RequestError) -> None:
        """Count a request that could not be read."""

    def set_ready(self, ready: bool) -> None:
        """Note for the metrics whether ``/readyz`` says so."""

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""

    async def close(self) -> None:
        """Let go of threads and connections; no request is waiting."""


class Site:
    """Brings requests to what answers them.

    ``activate`` opens the service port and gives its URL; ``door`` is where a neighbour asks for its socket;
    ``gate`` lets callers of the service port in to all but its health.
    """

    def __init__(
        self,
        content: Content,
        activate: Callable[[], Awaitable[str]],
        *,
        door: str,
        gate: Gate | None = None,
    ) -> None:
        self._content = content
        self._activate = activate
        self._door = door
        self._gate = gate
        self._loaded = False
        self._draining = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[str, Mapping[str, Answer]] = {
            **content.routes,
            "/healthz": {"GET": self._health},
            "/health": {"GET": self._health},
            "/startupz": {"GET": self._started},
            "/readyz": {"GET": self._ready},
            "/metrics": {"GET": self._figures},
            "/": {"GET": self._describe},
            content.described_at: {**content.routes.get(content.described_at, {}), "GET": self._describe},
            ACTIVATE: {"POST": self._open},
        }

    async def load(self) -> None:
        """Get the content ready; requests are answered from then on."""
        await self._content.load()
        self._loaded = True
        self._content.set_ready(True)

    def drain(self) -> None:
        """Say at ``/readyz`` that no new requests should come; those that come are answered."""
        self._draining = True
        self._content.set_ready(False)

    def handle(self, request: Request) -> None:
        """Answer a request."""
        if self._gate is not None and not request.private and request.path not in UNGUARDED:
            try:
                self._gate.check(request)
            except RequestError as error:
                self._content.refuse(request, error)
                return
        if not (request.usual and self._content.take_quickly(request, self._handle)):
            self._handle(request)

    def _handle(self, request: Request) -> None:
        try:
            self._route(request)(request)
        except RequestError as error:
            self._content.refuse(request, error)
        except Exception:
            log("error", path=request.path, traceback=traceback.format_exc())
            self._content.refuse(request, server_failed())

    def refused(self, error: RequestError) -> None:
        """Count a request that could not be read."""
        self._content.count_refused(error)

    def _route(self, request: Request) -> Answer:
        methods = self._routes.get(request.path) or self._content.find(request.path)
        if methods is None or (request.path.startswith(ADMIN) and not request.private):
            message = f"there is no {request.path[:100]}"
            content = self._content
            hint = f"requests go to POST {content.path}; GET {content.described_at} tells their inputs"
            raise RequestError("SR657", message, status=HTTPStatus.NOT_FOUND, hint=hint)
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
            raise RequestError(
                "SR657",
                f"{request.path} does not take {request.method}",
                status=HTTPStatus.METHOD_NOT_ALLOWED,
                hint=f"use {allowed}",
                headers=(("Allow", allowed),),
            )
        return methods[method]

    def _health(self, request: Request) -> None:
        state = {
            "status": "draining" if self._draining else "ok",
            **self._content.facts,
            "pid": os.getpid(),
            "handover": self._door,
        }
        request.respond(HTTPStatus.OK, orjson.dumps(state))

    def _ready(self, request: Request) -> None:
        if self._draining:
            raise not_ready("the server is draining")
        self._require_loaded()
        request.respond(HTTPStatus.OK, b'{"status":"ready"}')

    def _started(self, request: Request) -> None:
        self._require_loaded()
        request.respond(HTTPStatus.OK, b'{"status":"started"}')

    def _figures(self, request: Request) -> None:
        text = self._content.exposition()
        request.respond(HTTPStatus.OK, text, content_type=CONTENT_TYPE_LATEST.encode())

    def _describe(self, request: Request) -> None:
        self._require_loaded()
        request.respond(HTTPStatus.OK, self._content.description)

    def _require_loaded(self) -> None:
        if not self._loaded:
            raise not_ready("the server is loading")

    def _open(self, request: Request) -> None:
        if not self._loaded or self._draining:
            raise not_ready("only a ready server can be activated")
        task = asyncio.ensure_future(self._open_later(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_later(self, request: Request) -> None:
        try:
            url = await self._activate()
        except SqlRecError as error:
            refusal = RequestError(error.code, error.message, status=HTTPStatus.CONFLICT, hint=error.hint)
            request.refuse(refusal)
        else:
            request.respond(HTTPStatus.OK, orjson.dumps({"url": url}))


def check_media_type(request: Request) -> None:
    """The body can be read as JSON; raises ``RequestError`` SR656."""
    media_type = request.header(b"content-type").partition(";")[0].strip().lower()
    if media_type not in _READABLE and not media_type.endswith("+json"):
        raise RequestError(
            "SR656",
            f"the body is {media_type}",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            hint="send JSON, with Content-Type: application/json",
            headers=(("Accept", "application/json"),),
        )
    check_encoding(request)


def check_encoding(request: Request) -> None:
    """The body is sent as it is; raises ``RequestError`` SR656."""
    encoding = request.header(b"content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestError(
            "SR656",
            f"the body is encoded with {encoding}",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            hint="send it as it is",
            headers=(("Accept-Encoding", "identity"),),
        )
