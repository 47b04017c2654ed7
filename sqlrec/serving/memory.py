"""Memory of a model that was unloaded, back to the machine.

Python frees a session with its last reference, but glibc keeps freed blocks for later: after the first large
one it stops taking blocks of that size from the kernel one by one, and then a thread that has loaded a model
keeps as much for good. Both calls do nothing where the C library is another one.
"""

from __future__ import annotations

import ctypes
import gc

LARGE = 4 * 1024 * 1024
"""Bytes from which a block is the kernel's own: a model's table is, a batch is not."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def hold_no_large_blocks() -> None:
    """Have blocks from ``LARGE`` on go back to the kernel when they are freed: for a process's start."""
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
