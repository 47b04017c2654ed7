"""Predictions of one model, as the content of a server.

POST /predict       rows or columns in, {"probs": […]} out
GET  /v1/signature  inputs and outputs of the model
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import orjson

from sqlrec.serving.batching import Batcher
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.scorer import Answer, Scorer, load_scorer
from sqlrec.serving.site import Routes, check_media_type
from sqlrec.spec.service import ServiceSpec

CLIENT_GONE = 499
"""Counted, never sent: the status nginx gave to this case."""


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
    """Answers prediction requests. See :class:`sqlrec.serving.site.Content`."""

    path = "/predict"
    described_at = "/v1/signature"

    def __init__(self, config: ServeConfig[ServiceSpec], metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._batcher: Batcher | None = None

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
        """Load and warm the model; raises ``StateError`` SR501, SR502, SR671 and SR672."""
        config = self._config
        scorer = await asyncio.to_thread(
            lambda: load_scorer(
                config.spec,
                threads=config.threads,
                max_rows=config.limits.rows,
                observe=self._metrics.batch_done,
            )
        )
        self._batcher = Batcher(scorer, queue_bytes=config.limits.queue_bytes)
        return _description(config, scorer)

    def set_ready(self, ready: bool) -> None:
        """Note it for the metrics."""
        self._metrics.ready = ready

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""
        return self._metrics.exposition()

    async def close(self) -> None:
        """Let go of the worker thread."""
        if self._batcher:
            self._batcher.close()

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
        if self._batcher is None:
            raise not_ready("the model is being loaded")
        check_media_type(request)
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


def _description(config: ServeConfig[ServiceSpec], scorer: Scorer) -> bytes:
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
