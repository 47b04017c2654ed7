"""Predictions of a service's models, as the content of a server.

POST /predict       rows or columns in, {"probs": […]} out
GET  /v1/signature  inputs and outputs of the model
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import orjson

from sqlrec.serving.batching import Wires
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.frame import Outputs
from sqlrec.serving.lane import Lane, open_lane
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.site import Routes, check_media_type
from sqlrec.serving.slots import Models, Slot, slot_names
from sqlrec.serving.wire import Reading
from sqlrec.spec.service import ServiceSpec

Answer = bytes | RequestError
CLIENT_GONE = 499
"""Counted, never sent: the status nginx gave to this case."""


class Prediction:
    """A request on its way through a target. See :class:`sqlrec.serving.batching.Call`."""

    __slots__ = ("_finish", "_request", "body")

    def __init__(self, request: Request, finish: Callable[[Request, Answer, int], None]) -> None:
        self._request = request
        self._finish = finish
        self.body = request.body

    @property
    def abandoned(self) -> bool:
        """Whether the client has gone."""
        return self._request.abandoned

    def read(self, wires: Wires) -> Reading:
        """The rows of the body."""
        return wires["json"].read(self.body, self._request.header)

    def write(self, reading: Reading, outputs: Outputs) -> bytes:
        """The body of the answer."""
        return reading.write(outputs)

    def answer(self, answer: Answer | None, rows: int) -> None:
        """Send the answer."""
        self._finish(self._request, b"" if answer is None else answer, rows)


class App:
    """Answers prediction requests. See :class:`sqlrec.serving.site.Content`."""

    path = "/predict"
    described_at = "/v1/signature"

    def __init__(self, config: ServeConfig[ServiceSpec], metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._models: Models | None = None

    @property
    def routes(self) -> Routes:
        """The path of predictions."""
        return {"/predict": {"POST": self._predict}}

    @property
    def facts(self) -> Mapping[str, object]:
        """Service and checkpoint."""
        spec = self._config.spec
        return {"service": spec.name, "checkpoint": spec.checkpoint, "version": spec.version}

    async def load(self) -> bytes:
        """Load and warm the models; raises ``StateError`` SR501, SR502, SR671 and SR672."""
        served = self._config.spec.models
        slots = [
            Slot(name, await open_lane(model, self._config, self._metrics))
            for name, model in zip(slot_names(served), served, strict=True)
        ]
        self._models = Models(slots)
        return _description(self._config, slots[0].lane)

    def set_ready(self, ready: bool) -> None:
        """Note it for the metrics."""
        self._metrics.ready = ready

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""
        return self._metrics.exposition()

    async def close(self) -> None:
        """Let go of the worker threads."""
        for slot in self._models.slots.values() if self._models else ():
            for lane in slot.lanes.values():
                lane.close()

    def count_refused(self, error: RequestError) -> None:
        """Count a request that could not be read."""
        self._metrics.request_refused(error.status)
        if self._config.access_log:
            log("refused", code=error.status, error=str(error))

    def refuse(self, request: Request, error: RequestError) -> None:
        """Answer with an error; those of predictions are counted."""
        if request.path == self.path:
            self._metrics.request_started()
            self._finish(request, error, 0)
        else:
            request.refuse(error)

    def _predict(self, request: Request) -> None:
        if self._models is None:
            raise not_ready("the model is being loaded")
        check_media_type(request)
        self._models.service.submit(Prediction(request, self._finish))
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


def _description(config: ServeConfig[ServiceSpec], lane: Lane) -> bytes:
    spec, signature = config.spec, lane.signature
    return orjson.dumps(
        {
            "service": spec.name,
            "model": str(lane.model.model.name),
            "type": signature.type,
            "checkpoint": spec.checkpoint,
            "version": spec.version,
            "variant": lane.model.variant,
            "inputs": [{"name": i.name, "type": str(i.type), "length": i.length} for i in signature.inputs],
            "outputs": [{"name": o.name, "type": str(o.type)} for o in signature.outputs],
            "limits": {"rows": config.limits.rows, "body_bytes": config.limits.body_bytes},
        }
    )
