"""How many requests may be in flight, by a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import pairwise

from sqlrec.scoring.limit import SAMPLES, AdaptiveLimit


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def round_of(limit: AdaptiveLimit, clock: Clock, seconds: float, *, capacity: int = 1000) -> int:
    """As many requests as may be in flight, answered after ``seconds``; those beyond ``capacity`` refused."""
    began = [await limit.enter() for _ in range(limit.allowed)]
    clock.now += seconds
    for index, moment in enumerate(began):
        if index < capacity:
            limit.answered(moment)
        else:
            limit.overloaded(moment)
        limit.leave()
    return len(began)


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


def test_it_begins_with_all_that_may_be_asked() -> None:
    limit = AdaptiveLimit(8)
    assert (limit.allowed, limit.calm) == (8, True)


def test_a_round_that_is_refused_halves_it_once() -> None:
    async def work() -> None:
        clock = Clock()
        limit = AdaptiveLimit(16, clock=clock)
        await round_of(limit, clock, 1.0, capacity=0)
        assert (limit.allowed, limit.calm) == (8, False)
        for expected in (4, 2, 1, 1):
            await round_of(limit, clock, 1.0, capacity=0)
            assert limit.allowed == expected

    run(work())


def test_it_grows_by_one_a_round_and_no_further_than_allowed() -> None:
    async def work() -> None:
        clock = Clock()
        limit = AdaptiveLimit(6, clock=clock)
        await round_of(limit, clock, 1.0, capacity=0)
        seen = [await round_of(limit, clock, 1.0) for _ in range(20)]
        assert seen[0] == 3
        assert all(0 <= later - sooner <= 1 for sooner, later in pairwise(seen))
        assert seen[-1] == 6

    run(work())


def test_it_settles_at_what_the_service_takes() -> None:
    async def work() -> None:
        clock = Clock()
        limit = AdaptiveLimit(64, clock=clock)
        sizes = [await round_of(limit, clock, 1.0, capacity=10) for _ in range(60)]
        assert all(5 <= size <= 11 for size in sizes[10:])
        assert sum(sizes[10:]) / 50 > 6

    run(work())


def test_slowing_down_lowers_it_a_little() -> None:
    async def work() -> None:
        clock = Clock()
        limit = AdaptiveLimit(10, clock=clock)
        for _ in range(SAMPLES):
            await round_of(limit, clock, 0.1)
        await round_of(limit, clock, 0.3)
        assert limit.allowed == 10
        await round_of(limit, clock, 5.0)
        assert limit.allowed == 9

    run(work())


def test_few_requests_say_nothing_about_more() -> None:
    async def work() -> None:
        clock = Clock()
        limit = AdaptiveLimit(8, clock=clock)
        await round_of(limit, clock, 1.0, capacity=0)
        for _ in range(50):
            began = await limit.enter()
            clock.now += 0.1
            limit.answered(began)
            limit.leave()
        assert limit.allowed == 4

    run(work())


def test_turns_come_in_order_and_one_that_is_given_up_is_passed_on() -> None:
    async def work() -> None:
        limit = AdaptiveLimit(1)
        await limit.enter()
        order: list[int] = []

        async def wait(number: int) -> None:
            await limit.enter()
            order.append(number)

        tasks = [asyncio.create_task(wait(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # while it waits
        await asyncio.sleep(0)
        limit.leave()  # the turn of 1 …
        tasks[1].cancel()  # … which is given up before it is taken
        await asyncio.gather(tasks[0], tasks[1], return_exceptions=True)
        await tasks[2]
        assert order == [2]
        limit.leave()
        await tasks[3]
        assert order == [2, 3]

    run(work())
