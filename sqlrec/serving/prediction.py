"""Prediction requests, whatever their protocol: taken, handed to a model, answered, counted, logged.

    Desk.take ─▶ Prediction ─▶ Target (reads, scores, writes) ─▶ Prediction.answer ─▶ Desk.finish

What never became a call goes to ``Desk.refuse``.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlrec.serving.arrow_wire import ARROW as ARROW_STREAM
from sqlrec.serving.arrow_wire import require_arrow
from sqlrec.serving.backlog import Backlog
from sqlrec.serving.batching import Wires
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, server_failed, too_late, wait_too_long
from sqlrec.serving.exchange import Exchanges, code_of
from sqlrec.serving.frame import Outputs
from sqlrec.serving.lane import Lane, Target
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.oip_wire import as_oip_error
from sqlrec.serving.site import check_encoding, check_media_type
from sqlrec.serving.slots import Slot
from sqlrec.serving.tracing import Trace
from sqlrec.serving.wire import Headers, Reading
from sqlrec.spec.service import ServedModel, ServiceSpec

OIP_PATHS = "/v2"
_ARROW = ARROW_STREAM.decode()
_UNANSWERED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.GATEWAY_TIMEOUT)
"""Of requests on which no work was done."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a protocol asks and is answered: its name, that of its wire, and what an error looks like."""

    protocol: str
    wire: str
    error: Callable[[RequestError], bytes] = RequestError.body


SQLREC = Form("sqlrec", "json")
"""``POST /predict`` with JSON."""
ARROW = Form("arrow", "arrow")
"""``POST /predict`` with an Arrow stream."""
OIP = Form("oip", "oip", as_oip_error)
"""``POST /v2/models/<model>/infer``."""

Written = tuple[bytes, bytes, Headers]
"""The answer of a request that was scored: body, content type and headers of its own."""


class Prediction:
    """A request on its way through a target. See :class:`sqlrec.serving.batching.Call`."""

    __slots__ = (
        *("_answered", "_desk", "answered_by", "backlog", "body", "expires", "form"),
        *("request", "served", "trace"),
    )

    def __init__(self, request: Request, form: Form, desk: Desk) -> None:
        self.request = request
        self.form = form
        self.body = request.body
        self.answered_by = ""
        self.expires = float("inf")
        self.backlog: Backlog | None = None
        self.served: ServedModel | None = None
        self.trace: Trace | None = None
        self._desk = desk
        self._answered = False

    @property
    def abandoned(self) -> bool:
        """Whether the client has gone, or has stopped waiting."""
        return self.request.abandoned or time.monotonic() >= self.expires

    @property
    def started(self) -> float:
        """When its first byte came."""
        return self.request.started

    def header(self, name: bytes) -> str:
        """A header of the request."""
        return self.request.header(name)

    def read(self, wires: Wires) -> Reading:
        """The rows of the body."""
        return wires[self.form.wire].read(self.body, self.request.header)

    def write(self, reading: Reading, outputs: Outputs) -> Written:
        """The answer."""
        return reading.write(outputs), reading.content_type, reading.headers()

    def answer(self, answer: Written | RequestError | None, rows: int) -> None:
        """Send the answer. It may become too late between two looks at it: the first answer holds."""
        if not self._answered:
            self._answered = True
            self._desk.finish(self, answer or too_late(), rows)


