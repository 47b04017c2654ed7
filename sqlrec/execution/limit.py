"""A limit on the time of some work, by a signal: what stops on Ctrl-C stops on it, jobs and queries too."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sqlrec.errors import SetupError

SHORTEST = 1e-6
"""A timer of 0 seconds would be none."""


class TimeIsUp(BaseException):
    """The time is over. Not an ``Exception``, so that no handler of a library swallows it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeIsUp` in the block when it takes longer; in the main thread only (SR269).

    A timer that runs already (Airflow's, for the time of a task) stays in force when it is due first, and
    goes on afterwards when it is not.
    """
    if threading.current_thread() is not threading.main_thread():
        raise SetupError("SR269", "a time limit works in the main thread only")
    outer = signal.getitimer(signal.ITIMER_REAL)[0]
    if outer and outer <= seconds:
        yield
        return
    began = time.monotonic()
    is_on = True

    def stop(number: int, frame: FrameType | None) -> None:
        if is_on:
            raise TimeIsUp

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, SHORTEST))
        try:
            yield
        finally:
            is_on = False
    finally:
        left = outer - (time.monotonic() - began) if outer else 0.0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, max(left, SHORTEST) if outer else 0)
