"""Prediction requests, whatever their protocol: taken, handed to a model, answered, counted, logged.

    Desk.take ─▶ Prediction ─▶ Target (reads, scores, writes) ─▶ Prediction.answer ─▶ Desk.finish

What never became a call goes to ``Desk.refuse``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlrec.serving.batching import Wires
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Outputs
from sqlrec.serving.lane import Target
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.wire import Reading
from sqlrec.spec.service import ServiceSpec

CLIENT_GONE = 499
"""Counted, never sent: the status nginx gave to this case."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a protocol asks and is answered: the name of its wire, and what an error looks like."""

    wire: str
    error: Callable[[RequestError], bytes] = RequestError.body


SQLREC = Form("json")
"""``POST /predict`` with JSON."""


@dataclass(frozen=True, slots=True)
class Written:
    """The answer of a request that was scored."""

    body: bytes
    content_type: bytes


class Prediction:
    """A request on its way through a target. See :class:`sqlrec.serving.batching.Call`."""

    __slots__ = ("_desk", "body", "form", "request")

    def __init__(self, request: Request, form: Form, desk: Desk) -> None:
        self.request = request
        self.form = form
        self.body = request.body
        self._desk = desk

    @property
    def abandoned(self) -> bool:
        """Whether the client has gone."""
        return self.request.abandoned

    def read(self, wires: Wires) -> Reading:
        """The rows of the body."""
        return wires[self.form.wire].read(self.body, self.request.header)

    def write(self, reading: Reading, outputs: Outputs) -> Written:
        """The answer."""
        return Written(reading.write(outputs), reading.content_type)

    def answer(self, answer: Written | RequestError | None, rows: int) -> None:
        """Send the answer."""
        self._desk.finish(self, answer, rows)


class Desk:
    """Takes the prediction requests of a server. Belongs to the event loop's thread."""

    def __init__(self, config: ServeConfig[ServiceSpec], metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics

    def take(self, request: Request, form: Form, target: Target) -> None:
        """Have a request answered by ``target``, now or later."""
        call = Prediction(request, form, self)
        self._metrics.request_started()
        try:
            target.submit(call)
        except RequestError as error:
            self.finish(call, error, 0)

    def refuse(self, request: Request, form: Form, error: RequestError) -> None:
        """Answer a prediction request that no target gets."""
        self._metrics.request_started()
        self.finish(Prediction(request, form, self), error, 0)

    def finish(self, call: Prediction, answer: Written | RequestError | None, rows: int) -> None:
        """Answer a request and count it; ``answer`` is None when nobody waits for it."""
        request = call.request
        seconds = time.monotonic() - request.started
        status = answer.status if isinstance(answer, RequestError) else HTTPStatus.OK
        code = CLIENT_GONE if request.abandoned else status.value
        self._metrics.request_done(code, seconds, rows)
        request_id = request.header(b"x-request-id")[:128]
        headers = (("X-Request-Id", request_id),) if request_id else ()
        match answer:
            case Written():
                request.respond(status, answer.body, content_type=answer.content_type, headers=headers)
            case RequestError():
                request.respond(status, call.form.error(answer), headers=answer.headers + headers)
            case None:
                request.respond(status, b"")
        if self._config.access_log or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            facts = {"error": str(answer)} if isinstance(answer, RequestError) else {}
            version = self._config.spec.version
            log("predict", id=request_id, version=version, code=code, rows=rows, ms=seconds * 1000, **facts)
