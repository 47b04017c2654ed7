"""Predictions of a service's models, as the content of a server.

POST /predict       rows or columns in, {"probs": […]} out
GET  /v1/signature  inputs and outputs of the model
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.lane import Lane, open_lane
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.prediction import SQLREC, Desk
from sqlrec.serving.site import Routes, check_media_type
from sqlrec.serving.slots import Models, Slot, slot_names
from sqlrec.spec.service import ServiceSpec


class App:
    """Answers prediction requests. See :class:`sqlrec.serving.site.Content`."""

    path = "/predict"
    described_at = "/v1/signature"

    def __init__(self, config: ServeConfig[ServiceSpec], metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._desk = Desk(config, metrics)
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
            self._desk.refuse(request, SQLREC, error)
        else:
            request.refuse(error)

    def _predict(self, request: Request) -> None:
        if self._models is None:
            raise not_ready("the model is being loaded")
        check_media_type(request)
        self._desk.take(request, SQLREC, self._models.service)


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
