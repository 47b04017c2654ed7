"""How long a request would wait for its turn: what waits, divided by how fast such work was done lately."""

from __future__ import annotations

REQUEST_COST = 4096
"""What a request counts for beside the bytes of its body."""
WINDOW_SECONDS = 0.05
"""The speed is measured anew over such stretches of work without a pause."""


class Backlog:
    """Requests taken and not answered yet, of one target. Times are those of the monotonic clock.

    Work is counted in bytes of bodies, because rows are known only once a body was read. ``speed`` is 0
    until a stretch of work was long enough to measure it: before that nothing is known, and nothing refused.
    """

    __slots__ = ("_done", "_since", "count", "speed", "waiting")

    def __init__(self) -> None:
        self.count = 0
        self.waiting = 0
        self.speed = 0.0
        self._since = 0.0
        self._done = 0

    @property
    def seconds(self) -> float:
        """How long a request that came now would wait."""
        return self.waiting / self.speed if self.speed and self.count > 1 else 0.0

    def begin(self, body: int, now: float) -> None:
        """A request with a body of so many bytes was taken."""
        if not self.count:
            self._since, self._done = now, 0
        self.count += 1
        self.waiting += body + REQUEST_COST

    def end(self, body: int, now: float, *, done: bool) -> None:
        """It was answered; not ``done`` when nothing was done for it."""
        self.count -= 1
        self.waiting -= body + REQUEST_COST
        if done:
            self._done += body + REQUEST_COST
        busy = now - self._since
        if busy >= WINDOW_SECONDS and self._done:
            measured = self._done / busy
            self.speed = (self.speed + measured) / 2 if self.speed else measured
            self._since, self._done = now, 0
