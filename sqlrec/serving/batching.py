"""When a request is scored: in the event loop with all others of its tick, or in the worker thread.

Requests that arrive in one tick share one model call; there is no timer, so batching adds no waiting.
A call must not hold up health checks: what is predicted to take longer than ``INLINE_SECONDS``, or has
a body that takes long to parse, goes to one worker thread, where ONNX Runtime runs without the GIL and
on its own threads. Everything that waits is bounded by the bytes of its bodies.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol

from sqlrec.serving.errors import RequestError, prediction_failed, queue_full
from sqlrec.serving.payload import Payload
from sqlrec.serving.scorer import Answer, Scorer
from sqlrec.serving.session import CHUNK_ROWS

INLINE_SECONDS = 0.002
INLINE_BODY_BYTES = 128 * 1024
CALL_BYTES = 4096
"""What a waiting call is counted for beside its body."""


class Call(Protocol):
    """A request that waits for its scores."""

    @property
    def body(self) -> bytes:
        """The JSON to score."""

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more."""

    def answer(self, answer: Answer, rows: int) -> None:
        """Take the result; called once, in the event loop. An abandoned call gets an empty one."""


class Batcher:
    """Brings calls to one scorer. All methods belong to the event loop's thread."""

    def __init__(self, scorer: Scorer, *, queue_bytes: int) -> None:
        self._scorer = scorer
        self._loop = asyncio.get_running_loop()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="score")
        self._pending: list[tuple[Call, Payload]] = []
        self._queue_bytes = queue_bytes
        self._waiting_bytes = 0
        self.waiting = 0
        self.inline_rows = max(1, min(CHUNK_ROWS, int(INLINE_SECONDS / scorer.row_seconds)))

    def submit(self, call: Call) -> None:
        """Have a call scored; raises ``RequestError``: 429 when too much waits, 400 for a bad body."""
        if self._waiting_bytes + len(call.body) > self._queue_bytes:
            raise queue_full(self.waiting)
        if len(call.body) > INLINE_BODY_BYTES:
            self._hand_over(call, None)
            return
        payload = self._scorer.read(call.body)
        if payload.rows > self.inline_rows:
            self._hand_over(call, payload)
            return
        self._count(call, 1)
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append((call, payload))

    def close(self) -> None:
        """Let go of the worker thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _count(self, call: Call, sign: int) -> None:
        self.waiting += sign
        self._waiting_bytes += sign * (len(call.body) + CALL_BYTES)

    def _flush(self) -> None:
        """Score pending calls up to ``inline_rows`` rows; the rest after the loop looked at its sockets."""
        rows = taken = 0
        for _, payload in self._pending:
            if taken and rows + payload.rows > self.inline_rows:
                break
            rows += payload.rows
            taken += 1
        batch, self._pending = self._pending[:taken], self._pending[taken:]
        if self._pending:
            self._loop.call_soon(self._flush)
        wanted = [(call, payload) for call, payload in batch if not call.abandoned]
        answers = self._scorer.score([payload for _, payload in wanted])
        for call, _ in batch:
            self._count(call, -1)
            if call.abandoned:
                call.answer(b"", 0)
        for (call, payload), answer in zip(wanted, answers, strict=True):
            call.answer(answer, payload.rows)

    def _hand_over(self, call: Call, payload: Payload | None) -> None:
        self._count(call, 1)
        future = self._worker.submit(_score_alone, self._scorer, call, payload)
        future.add_done_callback(
            lambda done: self._loop.call_soon_threadsafe(partial(self._take_back, call, done))
        )

    def _take_back(self, call: Call, done: Future[tuple[Answer, int]]) -> None:
        self._count(call, -1)
        if not done.cancelled():
            call.answer(*done.result())


def _score_alone(scorer: Scorer, call: Call, payload: Payload | None) -> tuple[Answer, int]:
    """Runs in the worker thread."""
    if call.abandoned:
        return b"", 0
    try:
        payload = payload or scorer.read(call.body)
    except RequestError as error:
        return error, 0
    except Exception as error:  # the caller must get an answer, whatever happened
        return prediction_failed(error), 0
    return scorer.score([payload])[0], payload.rows
