"""When a request is scored: in the event loop with all others of its tick, or in the worker thread.

Requests that arrive in one tick share one model call; there is no timer, so batching adds no waiting.
A call must not hold up health checks: what is predicted to take longer than ``INLINE_SECONDS``, or has
a body that takes long to parse, goes to one worker thread, where ONNX Runtime runs without the GIL and
on its own threads. Everything that waits is bounded by the bytes of its bodies and of its tensors; large
tensors do not wait at all: their body does, and is read again when its turn comes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from sqlrec.serving.errors import RequestError, prediction_failed, queue_full
from sqlrec.serving.frame import Outputs
from sqlrec.serving.scorer import Scorer
from sqlrec.serving.wire import Reading, Wire

INLINE_SECONDS = 0.002
INLINE_ROWS = 1024
"""Of a tick's batch at most. Answers that go out together wake a client once, which costs as much as scoring
twenty rows."""
INLINE_BODY_BYTES = 128 * 1024
INLINE_TENSOR_BYTES = 1024 * 1024
CALL_BYTES = 4096
"""What a waiting call is counted for beside its body and tensors."""

Wires = Mapping[str, Wire]
"""The forms a model can be asked in, by name: ``json`` …."""
Stage = Callable[[str, float], None]
"""Takes the seconds that a stage (``decode``, ``encode``) took."""


class Call(Protocol):
    """A request that waits for its scores. What ``write`` gives is handed to ``answer``.

    A rule that chooses between models notes in ``answered_by`` which one it was, for the client.
    """

    answered_by: str

    @property
    def body(self) -> bytes:
        """What to score."""

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more."""

    @property
    def started(self) -> float:
        """When it came, by the monotonic clock."""

    def header(self, name: bytes) -> str:
        """A header of it by its name in lower case; empty when it has none."""

    def read(self, wires: Wires) -> Reading:
        """The request in one of the model's forms; from any thread. Raises ``RequestError``."""

    def write(self, reading: Reading, outputs: Outputs) -> Any:
        """The answer of its rows' outputs; from any thread."""

    def answer(self, answer: Any | RequestError, rows: int) -> None:
        """Take the result; called once, in the event loop. An abandoned call gets None."""


class Batcher:
    """Brings calls to one scorer. All methods belong to the event loop's thread."""

    def __init__(self, scorer: Scorer, wires: Wires, *, queue_bytes: int, stage: Stage) -> None:
        self._scorer = scorer
        self._wires = wires
        self._stage = stage
        self._loop = asyncio.get_running_loop()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="score")
        self._pending: list[tuple[Call, Reading, int]] = []
        self._queue_bytes = queue_bytes
        self._waiting_bytes = 0
        self._decoding = 0.0
        self.waiting = 0
        self.inline_rows = max(1, min(INLINE_ROWS, int(INLINE_SECONDS / scorer.row_seconds)))

    def submit(self, call: Call) -> None:
        """Have a call scored; raises ``RequestError``: 429 when too much waits, 400 for a bad body."""
        body = len(call.body)
        if self._waiting_bytes + body > self._queue_bytes:
            raise queue_full(self.waiting)
        size = body + CALL_BYTES
        if body > INLINE_BODY_BYTES:
            self._hand_over(call, None, size)
            return
        started = time.perf_counter()
        reading = call.read(self._wires)
        self._decoding += time.perf_counter() - started
        tensors = reading.frame.held_bytes
        if tensors > INLINE_TENSOR_BYTES:
            self._hand_over(call, None, size)
            return
        size += tensors
        if reading.frame.rows > self.inline_rows:
            self._hand_over(call, reading, size)
            return
        self._count(1, size)
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append((call, reading, size))

    def close(self) -> None:
        """Let go of the worker thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _count(self, calls: int, size: int) -> None:
        self.waiting += calls
        self._waiting_bytes += size

    def _take(self) -> list[tuple[Call, Reading, int]]:
        """Pending calls of up to ``inline_rows`` rows; the rest after the loop looked at its sockets."""
        rows = taken = 0
        for _, reading, _ in self._pending:
            rows += reading.frame.rows
            if taken and rows > self.inline_rows:
                break
            taken += 1
        batch, self._pending = self._pending[:taken], self._pending[taken:]
        if self._pending:
            self._loop.call_soon(self._flush)
        return batch

    def _flush(self) -> None:
        """Score what is pending and answer it."""
        batch = self._take()
        wanted = []
        for call, reading, size in batch:
            self._count(-1, -size)
            if call.abandoned:
                call.answer(None, 0)
            else:
                wanted.append((call, reading))
        self._stage("decode", self._decoding)
        self._decoding = 0.0
        answers = self._write(wanted, self._scorer.score([reading.frame for _, reading in wanted]))
        for (call, reading), answer in zip(wanted, answers, strict=True):
            call.answer(answer, reading.frame.rows)

    def _write(self, batch: list[tuple[Call, Reading]], results: list[Outputs | RequestError]) -> list[Any]:
        started = time.perf_counter()
        answers = [
            _written(call, reading, result) for (call, reading), result in zip(batch, results, strict=True)
        ]
        self._stage("encode", time.perf_counter() - started)
        return answers

    def _hand_over(self, call: Call, reading: Reading | None, size: int) -> None:
        self._count(1, size)
        future = self._worker.submit(self._score_alone, call, reading)
        future.add_done_callback(
            lambda done: self._loop.call_soon_threadsafe(partial(self._take_back, call, size, done))
        )

    def _take_back(self, call: Call, size: int, done: Future[tuple[Any, int]]) -> None:
        self._count(-1, -size)
        if not done.cancelled():
            call.answer(*done.result())

    def _read(self, call: Call) -> Reading:
        started = time.perf_counter()
        reading = call.read(self._wires)
        self._stage("decode", time.perf_counter() - started)
        return reading

    def _score_alone(self, call: Call, reading: Reading | None) -> tuple[Any, int]:
        """Runs in the worker thread."""
        if call.abandoned:
            return None, 0
        try:
            reading = reading or self._read(call)
            (answer,) = self._write([(call, reading)], self._scorer.score([reading.frame]))
        except RequestError as error:
            return error, 0
        except Exception as error:  # the caller must get an answer, whatever happened
            return prediction_failed(error), 0
        return answer, reading.frame.rows


def _written(call: Call, reading: Reading, result: Outputs | RequestError) -> Any:
    if isinstance(result, RequestError):
        return result
    try:
        return call.write(reading, result)
    except Exception as error:  # outputs that a form has no words for
        return prediction_failed(error)
