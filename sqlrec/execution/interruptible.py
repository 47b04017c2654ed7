"""Work in C code that a signal does not reach, made stoppable.

Python runs signal handlers between two of its own instructions, so Ctrl-C or the termination of a task
would wait for the end of a query. The query therefore runs in a thread, and the main thread, which can be
interrupted, waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
AGAIN_SECONDS = 0.1


def interruptible(work: Callable[[], T], stop: Callable[[], None]) -> T:
    """What ``work()`` gives or raises. When this is interrupted, ``stop()`` is called until it has ended."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            return running.result()
        except BaseException:
            while not running.done():
                stop()
                wait([running], AGAIN_SECONDS)
            raise