class Desk:
    """Takes the prediction requests of a server. Belongs to the event loop's thread."""

    def __init__(self, config: ServeConfig[ServiceSpec], metrics: Metrics) -> None:
        """Raises ``SetupError`` SR675 when traces are wanted and cannot be made."""
        self._limits = config.limits
        self._metrics = metrics
        self._exchanges = Exchanges(config)
        self._logs_models = config.access_log or config.tracing
        self._backlogs: dict[str, Backlog] = {}
        self._arrow_ready = False
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, request: Request, target: Target, name: str = "") -> None:
        """Have a request of ``/predict`` answered, in the form it came in. Raises ``RequestError`` SR656."""
        media_type = request.header(b"content-type")
        if not media_type.startswith(_ARROW):
            check_media_type(request)
            self.take(request, SQLREC, target, name)
            return
        check_encoding(request)
        if self._arrow_ready:
            self.take(request, ARROW, target, name)
            return
        task = asyncio.ensure_future(self._take_first_arrow(request, target, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def take(self, request: Request, form: Form, target: Target, name: str = "") -> None:
        """Have a request answered by ``target``, now or later. ``name`` is the target's, "" the service's."""
        call = Prediction(request, form, self)
        self._metrics.request_started()
        try:
            self._admit(call, target, name)
            target.submit(call)
        except RequestError as error:
            call.answer(error, 0)
        except Exception:
            log("error", path=request.path, traceback=traceback.format_exc())
            call.answer(server_failed(), 0)

    def refuse(self, request: Request, error: RequestError) -> None:
        """Answer a request that no target gets; those that ask for predictions are counted."""
        form = OIP if request.path.startswith(OIP_PATHS) else SQLREC
        if not request.path.endswith(("/predict", "/infer")):
            request.respond(error.status, form.error(error), headers=error.headers)
            return
        self._metrics.request_started()
        call = Prediction(request, form, self)
        call.trace = self._exchanges.begin(request)
        call.answer(error, 0)

    def finish(self, call: Prediction, answer: Written | RequestError, rows: int) -> None:
        """Answer a request, count it and log it."""
        request, now = call.request, time.monotonic()
        error = answer if isinstance(answer, RequestError) else None
        code = code_of(request, error)
        self._metrics.request_done(code, now - request.started, rows, call.form.protocol, call.served)
        headers = self._exchanges.headers(request, call.trace)
        if call.answered_by:
            headers += (("X-Sqlrec-Model", call.answered_by),)
        if isinstance(answer, RequestError):
            sent = call.form.error(answer)
            request.respond(answer.status, sent, headers=answer.headers + headers)
        else:
            sent, content_type, own = answer
            request.respond(HTTPStatus.OK, sent, content_type=content_type, headers=own + headers)
        if call.backlog is not None:
            done = error is None or error.status not in _UNANSWERED
            call.backlog.end(len(call.body), now, done=done)
        if self._logs_models or code >= HTTPStatus.INTERNAL_SERVER_ERROR or call.trace is not None:
            facts: dict[str, str | int] = {"protocol": call.form.protocol}
            if call.served is not None:
                facts |= {"model": str(call.served.model.name), "version": call.served.version}
            self._exchanges.end(
                "predict", request, call.trace, code=code, rows=rows, sent=len(sent), error=error, **facts
            )

    async def close(self) -> None:
        """Send the spans that are left."""
        await asyncio.to_thread(self._exchanges.close)

    def _admit(self, call: Prediction, target: Target, name: str) -> None:
        """Raises ``RequestError``: 429 when the call would wait too long, 504 when it is too late, 400."""
        request, now = call.request, time.monotonic()
        call.trace = self._exchanges.begin(request)
        call.served = _served(target)
        call.expires = self._exchanges.deadline(request)
        if now >= call.expires:
            raise too_late()
        backlog = self._backlogs.get(name)
        if backlog is None:
            backlog = self._backlogs[name] = Backlog()
        wait = backlog.seconds
        if wait > self._limits.queue_timeout or now + wait >= call.expires:
            raise wait_too_long(wait)
        backlog.begin(len(call.body), now)
        call.backlog = backlog

    async def _take_first_arrow(self, request: Request, target: Target, name: str) -> None:
        """Import pyarrow beside the event loop: it takes a good part of a second."""
        try:
            await asyncio.to_thread(require_arrow)
        except RequestError as error:
            self.refuse(request, error)
        else:
            self._arrow_ready = True
            self.take(request, ARROW, target, name)


def _served(target: Target) -> ServedModel | None:
    """What would answer now; None when a rule has yet to choose."""
    match target:
        case Slot():
            return target.lane.model
        case Lane():
            return target.model
        case _:
            return None
