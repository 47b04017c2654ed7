"""A second request where the first is late: the slowest answers are cut, for a few more requests.

The hedged requests of Dean and Barroso, "The Tail at Scale" (2013). A prediction may be asked for twice
without harm.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

SHARE = 0.05
"""Second requests, of all."""
LATE = 2.0
"""Times the 95th percentile that are late."""
RECENT = 100
SAMPLES = 20


class Hedge:
    """Asks a second time when an answer is late. ``made`` counts second requests."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._asked = 0
        self.made = 0

    @property
    def patience(self) -> float | None:
        """Seconds after which an answer is late; None while none may be asked for twice."""
        if len(self._recent) < SAMPLES or self.made + 1 > SHARE * self._asked:
            return None
        return LATE * sorted(self._recent)[int(0.95 * (len(self._recent) - 1))]

    async def ask(self, request: Callable[[], Awaitable[T]], *, twice: bool) -> T:
        """The first answer of one request or, if ``twice``, of two when the first is late.

        The other is given up. A failure counts when there is no answer.
        """
        self._asked += 1
        patience = self.patience if twice else None
        began = self._clock()
        if patience is None:
            answer = await request()
        else:
            answer = await self._race(request, patience)
        self._recent.append(self._clock() - began)
        return answer

    async def _race(self, request: Callable[[], Awaitable[T]], patience: float) -> T:
        tasks = [asyncio.ensure_future(request())]
        try:
            await asyncio.wait(tasks, timeout=patience)
            if not tasks[0].done():
                self.made += 1
                tasks.append(asyncio.ensure_future(request()))
            pending = set(tasks)
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task.exception() is None:
                        return task.result()
            return tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
