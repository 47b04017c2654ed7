"""Predictions of a service's models, as the content of a server.

POST /predict                            rows or columns in, {"probs": […]} out
POST /models/<name>/predict              the same, of one model
POST /models/<name>/versions/<n>/predict the same, of one loaded version
…    /v2/…                               Open Inference Protocol: :mod:`sqlrec.serving.oip`
GET  /stats                              what each loaded version has done
GET  /v1/signature                       inputs and outputs of the service
…    /admin/models                       live update: :mod:`sqlrec.serving.admin`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import unquote

import orjson

from sqlrec.serving.admin import Admin
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError, not_ready
from sqlrec.serving.groups.rules import Rule, check_fit, rule_of
from sqlrec.serving.lane import Lane, open_lane
from sqlrec.serving.logs import log
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.oip import Oip
from sqlrec.serving.openapi import PATH as OPENAPI
from sqlrec.serving.openapi_models import models_document
from sqlrec.serving.prediction import Desk
from sqlrec.serving.site import Answer, Routes
from sqlrec.serving.slots import Models, Slot
from sqlrec.serving.statistics import ModelStatistics
from sqlrec.serving.updates import Updates
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.slots import by_slot

STATS = "/stats"


class App:
    """Answers prediction requests. See :class:`sqlrec.serving.site.Content`."""

    path = "/predict"
    described_at = "/v1/signature"

    def __init__(self, config: ServeConfig[ServiceSpec], metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._desk = Desk(config, metrics)
        self._models: Models | None = None
        self._rule: Rule | None = None
        self._quick_slot: Slot | None = None
        self._admin = Admin()
        self._oip = Oip(config.spec.name, lambda: self._loaded, self._desk, lambda: metrics.ready)

    @property
    def routes(self) -> Routes:
        """The paths of predictions and of live update."""
        return {
            "/predict": {"POST": self._predict},
            **self._oip.routes,
            **self._admin.routes,
            OPENAPI: {"GET": self._tell_openapi},
            STATS: {"GET": self._tell_statistics},
        }

    def find(self, path: str) -> Mapping[str, Answer] | None:
        """The paths of models and their loaded versions."""
        match path.split("/"):
            case ["", "models", name, "predict"]:
                return self._asking(unquote(name), None)
            case ["", "models", name, "versions", version, "predict"] if (
                version.isdecimal() and len(version) < 10
            ):
                return self._asking(unquote(name), int(version))
        return self._oip.find(path)

    @property
    def facts(self) -> Mapping[str, object]:
        """Service and checkpoint."""
        own = self._own.model if self._models else self._config.spec.own
        return {"service": self._config.spec.name, "checkpoint": own.checkpoint, "version": own.version}

    @property
    def description(self) -> bytes:
        """Inputs, outputs and limits of the service as it is now."""
        return _description(self._config, self._own)

    async def load(self) -> None:
        """Load and warm the models; raises ``StateError`` SR501, SR502, SR671 and SR672."""
        models = by_slot(self._config.spec.models)
        slots = [Slot(name, await self._open(model)) for name, model in models.items()]
        group = self._config.spec.group
        self._rule = rule_of(self._config.spec.name, slots, group) if group else None
        self._models = Models(slots, self._rule)
        if not (group or self._config.access_log or self._config.tracing):
            self._quick_slot = slots[0]
        updates = Updates(self._models, self._open, self._check, self._changed)
        self._metrics.updates = updates.counts
        self._metrics.statistics = self._statistics
        self._admin.open(self._models, updates)

    def set_ready(self, ready: bool) -> None:
        """Note it for the metrics."""
        self._metrics.ready = ready

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""
        return self._metrics.exposition()

    async def close(self) -> None:
        """Let go of the worker threads."""
        await self._admin.close()
        await self._desk.close()
        if self._rule is not None:
            self._rule.close()
        for slot in self._models.slots.values() if self._models else ():
            for lane in slot.lanes.values():
                lane.close()

    def count_refused(self, error: RequestError) -> None:
        """Count a request that could not be read."""
        self._metrics.request_refused(error.status)
        if self._config.access_log:
            log("refused", code=error.status, error=str(error))

    def take_quickly(self, request: Request, otherwise: Callable[[Request], None]) -> bool:
        """Whether a usual request will be answered the short way, or else be given to ``otherwise``."""
        slot = self._quick_slot
        if slot is None or request.path != self.path:
            return False
        quick = slot.lane.quick
        return quick is not None and quick.take(request, otherwise)

    def refuse(self, request: Request, error: RequestError) -> None:
        """Answer with an error; those of predictions are counted."""
        self._desk.refuse(request, error)

    def _predict(self, request: Request) -> None:
        self._desk.ask(request, self._loaded.service)

    def _asking(self, name: str, version: int | None) -> Mapping[str, Answer]:
        def ask(request: Request) -> None:
            target = self._loaded.require(name, version)
            self._desk.ask(request, target, f"{name.casefold()} {version}")

        return {"POST": ask}

    def _tell_openapi(self, request: Request) -> None:
        request.respond(HTTPStatus.OK, orjson.dumps(models_document(self._config, self._own.signature)))

    def _tell_statistics(self, request: Request) -> None:
        """What every loaded version has done, and the rule over several models."""
        figures: dict[str, object] = {
            "service": self._config.spec.name,
            "models": [statistics.figures() for statistics in self._statistics()],
        }
        if self._rule is not None:
            figures["group"] = self._rule.figures()
        request.respond(HTTPStatus.OK, orjson.dumps(figures))

    def _statistics(self) -> list[ModelStatistics]:
        """Of each loaded version."""
        slots = self._models.slots.values() if self._models else ()
        return [lane.statistics for slot in slots for lane in slot.lanes.values()]

    @property
    def _loaded(self) -> Models:
        if self._models is None:
            raise not_ready("the model is being loaded")
        return self._models

    @property
    def _own(self) -> Lane:
        """The lane in force of the service's own model."""
        return next(iter(self._loaded.slots.values())).lane

    async def _open(self, model: ServedModel) -> Lane:
        return await open_lane(model, self._config, self._metrics)

    def _check(self, lanes: Mapping[str, Lane]) -> None:
        """Models of a group must fit together, in every version."""
        if self._config.spec.group is not None:
            check_fit({name: lane.signature for name, lane in lanes.items()}, self._config.spec.group)

    def _changed(self) -> None:
        """Other versions came into force."""
        self._metrics.put_in_force([slot.lane.model for slot in self._loaded.slots.values()])


def _description(config: ServeConfig[ServiceSpec], lane: Lane) -> bytes:
    own, signature = lane.model, lane.signature
    return orjson.dumps(
        {
            "service": config.spec.name,
            "model": str(own.model.name),
            "type": signature.type,
            "checkpoint": own.checkpoint,
            "version": own.version,
            "variant": own.variant,
            "inputs": [{"name": i.name, "type": str(i.type), "length": i.length} for i in signature.inputs],
            "outputs": [{"name": o.name, "type": str(o.type)} for o in signature.outputs],
            "limits": {"rows": config.limits.rows, "body_bytes": config.limits.body_bytes},
        }
    )
