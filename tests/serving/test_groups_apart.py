"""The thread of a model: calls that wait are scored together, and every call gets an answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Frame, Outputs
from sqlrec.serving.groups.apart import Apart
from sqlrec.serving.session import CHUNK_ROWS
from sqlrec.serving.wire import Reading
from tests.serving.group_members import FakeCall, in_loop


class SlowScorer:
    """A model that scores when the test opens the gate; ``batches`` are the rows of its calls."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.batches: list[list[int]] = []

    def score(self, frames: Sequence[Frame]) -> list[Outputs | RequestError]:
        self.batches.append([frame.rows for frame in frames])
        self.begun.set()
        assert self.gate.wait(20)
        return [[np.zeros(frame.rows, np.float32)] for frame in frames]


class BadCall(FakeCall):
    """A request that cannot be read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def read(self, wires: Any) -> Reading:
        raise self._error


def apart(scorer: SlowScorer, queue_bytes: int = 10**6) -> Apart:
    fake: Any = scorer
    return Apart(fake, {}, queue_bytes=queue_bytes, stage=lambda name, seconds: None)


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 20)


@in_loop
async def test_the_event_loop_goes_on_and_what_waits_is_scored_together() -> None:
    scorer = SlowScorer()
    model = apart(scorer)
    calls = [FakeCall(rows=n) for n in (1, 2, 3)]
    model.submit(calls[0])
    await until(scorer.begun)
    model.submit(calls[1])
    model.submit(calls[2])
    assert model.waiting == 3
    scorer.gate.set()
    for call in calls:
        await call.done.wait()
    assert scorer.batches == [[1], [2, 3]]
    assert [len(call.answered[0]) for call in calls] == [1, 2, 3]
    assert model.waiting == 0
    model.close()


@in_loop
async def test_bad_and_abandoned_calls_do_not_disturb_the_others() -> None:
    scorer = SlowScorer()
    model = apart(scorer)
    model.submit(FakeCall())
    await until(scorer.begun)
    bad, broken = BadCall(RequestError("SR650", "no JSON")), BadCall(ValueError("oh"))
    gone, good = FakeCall(), FakeCall()
    gone.abandoned = True
    for call in (bad, broken, gone, good):
        model.submit(call)
    scorer.gate.set()
    for call in (bad, broken, gone, good):
        await call.done.wait()
    assert bad.answered.code == "SR650"
    assert broken.answered.code == "SR660"
    assert gone.answered is None
    assert good.answered == [[0.0]]
    assert scorer.batches == [[1], [1]]
    model.close()


@in_loop
async def test_large_calls_are_not_joined() -> None:
    scorer = SlowScorer()
    model = apart(scorer)
    model.submit(FakeCall())
    await until(scorer.begun)
    calls = [FakeCall(rows=n) for n in (CHUNK_ROWS, CHUNK_ROWS, 5, 7)]
    for call in calls:
        model.submit(call)
    scorer.gate.set()
    for call in calls:
        await call.done.wait()
    assert scorer.batches == [[1], [CHUNK_ROWS], [CHUNK_ROWS], [5, 7]]
    model.close()


@in_loop
async def test_what_waits_is_bounded() -> None:
    scorer = SlowScorer()
    model = apart(scorer, queue_bytes=10_000)
    calls = [FakeCall(body=b"x" * 1000) for _ in range(3)]
    model.submit(calls[0])
    model.submit(calls[1])
    with pytest.raises(RequestError) as caught:
        model.submit(calls[2])
    assert caught.value.status == 429
    scorer.gate.set()
    await calls[0].done.wait()
    await calls[1].done.wait()
    model.submit(calls[2])
    await calls[2].done.wait()
    model.close()


@in_loop
async def test_what_waits_when_it_is_closed_is_answered() -> None:
    scorer = SlowScorer()
    model = apart(scorer)
    calls = [FakeCall() for _ in range(3)]
    for call in calls:
        model.submit(call)
    model.close()
    scorer.gate.set()
    for call in calls:
        await call.done.wait()


@in_loop
async def test_two_models_score_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)

    class Meeting(SlowScorer):
        def score(self, frames: Sequence[Frame]) -> list[Outputs | RequestError]:
            both.wait()  # passes only while the other model scores, too
            return [[np.zeros(frame.rows, np.float32)] for frame in frames]

    models, calls = [apart(Meeting()), apart(Meeting())], [FakeCall(), FakeCall()]
    for model, call in zip(models, calls, strict=True):
        model.submit(call)
    for model, call in zip(models, calls, strict=True):
        await call.done.wait()
        assert call.answered == [[0.0]]
        model.close()
