"""What the machine gives to one training process: cores and reduced-precision arithmetic.

Cores come from the limits that do not change while a job runs (cgroup quota, affinity), not from the
load of the moment: the thread count decides the order of floating-point sums, so the same seed gives
the same weights only with the same count.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup")
CPUINFO = Path("/proc/cpuinfo")
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Names of CPU features (x86, then ARM) that mean BF16 arithmetic in hardware."""


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


def has_bf16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the CPU itself computes in BF16; emulated, it is slower than FP32."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = [line.split(":")[1].split() for line in lines if line.lower().startswith(("flags", "features"))]
    return bool(flags) and not BF16_FLAGS.isdisjoint(flags[0])


def precision_for(wanted: str, cpuinfo: Path = CPUINFO) -> tuple[str, str]:
    """The precision to train in for ``mixed_precision = wanted``, and a warning when it is another one."""
    if wanted == "BF16" and not has_bf16(cpuinfo):
        return "", "mixed_precision BF16: this CPU has no BF16 arithmetic, trained in FP32"
    if wanted == "FP16":
        return "", "mixed_precision FP16 needs a GPU, trained in FP32; CPUs have BF16"
    return wanted, ""


def autocast(precision: str) -> AbstractContextManager[object]:
    """The context that runs dense layers in ``precision``: ``BF16``, or empty for FP32."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if precision == "BF16" else nullcontext()
