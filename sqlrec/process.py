"""How our programs end, and how often those that run Airflow look for garbage.

Airflow, MLflow and torch make millions of objects that live as long as the process. With Python's defaults
a third of a short run's time is spent looking for garbage among them, and as much on taking them down one by
one at the end, for an operating system that frees them all at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable

OBJECTS = 10_000
"""New objects until a collection (Python: 700): few enough for what hangs on them, such as tables."""


def collect_seldom() -> None:
    """Look for garbage less often, in a process that makes many objects which are none."""
    gc.set_threshold(OBJECTS, 10, 10)


def whole_process(main: Callable[[], int]) -> int:
    """Call the function that is all of this process, and give its status for ``sys.exit``.

    The process ends as ever: threads are joined and all handlers of ``atexit`` run. What is left out is what
    the interpreter does after them. A function that raises is left to the interpreter.
    """
    ended: list[int] = []

    def leave() -> None:
        if ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended[0])

    atexit.register(leave)  # the first to be registered is the last to be called
    ended.append(main())
    return ended[0]
