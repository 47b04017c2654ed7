"""How much memory a job may use, and how much it used.

The limits that do not change while a job runs decide what is held in memory, not what other programs
have left: the same job does the same thing on the same machine.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc/self")
_UNLIMITED = 1 << 60


def memory_limit(cgroup: Path = CGROUP, proc: Path = PROC) -> int:
    """Bytes of memory that this process may have: the least of its containers' limits and the machine's.

    Containers are cgroups of version 2 or 1.
    """
    return min([_physical(), *(_number(path) for path in _limit_files(cgroup, proc))])


def spare_memory(
    environ: Mapping[str, str] | None = None, limit: Callable[[], int] = memory_limit, proc: Path = PROC
) -> int:
    """Bytes that this process may still take, its rlimits included.

    The limit is divided among the processes that torchrun started on this machine. Pages of files, such as
    those of libraries, do not count: the system takes them back when memory is short.
    """
    processes = int((os.environ if environ is None else environ).get("LOCAL_WORLD_SIZE", "1"))
    spare = limit() // processes - _status(proc, "RssAnon")
    for kind, name in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        soft = resource.getrlimit(kind)[0]
        if soft != resource.RLIM_INFINITY:
            spare = min(spare, soft - _status(proc, name))
    return max(spare, 0)


def peak_memory(proc: Path = PROC) -> int:
    """The most bytes of memory that this program has held at once, files it had mapped included.

    Linux counts per program (``VmHWM``); ``ru_maxrss`` would begin with what the program's parent held.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status(proc, "VmHWM") or (peak if sys.platform == "darwin" else peak * 1024)


def _physical() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _limit_files(cgroup: Path, proc: Path) -> list[Path]:
    """Files with the limits of the groups that this process is in, and of those around them."""
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, name = (
            (cgroup, "memory.max") if not controllers else (cgroup / "memory", "memory.limit_in_bytes")
        )
        inner = Path(place.lstrip("/"))
        files += [root / folder / name for folder in (inner, *inner.parents)]
    return files


def _number(file: Path) -> int:
    try:
        text = file.read_text().strip()
    except OSError:
        return _UNLIMITED
    return int(text) if text.isdigit() else _UNLIMITED


def _status(proc: Path, name: str) -> int:
    """Bytes of a line of ``status`` in kB; 0 where there is none."""
    try:
        lines = (proc / "status").read_text().splitlines()
    except OSError:
        return 0
    found = next((line.split() for line in lines if line.startswith(f"{name}:")), None)
    return int(found[1]) * 1024 if found else 0
