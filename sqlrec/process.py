"""How our programs begin and end: Python collects garbage seldom in them, and they do not tidy up memory.

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

THRESHOLDS = (50_000, 20, 100)
"""Objects until a collection, and collections until a larger one (Python's: 700, 10, 10)."""


def whole_process(main: Callable[[], int]) -> int:
    """Call the function that is all of this process, and give its status for ``sys.exit``.

    The process ends as ever: threads are joined and all handlers of ``atexit`` run. What is left out is what
    the interpreter does after them. A function that raises is left to the interpreter.
    """
    gc.set_threshold(*THRESHOLDS)
    ended: list[int] = []

    def leave() -> None:
        if ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended[0])

    atexit.register(leave)  # the first to be registered is the last to be called
    ended.append(main())
    return ended[0]
