"""Memory of a model that was unloaded, back to the machine.

Python frees a session with its last reference, but the C library keeps freed pages for later. A server
that is updated often would seem to grow by them.
"""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Free what only cycles hold, and return free pages to the kernel where the C library can (glibc).

    Takes some milliseconds: call it in a thread, after an unload and not for requests.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
