"""When the event loop looks at its sockets once more: before a batch is scored, and before it goes to sleep.

Clients that were answered together ask together: what is on its way is worth another look, or they would be
two batches. And a client that is alone, and asks again as soon as it is answered, finds the loop awake:
putting a processor to sleep and waking it up takes as long as answering. It is the halt polling of
hypervisors: one request that came soon is reason enough to wait for the next one awake, for as long as
"soon" means, and one that did not come ends it. So it costs a quiet server nothing.
"""

from __future__ import annotations

import asyncio
import time

LOOKS = 3
"""At the sockets until a batch is scored, if each brings more."""
LOOK_BYTES = 8 * 1024
"""Bodies of that size are enough for a call of the model."""
SOON_SECONDS = 0.0001
"""From an answer to the next request, of a client that does nothing else."""


class Looking:
    """Decides for one :class:`sqlrec.serving.quick.Quick`. All methods belong to the event loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen = 0
        self._looks = 0
        self._last = 1  # requests of the last batch
        self._answered = 0.0
        self._until = 0.0
        self._is_awake = False

    def is_settled(self, due: int, size: int) -> bool:
        """Whether ``due`` requests with ``size`` bytes of bodies are worth scoring without another look."""
        if due > self._seen and due + self._last > 2 and self._looks < LOOKS and size < LOOK_BYTES:
            self._seen = due
            self._looks += 1
            return False
        self._seen = self._looks = 0
        self._last = due
        return True

    def answered(self, requests: int, came: float, now: float) -> None:
        """``requests`` got their answers ``now``; the first of them came at ``came``."""
        is_soon = came - self._answered < SOON_SECONDS
        self._answered = now
        if requests > 1 or not is_soon:
            self._until = 0.0
            return
        self._until = now + SOON_SECONDS
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._stay_awake)

    def _stay_awake(self) -> None:
        self._is_awake = time.monotonic() < self._until
        if self._is_awake:
            self._loop.call_soon(self._stay_awake)
