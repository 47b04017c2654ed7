"""Work on several things at once: how many, in which order, and what is left of it after an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.scoring.ahead import in_order


async def counted(number: int) -> AsyncGenerator[int, None]:
    for item in range(number):
        yield item


@given(turns=st.lists(st.integers(0, 5), max_size=8), at_once=st.integers(1, 4))
def test_results_come_in_order_and_no_more_are_under_way_than_allowed(turns: list[int], at_once: int) -> None:
    under_way, most = set[int](), 0

    async def work(item: int) -> int:
        nonlocal most
        under_way.add(item)
        most = max(most, len(under_way))
        for _ in range(turns[item]):
            await asyncio.sleep(0)
        under_way.remove(item)
        return item * item

    async def results() -> list[tuple[int, int]]:
        return [found async for found in in_order(counted(len(turns)), work, at_once)]

    assert asyncio.run(results()) == [(item, item * item) for item in range(len(turns))]
    assert most <= at_once
    assert not under_way


def test_an_error_gives_up_what_is_under_way() -> None:
    given_up = []

    async def work(item: int) -> int:
        if item == 0:
            raise ValueError(item)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.append(item)
            raise
        return item

    async def results() -> None:
        async for _ in in_order(counted(9), work, 3):
            pytest.fail("nothing was done")

    with pytest.raises(ValueError, match="0"):
        asyncio.run(results())
    assert given_up == [1, 2]
