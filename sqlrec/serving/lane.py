"""One loaded version of one model, open for calls: its scorer, its forms of requests, its queue."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sqlrec.serving.arrow_wire import ArrowWire
from sqlrec.serving.batching import Batcher, Call, Wires
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.oip_wire import OipWire
from sqlrec.serving.scorer import BatchReport, Scorer, load_scorer
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.signature import Signature


class Observer(Protocol):
    """Takes the figures of a lane; from any thread."""

    def batch_done(self, report: BatchReport) -> None:
        """The model was called once."""

    def stage_done(self, name: str, seconds: float) -> None:
        """Requests were read (``decode``) or answers written (``encode``)."""


class Target(Protocol):
    """What takes the calls of a service: a lane, or several behind one rule."""

    def submit(self, call: Call) -> None:
        """Have a call answered; raises ``RequestError``: 429 when too much waits, 4xx for a bad request."""


class Lane:
    """See :class:`Target`. All methods belong to the event loop's thread."""

    def __init__(self, model: ServedModel, scorer: Scorer, batcher: Batcher) -> None:
        self.model = model
        self.signature = scorer.signature
        self._batcher = batcher

    @property
    def waiting(self) -> int:
        """Calls that are not answered yet."""
        return self._batcher.waiting

    def submit(self, call: Call) -> None:
        """See :class:`Target`."""
        self._batcher.submit(call)

    def close(self) -> None:
        """Let go of the worker thread."""
        self._batcher.close()


async def open_lane(model: ServedModel, config: ServeConfig[ServiceSpec], observer: Observer) -> Lane:
    """Load and warm a model; raises ``StateError`` SR501, SR502, SR671 and SR672."""
    scorer = await asyncio.to_thread(load_scorer, model, threads=config.threads, observe=observer.batch_done)
    wires = _wires(model, scorer.signature, config)
    queue = config.limits.queue_bytes
    return Lane(model, scorer, Batcher(scorer, wires, queue_bytes=queue, stage=observer.stage_done))


def _wires(model: ServedModel, signature: Signature, config: ServeConfig[ServiceSpec]) -> Wires:
    """The forms in which a model can be asked, by name."""
    null = config.spec.options.get("missing_features") == "null"
    rows = config.limits.rows
    name = str(model.model.name)
    return {
        "json": JsonWire(signature, missing_as_null=null, max_rows=rows),
        "arrow": ArrowWire(signature, missing_as_null=null, max_rows=rows),
        "oip": OipWire(signature, name=name, version=model.version, missing_as_null=null, max_rows=rows),
    }
