"""One loaded version of one model: typed rows in, outputs out.

A :class:`Scorer` knows nothing of how requests look. It is called from the event loop and from the worker
thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson

from sqlrec.errors import StateError
from sqlrec.serving.bounds import check_texts, would_swell
from sqlrec.serving.errors import RequestError, prediction_failed
from sqlrec.serving.frame import Array, Frame, Outputs, join
from sqlrec.serving.json_values import reader_of
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.places import Place
from sqlrec.serving.session import Session, check_outputs, verified_signature
from sqlrec.spec.service import ServedModel
from sqlrec.spec.signature import Signature

WARM_UP_RUNS = 5
WARM_UP_ROWS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What one call of the model did: seconds, nulls by column, tensors and outputs by name."""

    rows: int
    predict: float
    unknown: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    tensors: Mapping[str, Array] = field(default_factory=dict)
    outputs: Mapping[str, Array] = field(default_factory=dict)


class Scorer:
    """A loaded model. ``row_seconds`` is what a row of a batch takes; ``observe`` gets every batch."""

    def __init__(
        self, signature: Signature, session: Session, observe: Callable[[BatchReport], None]
    ) -> None:
        self.signature = signature
        self._session = session
        self._missing = {column.name: reader_of(column).missing for column in signature.inputs}
        self._names = [output.name for output in signature.outputs]
        self._texts = [column.name for column in signature.inputs if column.tensor == "string"]
        self._lists = [column.name for column in signature.inputs if column.is_array and not column.length]
        self._observe = observe
        self.row_seconds = self._warm_up()

    def score(self, frames: Sequence[Frame]) -> list[Outputs | RequestError]:
        """Outputs in order. A frame that fails does so alone, whatever it was batched with."""
        failure: RequestError
        if len(frames) > 1 and self._lists and would_swell(frames, self._lists):
            return [self.score([frame])[0] for frame in frames]
        try:
            return list(self._score_together(frames))
        except RequestError as error:
            failure = error
        except Exception as error:  # the model's graph decides what it raises
            failure = prediction_failed(error)
        if len(frames) == 1:
            return [failure]
        return [self.score([frame])[0] for frame in frames]

    def place(self, rows: int) -> Place | None:
        """See :meth:`sqlrec.serving.session.Session.place`."""
        return self._session.place(rows)

    def run(self, batch: Frame) -> Sequence[Array]:
        """Outputs of a batch of at least one row. Exceptions are those of the model's graph."""
        started = time.perf_counter()
        outputs = self._session.run(batch.tensors, batch.rows)
        self._observe(
            BatchReport(
                rows=batch.rows,
                predict=time.perf_counter() - started,
                unknown=batch.unknown,
                nulls=batch.nulls,
                tensors=batch.tensors,
                outputs=dict(zip(self._names, outputs, strict=True)),
            )
        )
        return outputs

    def _score_together(self, frames: Sequence[Frame]) -> Sequence[Outputs]:
        if not frames:
            return []
        batch = join(frames, self._missing)
        if not batch.rows:
            return [[np.empty(0, np.float32)] * len(self._names)] * len(frames)
        check_texts(batch.tensors[name] for name in self._texts)
        outputs = self.run(batch)
        if len(frames) == 1:
            return [outputs]
        answers, start = [], 0
        for frame in frames:
            answers.append([array[start : start + frame.rows] for array in outputs])
            start += frame.rows
        return answers

    def _warm_up(self) -> float:
        """Score copies of the signature's first sample row (or of nulls); seconds a row in the best run.

        Raises ``StateError`` SR672 when the model cannot score it or gives outputs of other shapes.
        """
        sample = self.signature.sample[0] if self.signature.sample else {}
        row = {column.name: sample.get(column.name) for column in self.signature.inputs}
        wire = JsonWire(self.signature, missing_as_null=True, max_rows=WARM_UP_ROWS)
        try:
            for count in (1, 2):
                tensors = wire.read(orjson.dumps([row] * count), _no_header).frame.tensors
                check_outputs(self.signature, self._session.run(tensors, count), count)
            body = orjson.dumps([row] * WARM_UP_ROWS)
            return min(self._timed(wire, body) for _ in range(WARM_UP_RUNS)) / WARM_UP_ROWS
        except StateError:
            raise
        except Exception as error:
            raise StateError("SR672", f"the model cannot score a sample row: {error}") from error

    def _timed(self, wire: JsonWire, body: bytes) -> float:
        started = time.perf_counter()
        frame = wire.read(body, _no_header).frame
        wire.write(self._session.run(frame.tensors, frame.rows))
        return time.perf_counter() - started


def load_scorer(model: ServedModel, *, threads: int, observe: Callable[[BatchReport], None]) -> Scorer:
    """The warm scorer of a model; raises ``StateError`` SR501, SR502, SR671 and SR672."""
    signature = verified_signature(model)
    return Scorer(signature, Session(model, signature, threads), observe)


def _no_header(name: bytes) -> str:
    return ""
