"""Second requests for late answers: who answers, who is given up, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sqlrec.scoring.hedging import SAMPLES, SHARE, Hedge


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def used(seconds: float = 0.0, requests: int = 100) -> Hedge:
    """A hedge that has seen requests of that latency."""
    clock = Clock()
    hedge = Hedge(clock=clock)

    async def answer() -> str:
        clock.now += seconds
        return "quick"

    for _ in range(requests):
        assert await hedge.ask(answer, twice=False) == "quick"
    return hedge


class Requests:
    """Requests that wait for an event each before they answer or fail."""

    def __init__(self, *outcomes: str | Exception) -> None:
        self.begun = 0
        self.given_up = 0
        self.go = [asyncio.Event() for _ in outcomes]
        self._outcomes = outcomes

    async def __call__(self) -> str:
        number = self.begun
        self.begun += 1
        if number:
            self.go[number].set()  # a second request answers at once
        try:
            await self.go[number].wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        outcome = self._outcomes[number]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_patience_follows_recent_answers() -> None:
    async def work() -> None:
        assert (await used(0.5, SAMPLES - 1)).patience is None
        assert (await used(0.5)).patience == pytest.approx(1.0)

    asyncio.run(work())


def test_the_first_answer_wins_and_the_other_is_given_up() -> None:
    async def work() -> None:
        hedge, requests = await used(), Requests("late", "second")
        assert await hedge.ask(requests, twice=True) == "second"
        assert (requests.begun, requests.given_up, hedge.made) == (2, 1, 1)

    asyncio.run(work())


def test_a_failure_waits_for_the_other() -> None:
    async def work() -> None:
        hedge, requests = await used(), Requests("late", ValueError("second"))
        asked = asyncio.ensure_future(hedge.ask(requests, twice=True))
        while requests.begun < 2:
            await asyncio.sleep(0)
        requests.go[0].set()
        assert await asked == "late"
        requests = Requests(ValueError("first"), ValueError("second"))
        hedge = await used()
        asked = asyncio.ensure_future(hedge.ask(requests, twice=True))
        while requests.begun < 2:
            await asyncio.sleep(0)
        requests.go[0].set()
        with pytest.raises(ValueError, match="first"):
            await asked

    asyncio.run(work())


def test_only_a_share_is_asked_twice() -> None:
    async def work() -> None:
        hedge = await used()
        for _ in range(300):
            late = Requests("late", "second")
            await hedge.ask(late if hedge.patience is not None else _answered, twice=True)
        assert SHARE * 400 - 1 <= hedge.made <= SHARE * 400

    asyncio.run(work())


async def _answered() -> str:
    return "quick"


def test_nothing_is_asked_twice_unless_it_may_be() -> None:
    async def work() -> None:
        hedge, requests = await used(), Requests("slow", "never")
        asked = asyncio.ensure_future(hedge.ask(requests, twice=False))
        for _ in range(10):
            await asyncio.sleep(0)
        assert requests.begun == 1
        requests.go[0].set()
        assert await asked == "slow"

    asyncio.run(work())


def test_giving_up_gives_up_both() -> None:
    async def work() -> None:
        hedge = await used()
        held = asyncio.Event()
        given_up = 0

        async def never() -> str:
            nonlocal given_up
            try:
                await held.wait()
            except asyncio.CancelledError:
                given_up += 1
                raise
            return ""

        request: Callable[[], Awaitable[str]] = never
        asked = asyncio.ensure_future(hedge.ask(request, twice=True))
        while not hedge.made:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert given_up == 2

    asyncio.run(work())
