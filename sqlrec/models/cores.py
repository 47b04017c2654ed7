"""How many threads a job may use.

Two things decide: limits that do not change while a job runs (affinity, the container's CPU quota), and
how busy those cores are when the job starts. Threads that wait for each other at every operation must all
run at once: with another program on one of two cores a training with two threads was 19 times slower than
with one. The count is taken once, for it also decides the order of floating-point sums: the same seed gives
the same weights only with the same count. So it is recorded with the checkpoint, and ``num_threads`` or
``OMP_NUM_THREADS`` fixes it, which is what to do where equal bytes matter more than speed.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
SAMPLE_SECONDS = 0.2


def free_cores(environ: Mapping[str, str] | None = None, cgroup: Path = CGROUP, proc: Path = PROC) -> int:
    """Threads for this process: ``OMP_NUM_THREADS``, else its share of the free cores.

    Cores are those of the affinity mask, limited by the container's CPU quota (cgroup 2 or 1), or those of
    the machine that others leave idle when this is first asked, divided among the processes that torchrun
    started on this machine.
    """
    environ = os.environ if environ is None else environ
    given = environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    machine = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    cores = min(float(allowed), cpu_quota(cgroup), machine - busy_cores(proc))
    return max(1, int(cores / int(environ.get("LOCAL_WORLD_SIZE", "1"))))


@functools.cache
def busy_cores(proc: Path = PROC) -> int:
    """Cores of the machine that are in use, found once, while this thread sleeps :data:`SAMPLE_SECONDS`.

    What counts is now, not the load average: that still shows the job before this one. 0 where the system
    does not tell.
    """
    try:
        before = _busy_ticks(proc)
        time.sleep(SAMPLE_SECONDS)
        ticks = _busy_ticks(proc) - before
    except (OSError, ValueError, IndexError):
        return 0
    return round(ticks / os.sysconf("SC_CLK_TCK") / SAMPLE_SECONDS)


def _busy_ticks(proc: Path) -> int:
    """Clock ticks that all cores have worked, or that other virtual machines took from them."""
    user, nice, system, _idle, _wait, *others = map(
        int, (proc / "stat").read_text().split("\n")[0].split()[1:9]
    )
    return user + nice + system + sum(others)


def cpu_quota(cgroup: Path = CGROUP) -> float:
    """CPU limit of the container in cores; infinite when there is none."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return float("inf")
    return int(quota) / int(period) if quota.isdigit() else float("inf")
