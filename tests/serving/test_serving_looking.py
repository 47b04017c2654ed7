"""The loop stays awake for a client that is alone and asks again at once, and for nobody else."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

import pytest

from sqlrec.serving.looking import SOON_SECONDS, Looking

LONG = 0.05
"""How far ahead of the clock the answers of these tests are: so long the loop should be awake."""


class Selector(selectors.DefaultSelector):
    """Counts looks at the sockets, and those that would have slept."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = self.sleeps = 0

    def select(self, timeout: float | None = None) -> Any:
        self.looks += 1
        self.sleeps += timeout != 0
        return super().select(timeout)


def counted(answers: Callable[[Looking, float], None]) -> tuple[int, int]:
    """Looks and sleeps within a sleep of twice ``LONG`` after some answers; the sleep itself is one."""
    selector = Selector()
    loop = asyncio.SelectorEventLoop(selector)

    async def run() -> None:
        answers(Looking(), time.monotonic() + LONG)
        await asyncio.sleep(2 * LONG)

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return selector.looks, selector.sleeps


def test_a_lone_client_that_asks_at_once_finds_the_loop_awake() -> None:
    def answers(looking: Looking, now: float) -> None:
        looking.answered(1, now, now)
        looking.answered(1, now, now)
        looking.answered(1, now + SOON_SECONDS / 2, now)

    looks, sleeps = counted(answers)
    assert looks > 20
    assert sleeps == 1  # until the end of the test, after being awake: one that did not come ends it


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(lambda looking, now: looking.answered(1, now, now), id="the first request"),
        pytest.param(
            lambda looking, now: [looking.answered(1, now + n, now + n) for n in range(3)], id="a slow client"
        ),
        pytest.param(lambda looking, now: [looking.answered(2, now, now) for _ in range(3)], id="several"),
        pytest.param(
            lambda looking, now: [looking.answered(n, now, now) for n in (1, 1, 2)], id="no more alone"
        ),
    ],
)
def test_otherwise_it_sleeps(answers: Callable[[Looking, float], None]) -> None:
    looks, sleeps = counted(answers)
    assert looks < 10
    assert sleeps == 1
