"""How many requests may be in flight: found out, not guessed, by additive increase, multiplicative decrease.

A service that is overloaded says so (429, 503), falls silent, or slows down. The limit is halved on the
first two and lowered a little on the third, once for all requests that were on their way, and grows by
one for every round of answers (Chiu and Jain, 1989, as TCP does).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

OVERLOADED = 0.5
SLOWED = 0.9
SLOW = 4.0
"""Times the usual latency that count as slowing down."""
SAMPLES = 16
"""Answers after which there is a usual latency."""
MEMORY = 0.1
"""Weight of the newest answer in the usual latency."""


class AdaptiveLimit:
    """At most ``most`` requests in flight, fewer while the service cannot keep up. For one event loop.

    ``clock`` gives seconds. Between :meth:`enter` and :meth:`leave` a request is in flight.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._allowed = float(most)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._answers = 0
        self._usual = 0.0
        self._lowered = float("-inf")

    @property
    def allowed(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._allowed))

    @property
    def calm(self) -> bool:
        """Whether the service keeps up with all that may be asked."""
        return self.allowed == self._most

    async def enter(self) -> float:
        """Wait for a turn, first come first served; when it came."""
        if self._waiting or self._in_flight >= self.allowed:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # its turn had come
                    self.leave()
                raise
        else:
            self._in_flight += 1
        return self._clock()

    def leave(self) -> None:
        """End a turn."""
        self._in_flight -= 1
        self._admit()

    def answered(self, began: float) -> None:
        """A request that began then has its answer."""
        latency = self._clock() - began
        slow = self._answers >= SAMPLES and latency > SLOW * self._usual
        self._answers += 1
        weight = max(MEMORY, 1 / self._answers)
        self._usual += weight * (latency - self._usual)
        if slow:
            self._lower(SLOWED, began)
        elif 2 * self._in_flight >= self.allowed:  # else nobody needs more
            self._allowed = min(self._most, self._allowed + 1 / self._allowed)

    def overloaded(self, began: float) -> None:
        """A request that began then was refused, or never answered, because there are too many."""
        self._lower(OVERLOADED, began)

    def _lower(self, factor: float, began: float) -> None:
        """Lower the limit, unless it was since ``began``: such a request tells nothing about the new one."""
        if began >= self._lowered:
            self._allowed = max(1.0, self._allowed * factor)
            self._lowered = self._clock()

    def _admit(self) -> None:
        while self._waiting and self._in_flight < self.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
