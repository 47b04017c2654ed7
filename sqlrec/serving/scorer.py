"""One served model: bodies in, answers out, for one request or for all of an event-loop tick at once.

A :class:`Scorer` is all that belongs to one version of one model, so that serving another version means
making another scorer. It is called from the event loop and from the worker thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import orjson

from sqlrec.errors import StateError
from sqlrec.serving.decode import Array, Decoder
from sqlrec.serving.errors import RequestError, prediction_failed
from sqlrec.serving.payload import Payload, PayloadReader, join
from sqlrec.serving.session import Session, check_outputs, verified_signature
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import Signature

WARM_UP_RUNS = 5
WARM_UP_ROWS = 64

Answer = bytes | RequestError
"""The JSON body for one request, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What one call of the model did, for the metrics. Seconds; nulls by column; outputs by name."""

    rows: int
    decode: float
    predict: float
    encode: float
    unknown: int
    nulls: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, Array] = field(default_factory=dict)


class Scorer:
    """A loaded model. ``row_seconds`` is what a row of a batch takes; ``observe`` gets every batch."""

    def __init__(
        self,
        signature: Signature,
        session: Session,
        reader: PayloadReader,
        observe: Callable[[BatchReport], None],
    ) -> None:
        self.signature = signature
        self._session = session
        self._reader = reader
        self._decoder = Decoder(signature.inputs)
        self._names = [output.name for output in signature.outputs]
        self._observe = observe
        self.row_seconds = self._warm_up()

    def read(self, body: bytes) -> Payload:
        """The values of a body; raises ``RequestError``."""
        return self._reader.read(body)

    def score(self, payloads: Sequence[Payload]) -> list[Answer]:
        """Answers in order. A payload that fails does so alone, whatever it was batched with."""
        try:
            return list(self._score_together(payloads))
        except RequestError as error:
            failure = error
        except Exception as error:  # the model's graph decides what it raises
            failure = prediction_failed(error)
        if len(payloads) == 1:
            return [failure]
        return [self.score([payload])[0] for payload in payloads]

    def _score_together(self, payloads: Sequence[Payload]) -> list[bytes]:
        if not payloads:
            return []
        batch = join(payloads)
        if not batch.rows:
            return [self._encode([[] for _ in self._names])] * len(payloads)
        started = time.perf_counter()
        decoded = self._decoder.decode(batch)
        ready = time.perf_counter()
        outputs = self._session.run(decoded.tensors, batch.rows)
        done = time.perf_counter()
        answers, start = [], 0
        for payload in payloads:
            answers.append(self._encode([array[start : start + payload.rows] for array in outputs]))
            start += payload.rows
        self._observe(
            BatchReport(
                rows=batch.rows,
                decode=ready - started,
                predict=done - ready,
                encode=time.perf_counter() - done,
                unknown=batch.unknown,
                nulls=decoded.nulls,
                outputs=dict(zip(self._names, outputs, strict=True)),
            )
        )
        return answers

    def _encode(self, columns: Sequence[Array | list[object]]) -> bytes:
        """``{"probs": […]}``; a NaN becomes null, for JSON has no other word for it."""
        answer = dict(zip(self._names, columns, strict=True))
        return orjson.dumps(answer, default=_texts, option=orjson.OPT_SERIALIZE_NUMPY)

    def _warm_up(self) -> float:
        """Score copies of the signature's first sample row (or of nulls); seconds a row in the best run.

        Raises ``StateError`` SR672 when the model cannot score it or gives outputs of other shapes.
        """
        sample = self.signature.sample[0] if self.signature.sample else {}
        row = {column.name: sample.get(column.name) for column in self.signature.inputs}
        try:
            for count in (1, 2):
                tensors = self._decoder.decode(self._reader.read(orjson.dumps([row] * count))).tensors
                check_outputs(self.signature, self._session.run(tensors, count), count)
            rows = self._reader.read(orjson.dumps([row] * WARM_UP_ROWS))
            return min(self._timed(rows) for _ in range(WARM_UP_RUNS)) / WARM_UP_ROWS
        except StateError:
            raise
        except Exception as error:
            raise StateError("SR672", f"the model cannot score a sample row: {error}") from error

    def _timed(self, payload: Payload) -> float:
        started = time.perf_counter()
        outputs = self._session.run(self._decoder.decode(payload).tensors, payload.rows)
        self._encode(outputs)
        return time.perf_counter() - started


def load_scorer(
    spec: ServiceSpec, *, threads: int, max_rows: int, observe: Callable[[BatchReport], None]
) -> Scorer:
    """The warm scorer of a service's model; raises ``StateError`` SR501, SR502, SR671 and SR672."""
    signature = verified_signature(spec)
    session = Session(spec, signature, threads)
    reader = PayloadReader(
        tuple(column.name for column in signature.inputs),
        missing_as_null=spec.options.get("missing_features") == "null",
        max_rows=max_rows,
    )
    return Scorer(signature, session, reader, observe)


def _texts(array: object) -> list[object]:
    """An output of text, which orjson does not know as an array."""
    return list(cast(Array, array))
