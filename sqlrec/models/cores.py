"""How many threads a job may use.

Cores come from the limits that do not change while a job runs (cgroup quota, affinity), not from the
load of the moment: the thread count decides the order of floating-point sums, so the same seed gives
the same weights only with the same count.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_cores(environ: Mapping[str, str] | None = None, cgroup: Path = CGROUP) -> int:
    """Threads for this process: ``OMP_NUM_THREADS``, else its share of the cores it may use.

    Cores are those of the affinity mask, limited by the container's CPU quota (cgroup 2 or 1), divided
    among the processes that torchrun started on this machine.
    """
    environ = os.environ if environ is None else environ
    wanted = environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = min(float(allowed), cpu_quota(cgroup))
    return max(1, int(cores / int(environ.get("LOCAL_WORLD_SIZE", "1"))))


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
