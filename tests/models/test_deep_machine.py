"""Cores and precision from what the machine says about itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sqlrec.models.cores import cpu_quota, free_cores
from sqlrec.models.deep.machine import autocast, has_bf16, precision_for


def test_omp_num_threads_decides() -> None:
    assert free_cores({"OMP_NUM_THREADS": "3"}) == 3


@pytest.mark.parametrize("text", ["", "0", "many"])
def test_a_useless_omp_num_threads_is_passed_over(text: str, tmp_path: Path) -> None:
    assert free_cores({"OMP_NUM_THREADS": text}, tmp_path, tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("content", "cores"), [("150000 100000", 1.5), ("max 100000", float("inf"))])
def test_quota_of_cgroup_2(tmp_path: Path, content: str, cores: float) -> None:
    (tmp_path / "cpu.max").write_text(content + "\n")
    assert cpu_quota(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("50000", 0.5), ("-1", float("inf"))])
def test_quota_of_cgroup_1(tmp_path: Path, quota: str, cores: float) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert cpu_quota(tmp_path) == cores


def test_no_cgroup_is_no_limit(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) == float("inf")


def test_processes_of_one_machine_share_its_cores_and_have_at_least_one(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000")
    assert free_cores({}, tmp_path) == 1
    assert free_cores({"LOCAL_WORLD_SIZE": "64"}, tmp_path) == 1


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("flags\t\t: fpu avx512_bf16 sse", True),
        ("flags\t\t: fpu avx512_bf16x sse", False),
        ("Features\t: fp asimd bf16", True),
        ("model name: bf16", False),
    ],
)
def test_bf16_is_read_from_the_cpu_flags(tmp_path: Path, line: str, has: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\n{line}\n")
    assert has_bf16(cpuinfo) == has
    precision, warning = precision_for("BF16", cpuinfo)
    assert (precision, bool(warning)) == (("BF16", False) if has else ("", True))
    assert precision_for("AUTO", cpuinfo) == (precision, "")


def test_fp16_is_refused_with_a_warning_and_nothing_asked_is_fp32(tmp_path: Path) -> None:
    assert precision_for("FP16")[0] == ""
    assert "GPU" in precision_for("FP16")[1]
    assert precision_for("") == ("", "")
    assert not has_bf16(tmp_path / "absent")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is told")
def test_freed_memory_is_kept() -> None:
    """In a process of its own: what is told to the allocator stays for the rest of it."""
    script = """
import resource, torch
from sqlrec.models.deep.machine import keep_freed_memory
keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.ones(1 << 20) for _ in range(30)]
    del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults(), faults() + faults() + faults())
"""
    environ = {k: v for k, v in os.environ.items() if k != "THP_MEM_ALLOC_ENABLE"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    first, again = map(int, done.stdout.split())
    assert again < first / 2


def test_autocast_changes_the_arithmetic_of_a_layer() -> None:
    layer = torch.nn.Linear(2, 2)
    with autocast("BF16"):
        assert layer(torch.ones(1, 2)).dtype is torch.bfloat16
    with autocast(""):
        assert layer(torch.ones(1, 2)).dtype is torch.float32
