"""The loop stays awake for a client that is alone and asks again at once, and for nobody else."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from sqlrec.serving.looking import SOON_SECONDS, Looking

LONG = 0.1
"""How far ahead of the clock the answers of these tests are: so long the loop should be awake."""


class Selector(selectors.DefaultSelector):
    """Counts looks at the sockets, and instead of the first sleep calls ``asleep``."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.asleep: Callable[[], None] | None = None

    def select(self, timeout: float | None = None) -> Any:
        if timeout != 0 and self.asleep:
            self.asleep()
            return super().select(0)
        self.looks += 1
        return super().select(timeout)


def looks_until_sleep(answers: Callable[[Looking, float], None]) -> int:
    """How often a loop with nothing else to do looks at its sockets, after some answers, until it sleeps."""
    selector = Selector()
    loop = asyncio.SelectorEventLoop(selector)

    async def run() -> None:
        asleep = loop.create_future()
        selector.asleep = partial(asleep.set_result, None)
        answers(Looking(), time.monotonic() + LONG)
        await asleep
        selector.asleep = None

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return selector.looks


def test_a_lone_client_that_asks_at_once_finds_the_loop_awake() -> None:
    def answers(looking: Looking, now: float) -> None:
        looking.answered(1, now, now)
        looking.answered(1, now, now)
        looking.answered(1, now + SOON_SECONDS / 2, now)

    assert looks_until_sleep(answers) > 20


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
    assert looks_until_sleep(answers) < 10
