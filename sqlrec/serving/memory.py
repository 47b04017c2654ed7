"""Memory of a model that was unloaded, back to the machine.

Python frees a session with its last reference, but glibc keeps freed blocks for later: after the first large
one it stops taking blocks of that size from the kernel one by one, and then a thread that has loaded a model
keeps as much for good. Where the C library is another one, that is left to it.
"""

from __future__ import annotations

import ctypes
import gc

LARGE = 4 * 1024 * 1024
"""Bytes from which a block is the kernel's own: a model's table is, a batch is not."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def prepare() -> None:
    """For the start of a server's process, when its modules are imported.

    Blocks from ``LARGE`` on go back to the kernel when they are freed. And Python looks for garbage only
    among what is made from now on: going over all modules each time would stop the server for some 50 ms.
    """
    gc.collect()
    gc.freeze()
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, LARGE)
        set_option(_M_TRIM_THRESHOLD, LARGE)


def give_back() -> None:
    """Free what only cycles hold, and the pages that glibc keeps.

    Takes some milliseconds: call it in a thread, after an unload and not for requests.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
