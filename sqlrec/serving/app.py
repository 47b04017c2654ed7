"""What the server answers at each path.

POST /predict           rows or columns in, {"probs": […]} out
GET  /healthz, /health  the process is alive, and what it serves
GET  /readyz            200 when predictions are answered and the server is here to stay
GET  /metrics           Prometheus
GET  /, /v1/signature   inputs and outputs of the model
POST /admin/activate    private port only: open the service port
"""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import orjson

from sqlrec.errors import SqlRecError
from sqlrec.serving.batching import Batcher
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import CONTENT_TYPE, Metrics
from sqlrec.serving.scorer import Answer, Scorer

CLIENT_GONE = 499
"""Counted, never sent: the status nginx gave to this case."""

_READABLE = frozenset(
    ("", "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded")
)
"""Media types read as JSON; the last two are what plain HTTP tools send when they are told nothing."""


class Prediction:
    """A request on its way through the batcher."""

    __slots__ = ("_finish", "_request", "body")

    def __init__(self, request: Request, finish: Callable[[Request, Answer, int], None]) -> None:
        self._request = request
        self._finish = finish
        self.body = request.body

    @property
    def abandoned(self) -> bool:
        """Whether the client has gone."""
        return self._request.abandoned

    def answer(self, answer: Answer, rows: int) -> None:
        """Send the answer."""
        self._finish(self._request, answer, rows)


class App:
    """Answers requests.

    ``activate`` opens the service port and gives its URL; ``door`` is where a neighbour asks for its socket.
    """

    def __init__(
        self, config: ServeConfig, metrics: Metrics, activate: Callable[[], Awaitable[str]], *, door: str
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._activate = activate
        self._door = door
        self._batcher: Batcher | None = None
        self._description = b""
        self._draining = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[str, dict[str, Callable[[Request], None]]] = {
            "/predict": {"POST": self._predict},
            "/healthz": {"GET": self._health},
            "/health": {"GET": self._health},
            "/readyz": {"GET": self._ready},
            "/metrics": {"GET": self._figures},
            "/": {"GET": self._describe},
            "/v1/signature": {"GET": self._describe},
            "/admin/activate": {"POST": self._open},
        }

    def serve(self, scorer: Scorer) -> None:
        """Predict with this model from now on."""
        self._batcher = Batcher(scorer, queue_bytes=self._config.limits.queue_bytes)
        self._description = _description(self._config, scorer)
        self._metrics.ready = True

    def drain(self) -> None:
        """Say at ``/readyz`` that no new requests should come; those that come are answered."""
        self._draining = True
        self._metrics.ready = False

    def close(self) -> None:
        """Let go of the worker thread."""
        if self._batcher:
            self._batcher.close()

    def handle(self, request: Request) -> None:
        """Answer a request."""
        try:
            self._route(request)(request)
        except RequestError as error:
            self._refuse(request, error)
        except Exception:
            log("error", path=request.path, traceback=traceback.format_exc())
            message = "the server failed; its log has the reason"
            self._refuse(request, RequestError("SR660", message, status=HTTPStatus.INTERNAL_SERVER_ERROR))

    def refused(self, error: RequestError) -> None:
        """Count a request that could not be read."""
        self._metrics.request_refused(error.status)
        if self._config.access_log:
            log("refused", code=error.status, error=str(error))

    def _route(self, request: Request) -> Callable[[Request], None]:
        methods = self._routes.get(request.path)
        if methods is None or (request.path == "/admin/activate" and not request.private):
            message = f"there is no {request.path[:100]}"
            hint = "predictions are at POST /predict, the model's inputs at GET /v1/signature"
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

    def _refuse(self, request: Request, error: RequestError) -> None:
        if request.path == "/predict":
            self._metrics.request_started()
            self._finish(request, error, 0)
        else:
            request.refuse(error)

    def _predict(self, request: Request) -> None:
        if self._batcher is None:
            raise not_ready("the model is being loaded")
        _check_media_type(request)
        self._batcher.submit(Prediction(request, self._finish))
        self._metrics.request_started()

    def _finish(self, request: Request, answer: Answer, rows: int) -> None:
        """Answer a prediction request and count it."""
        seconds = time.monotonic() - request.started
        failed = isinstance(answer, RequestError)
        status = answer.status if isinstance(answer, RequestError) else HTTPStatus.OK
        code = CLIENT_GONE if request.abandoned else status.value
        self._metrics.request_done(code, seconds, rows)
        request_id = request.header(b"x-request-id")[:128]
        headers = (("X-Request-Id", request_id),) if request_id else ()
        if isinstance(answer, RequestError):
            request.respond(status, answer.body(), headers=answer.headers + headers)
        else:
            request.respond(status, answer, headers=headers)
        if self._config.access_log or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            facts = {"error": str(answer)} if failed else {}
            version = self._config.spec.version
            log("predict", id=request_id, version=version, code=code, rows=rows, ms=seconds * 1000, **facts)

    def _health(self, request: Request) -> None:
        spec = self._config.spec
        state = {
            "status": "draining" if self._draining else "ok",
            "service": spec.name,
            "checkpoint": spec.checkpoint,
            "version": spec.version,
            "pid": os.getpid(),
            "handover": self._door,
        }
        request.respond(HTTPStatus.OK, orjson.dumps(state))

    def _ready(self, request: Request) -> None:
        if self._draining:
            raise not_ready("the server is draining")
        if self._batcher is None:
            raise not_ready("the model is being loaded")
        request.respond(HTTPStatus.OK, b'{"status":"ready"}')

    def _figures(self, request: Request) -> None:
        request.respond(HTTPStatus.OK, self._metrics.exposition(), content_type=CONTENT_TYPE.encode())

    def _describe(self, request: Request) -> None:
        if self._batcher is None:
            raise not_ready("the model is being loaded")
        request.respond(HTTPStatus.OK, self._description)

    def _open(self, request: Request) -> None:
        if self._batcher is None or self._draining:
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


def _check_media_type(request: Request) -> None:
    media_type = request.header(b"content-type").partition(";")[0].strip().lower()
    if media_type not in _READABLE and not media_type.endswith("+json"):
        raise RequestError(
            "SR656",
            f"the body is {media_type}",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            hint="send JSON, with Content-Type: application/json",
            headers=(("Accept", "application/json"),),
        )
    encoding = request.header(b"content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestError(
            "SR656",
            f"the body is encoded with {encoding}",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            hint="send it as it is",
            headers=(("Accept-Encoding", "identity"),),
        )


def _description(config: ServeConfig, scorer: Scorer) -> bytes:
    spec, signature = config.spec, scorer.signature
    return orjson.dumps(
        {
            "service": spec.name,
            "model": str(spec.model.name),
            "type": signature.type,
            "checkpoint": spec.checkpoint,
            "version": spec.version,
            "variant": spec.variant,
            "inputs": [{"name": i.name, "type": str(i.type), "length": i.length} for i in signature.inputs],
            "outputs": [{"name": o.name, "type": str(o.type)} for o in signature.outputs],
            "limits": {"rows": config.limits.rows, "body_bytes": config.limits.body_bytes},
        }
    )
