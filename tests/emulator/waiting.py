"""Waiting for what a cluster does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds after which a test fails: long, because a busy machine is slow and no test waits without need."""


def eventually(check: Callable[[], T], seconds: float = PATIENCE) -> T:
    """The first true value of ``check``, asked again and again; raises when the time is over."""
    end = time.monotonic() + seconds
    while not (value := check()):
        if time.monotonic() > end:
            raise AssertionError(f"still {value!r} after {seconds} s")
        time.sleep(0.03)
    return value
