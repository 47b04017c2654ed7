"""Calls that are scored beside the event loop, whatever they cost, in a thread of their model's own.

What a rule asks besides, or at once, must not wait for the event loop nor hold it up: neither for a slow
model nor for the parsing of a body. Calls that came while the thread was busy share one model call.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

from sqlrec.serving.batching import CALL_BYTES, Call, Stage, Wires
from sqlrec.serving.errors import RequestError, prediction_failed, queue_full
from sqlrec.serving.frame import Outputs
from sqlrec.serving.scorer import Scorer
from sqlrec.serving.session import CHUNK_ROWS
from sqlrec.serving.wire import Reading

BATCH_CALLS = 64
"""Calls of one model call at most."""

Done = tuple[Call, Any, int]
"""A call with its answer and its rows."""


class Apart:
    """Brings calls to one scorer. All methods belong to the event loop's thread."""

    def __init__(self, scorer: Scorer, wires: Wires, *, queue_bytes: int, stage: Stage) -> None:
        self._scorer = scorer
        self._wires = wires
        self._stage = stage
        self._loop = asyncio.get_running_loop()
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._queue_bytes = queue_bytes
        self._waiting_bytes = 0
        self.waiting = 0

    def submit(self, call: Call) -> None:
        """Have a call scored; raises ``RequestError`` 429 when too much waits. A bad body is answered."""
        if self._waiting_bytes + len(call.body) > self._queue_bytes:
            raise queue_full(self.waiting)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="score apart", daemon=True)
            self._thread.start()
        self._count(call, 1)
        self._calls.put(call)

    def close(self) -> None:
        """Let the thread end when it has scored what waits."""
        self._calls.put(None)

    def _count(self, call: Call, sign: int) -> None:
        self.waiting += sign
        self._waiting_bytes += sign * (len(call.body) + CALL_BYTES)

    def _take_back(self, done: list[Done]) -> None:
        for call, answer, rows in done:
            self._count(call, -1)
            call.answer(answer, rows)

    # In the thread

    def _work(self) -> None:
        while calls := self._next():
            for done in self._scored(calls):
                try:
                    self._loop.call_soon_threadsafe(self._take_back, done)
                except RuntimeError:  # the loop is closed: nobody waits any more
                    return

    def _next(self) -> list[Call]:
        """What waits, or the next call to come; empty after the end."""
        calls: list[Call] = []
        while len(calls) < BATCH_CALLS and (not calls or not self._calls.empty()):
            call = self._calls.get()
            if call is None:
                self._calls.put(None)
                break
            calls.append(call)
        return calls

    def _scored(self, calls: list[Call]) -> Iterator[list[Done]]:
        """The calls with their answers, in runs of about ``CHUNK_ROWS`` rows."""
        done: list[Done] = []
        batch: list[tuple[Call, Reading]] = []
        rows = 0
        for call in calls:
            try:
                if call.abandoned:
                    done.append((call, None, 0))
                    continue
                reading = self._read(call)
            except RequestError as error:
                done.append((call, error, 0))
                continue
            except Exception as error:  # the caller must get an answer, whatever happened
                done.append((call, prediction_failed(error), 0))
                continue
            batch.append((call, reading))
            rows += reading.frame.rows
            if rows >= CHUNK_ROWS:
                yield self._together(batch)
                batch, rows = [], 0
        yield done + self._together(batch)

    def _read(self, call: Call) -> Reading:
        started = time.perf_counter()
        reading = call.read(self._wires)
        self._stage("decode", time.perf_counter() - started)
        return reading

    def _together(self, batch: list[tuple[Call, Reading]]) -> list[Done]:
        """One model call."""
        results = self._scorer.score([reading.frame for _, reading in batch])
        started = time.perf_counter()
        done = [
            (call, _written(call, reading, result), reading.frame.rows)
            for (call, reading), result in zip(batch, results, strict=True)
        ]
        self._stage("encode", time.perf_counter() - started)
        return done


def _written(call: Call, reading: Reading, result: Outputs | RequestError) -> Any:
    if isinstance(result, RequestError):
        return result
    try:
        return call.write(reading, result)
    except Exception as error:  # as above
        return prediction_failed(error)
