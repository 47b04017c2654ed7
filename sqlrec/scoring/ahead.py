"""Work on several things at once, with results in the order of the things."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def in_order(
    items: AsyncGenerator[Item, None], work: Callable[[Item], Coroutine[Any, Any, Result]], at_once: int
) -> AsyncGenerator[tuple[Item, Result], None]:
    """Each item and what ``work`` makes of it, in the order of ``items``; ``at_once`` are worked on at most.

    Whatever ends this early, an error of ``work`` too, gives up the work that is under way.
    """
    window: deque[tuple[Item, asyncio.Task[Result]]] = deque()
    try:
        async with aclosing(items):
            async for item in items:
                window.append((item, asyncio.create_task(work(item))))
                if len(window) == at_once:
                    first, task = window.popleft()
                    yield first, await task
            while window:
                first, task = window.popleft()
                yield first, await task
    finally:
        for _, task in window:
            task.cancel()
        await asyncio.gather(*(task for _, task in window), return_exceptions=True)
