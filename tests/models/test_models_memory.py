"""Limits of memory, as the system tells them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sqlrec.models.memory import memory_limit, peak_memory, spare_memory

GIGA = 1 << 30


def proc(folder: Path, cgroup: str, resident: int = 0) -> Path:
    folder.mkdir()
    (folder / "cgroup").write_text(cgroup)
    (folder / "status").write_text(f"Name:\tx\nRssAnon:\t{resident // 1024} kB\nVmSize:\t1 kB\n")
    return folder


def limit(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


@pytest.mark.parametrize(("inner", "outer", "expected"), [("max", 2, 2), (1, "max", 1), (3, 2, 2)])
def test_the_tightest_of_nested_containers_counts(
    tmp_path: Path, inner: int | str, outer: int | str, expected: int
) -> None:
    for place, value in (("a/b", inner), ("a", outer)):
        text = str(value) if value == "max" else str(int(value) * 1000)
        limit(tmp_path / "cgroup" / place / "memory.max", text)
    assert memory_limit(tmp_path / "cgroup", proc(tmp_path / "self", "0::/a/b\n")) == expected * 1000


def test_the_first_version_of_cgroups_has_limits_too(tmp_path: Path) -> None:
    limit(tmp_path / "cgroup" / "memory" / "job" / "memory.limit_in_bytes", "5000")
    lines = "9:cpu:/other\n4:memory:/job\n0::/\n"
    assert memory_limit(tmp_path / "cgroup", proc(tmp_path / "self", lines)) == 5000


def test_without_limits_it_is_the_memory_of_the_machine(tmp_path: Path) -> None:
    limit(tmp_path / "cgroup" / "memory.max", "max")
    everything = memory_limit(tmp_path / "cgroup", proc(tmp_path / "self", "0::/\n"))
    assert everything == memory_limit(tmp_path / "absent", tmp_path / "absent") > GIGA // 4


def test_processes_of_a_machine_share_what_they_do_not_hold(tmp_path: Path) -> None:
    place = proc(tmp_path / "self", "", resident=GIGA)
    assert spare_memory({"LOCAL_WORLD_SIZE": "4"}, lambda: 8 * GIGA, place) == GIGA
    assert spare_memory({}, lambda: 8 * GIGA, place) == 7 * GIGA
    assert spare_memory({}, lambda: GIGA // 2, place) == 0


def test_rlimits_count_and_the_peak_is_what_was_held() -> None:
    program = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
from sqlrec.models.memory import peak_memory, spare_memory
before = spare_memory()
assert 0 < before < 1 << 30
low = peak_memory()
block = bytearray(b"x" * (100 << 20))
assert before - spare_memory() > 90 << 20, (before, spare_memory())
assert peak_memory() - low > 90 << 20
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert peak_memory() > 1 << 20
