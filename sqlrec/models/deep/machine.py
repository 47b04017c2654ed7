"""The machine a training runs on: reduced-precision arithmetic where the CPU has it, and freed memory."""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt."""
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Names of CPU features (x86, then ARM) that mean BF16 arithmetic in hardware."""


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
    if wanted == "AUTO":
        return ("BF16", "") if has_bf16(cpuinfo) else ("", "")
    if wanted == "BF16" and not has_bf16(cpuinfo):
        return "", "mixed_precision BF16: this CPU has no BF16 arithmetic, trained in FP32"
    if wanted == "FP16":
        return "", "mixed_precision FP16 needs a GPU, trained in FP32; CPUs have BF16"
    return wanted, ""


def autocast(precision: str) -> AbstractContextManager[object]:
    """The context that runs dense layers in ``precision``: ``BF16``, or empty for FP32."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if precision == "BF16" else nullcontext()


def keep_freed_memory() -> None:
    """Let the process keep memory that it frees, for the next step needs as much again.

    glibc gives large blocks back to the kernel, and getting them again costs a page fault every 4 KiB: BF16
    steps of 4096 rows are a quarter faster without. Elsewhere nothing happens.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_MMAP_THRESHOLD, 2**30)
