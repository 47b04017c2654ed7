"""One loaded version of one model, open for calls: its scorer, its forms of requests, its queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.folder import read_profile
from sqlrec.serving.arrow_wire import ArrowWire
from sqlrec.serving.batching import Batcher, Call, Wires
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.groups.apart import Apart
from sqlrec.serving.json_scan import scanner_of
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.oip_wire import OipWire
from sqlrec.serving.quick import Quick, quick_way
from sqlrec.serving.scorer import BatchReport, Scorer, load_scorer
from sqlrec.serving.statistics import ModelStatistics
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.signature import Signature


class Observer(Protocol):
    """Takes the figures of a lane; from any thread."""

    def batch_done(self, report: BatchReport) -> None:
        """The model was called once."""

    def stage_done(self, name: str, seconds: float) -> None:
        """Requests were read (``decode``) or answers written (``encode``)."""

    def requests_done(self, seconds: Sequence[float], rows: Sequence[int]) -> None:
        """Requests were answered the short way, each so long after its first byte; in the event loop."""


class Target(Protocol):
    """What takes the calls of a service: a lane, or several behind one rule."""

    def submit(self, call: Call) -> None:
        """Have a call answered; raises ``RequestError``: 429 when too much waits, 4xx for a bad request."""


class Lane:
    """See :class:`Target`. All methods belong to the event loop's thread."""

    def __init__(
        self,
        model: ServedModel,
        scorer: Scorer,
        batcher: Batcher,
        apart: Apart,
        statistics: ModelStatistics,
        quick: Quick | None = None,
    ) -> None:
        self.model = model
        self.statistics = statistics
        self.signature = scorer.signature
        self.apart = apart
        """Takes calls that are never scored in the event loop."""
        self.quick = quick
        """The short way of usual requests, where the model has one."""
        self._batcher = batcher

    @property
    def waiting(self) -> int:
        """Calls that are not answered yet."""
        quick = self.quick.waiting if self.quick else 0
        return self._batcher.waiting + self.apart.waiting + quick

    def submit(self, call: Call) -> None:
        """See :class:`Target`."""
        self._batcher.submit(call)

    def close(self) -> None:
        """Let go of the worker threads."""
        self._batcher.close()
        self.apart.close()


async def open_lane(model: ServedModel, config: ServeConfig[ServiceSpec], observer: Observer) -> Lane:
    """Load and warm a model; raises ``StateError`` SR501, SR502, SR671 and SR672."""
    scorer, statistics = await asyncio.to_thread(_loaded, model, config.threads, observer)
    null = config.spec.options.get("missing_features") == "null"
    wires = _wires(model, scorer.signature, missing_as_null=null, rows=config.limits.rows)
    queue, stage = config.limits.queue_bytes, observer.stage_done
    batcher = Batcher(scorer, wires, queue_bytes=queue, stage=stage)
    apart = Apart(scorer, wires, queue_bytes=queue, stage=stage)
    scanner = scanner_of(scorer.signature.inputs, missing_as_null=null, max_rows=config.limits.rows)
    quick = quick_way(scorer, scanner, observer, rows=batcher.inline_rows)
    return Lane(model, scorer, batcher, apart, statistics, quick)


def _loaded(model: ServedModel, threads: int, observer: Observer) -> tuple[Scorer, ModelStatistics]:
    """The warm scorer and its statistics, which begin after the warm-up."""
    watched: list[ModelStatistics] = []

    def observe(report: BatchReport) -> None:
        observer.batch_done(report)
        watched[0].batch_done(report)

    scorer = load_scorer(model, threads=threads, observe=observe)
    profile = read_profile(local_copy(model.model_uri))
    watched.append(ModelStatistics(model, scorer.signature, profile))
    return scorer, watched[0]


def _wires(model: ServedModel, signature: Signature, *, missing_as_null: bool, rows: int) -> Wires:
    """The forms in which a model can be asked, by name."""
    null, name = missing_as_null, str(model.model.name)
    return {
        "json": JsonWire(signature, missing_as_null=null, max_rows=rows),
        "arrow": ArrowWire(signature, missing_as_null=null, max_rows=rows),
        "oip": OipWire(signature, name=name, version=model.version, missing_as_null=null, max_rows=rows),
    }
