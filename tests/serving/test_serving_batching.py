from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrec.serving.batching import CALL_BYTES, INLINE_BODY_BYTES, Batcher, Wires
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Outputs
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.scorer import BatchReport, Scorer, load_scorer
from sqlrec.serving.wire import Reading
from sqlrec.spec.service import ServiceSpec


class Waiting:
    """A caller that keeps its answer."""

    def __init__(self, document: Any, *, abandoned: bool = False, padding: int = 0) -> None:
        self.body = json.dumps(document).encode() + b" " * padding
        self.abandoned = abandoned
        self.answered_by = ""
        self.started = 0.0
        self.answers: list[tuple[Any, int]] = []
        self.answered = asyncio.Event()

    def header(self, name: bytes) -> str:
        return ""

    def read(self, wires: Wires) -> Reading:
        return wires["json"].read(self.body, lambda name: "")

    def write(self, reading: Reading, outputs: Outputs) -> bytes:
        return reading.write(outputs)

    def answer(self, answer: Any, rows: int) -> None:
        self.answers.append((answer, rows))
        self.answered.set()


@pytest.fixture(scope="module")
def reports() -> list[BatchReport]:
    return []


@pytest.fixture(scope="module")
def scorer(add_folder: Path, make_spec: Callable[..., ServiceSpec], reports: list[BatchReport]) -> Scorer:
    return load_scorer(make_spec(add_folder).own, threads=1, observe=reports.append)


def batcher_of(scorer: Scorer, queue_bytes: int) -> Batcher:
    wire = JsonWire(scorer.signature, missing_as_null=False, max_rows=10**6)
    return Batcher(scorer, {"json": wire}, queue_bytes=queue_bytes, stage=lambda name, seconds: None)


def row(a: int = 0) -> list[dict[str, int]]:
    return [{"a": a, "b": 0}]


def test_one_tick_is_one_call(scorer: Scorer, reports: list[BatchReport]) -> None:
    async def scenario() -> None:
        batcher = batcher_of(scorer, queue_bytes=10**6)
        calls = [Waiting(row()) for _ in range(5)]
        for call in calls:
            batcher.submit(call)
        assert batcher.waiting == 5
        await asyncio.gather(*(call.answered.wait() for call in calls))
        assert [call.answers for call in calls] == [[(b'{"probs":[0.5]}', 1)]] * 5
        assert batcher.waiting == 0
        batcher.close()

    reports.clear()
    asyncio.run(scenario())
    assert [report.rows for report in reports] == [5]


def test_a_tick_with_many_rows_is_several_calls(scorer: Scorer, reports: list[BatchReport]) -> None:
    async def scenario() -> None:
        batcher = batcher_of(scorer, queue_bytes=10**6)
        batcher.inline_rows = 4
        calls = [Waiting(row() * 3) for _ in range(3)]
        for call in calls:
            batcher.submit(call)
        await asyncio.gather(*(call.answered.wait() for call in calls))
        assert [call.answers[0][1] for call in calls] == [3, 3, 3]
        batcher.close()

    reports.clear()
    asyncio.run(scenario())
    assert [report.rows for report in reports] == [3, 3, 3]


@pytest.mark.parametrize("padding", [0, INLINE_BODY_BYTES])
def test_nothing_is_scored_for_who_has_gone(scorer: Scorer, reports: list[BatchReport], padding: int) -> None:
    async def scenario() -> None:
        batcher = batcher_of(scorer, queue_bytes=10**6)
        gone, there = Waiting(row(), abandoned=True, padding=padding), Waiting(row())
        batcher.submit(gone)
        batcher.submit(there)
        await asyncio.gather(gone.answered.wait(), there.answered.wait())
        assert gone.answers == [(None, 0)]
        assert there.answers == [(b'{"probs":[0.5]}', 1)]
        assert batcher.waiting == 0
        batcher.close()

    reports.clear()
    asyncio.run(scenario())
    assert [report.rows for report in reports] == [1]


@pytest.mark.parametrize("document", [5, [{"a": "x", "b": 1}], [{"a": 1}]])
def test_a_bad_body_in_the_worker_thread(scorer: Scorer, document: Any) -> None:
    async def scenario() -> None:
        batcher = batcher_of(scorer, queue_bytes=10**6)
        call = Waiting(document, padding=INLINE_BODY_BYTES)
        batcher.submit(call)
        await call.answered.wait()
        ((error, _),) = call.answers
        assert isinstance(error, RequestError)
        assert error.status == (400 if document == 5 else 422)
        batcher.close()

    asyncio.run(scenario())


def test_what_waits_is_bounded_by_bytes(scorer: Scorer) -> None:
    async def scenario() -> None:
        size = len(Waiting(row()).body) + CALL_BYTES
        batcher = batcher_of(scorer, queue_bytes=3 * size)
        calls = [Waiting(row()) for _ in range(3)]
        for call in calls:
            batcher.submit(call)
        with pytest.raises(RequestError, match="3 requests are waiting") as caught:
            batcher.submit(Waiting(row()))
        assert caught.value.status == 429
        await calls[-1].answered.wait()
        batcher.submit(again := Waiting(row()))
        await again.answered.wait()
        batcher.close()

    asyncio.run(scenario())


def test_tensors_count_while_they_wait_and_large_ones_are_not_kept(
    network_folder: Path, make_spec: Callable[..., ServiceSpec]
) -> None:
    scorer = load_scorer(make_spec(network_folder).own, threads=1, observe=lambda report: None)

    async def scenario() -> None:
        batcher = batcher_of(scorer, queue_bytes=10**7)
        batcher.inline_rows = 4
        middling, large = ({"vector": [[1.0]] * rows} for rows in (1000, 20_000))
        waiting = []
        for document, tensors in (({"vector": [[1.0]]}, 32), (middling, 32_000), (large, 0)):
            before = batcher._waiting_bytes
            waiting.append(Waiting(document))
            batcher.submit(waiting[-1])
            grown = batcher._waiting_bytes - before
            assert grown == len(waiting[-1].body) + CALL_BYTES + tensors
        await asyncio.gather(*(call.answered.wait() for call in waiting))
        assert [call.answers[0][1] for call in waiting] == [1, 1000, 20_000]
        assert (batcher.waiting, batcher._waiting_bytes) == (0, 0)
        batcher.close()

    asyncio.run(scenario())


def test_calls_in_the_worker_are_let_go_in_the_end(scorer: Scorer) -> None:
    async def scenario() -> None:
        batcher = batcher_of(scorer, queue_bytes=10**8)
        calls = [Waiting({"a": [1] * 200_000, "b": [0]}) for _ in range(8)]
        for call in calls:
            batcher.submit(call)
        batcher.close()
        await calls[0].answered.wait()
        await asyncio.sleep(0.05)
        assert batcher.waiting <= 1
        assert len(calls[-1].answers) == 0

    asyncio.run(scenario())
