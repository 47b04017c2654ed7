"""Cores that others use are left to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sqlrec.models.cores import busy_cores, free_cores


def stat(folder: Path, *ticks: int) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "stat").write_text(f"cpu  {' '.join(map(str, ticks))}\ncpu0 1 2 3\n")
    return folder


@pytest.mark.parametrize(("work", "busy"), [(0, 0), (3, 0), (20, 1), (37, 2), (100, 5)])
def test_busy_cores_are_those_that_worked_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: int, busy: int
) -> None:
    proc, rate = stat(tmp_path / "proc", 100, 0, 50, 900, 10, 1, 2, 3, 0, 0), os.sysconf("SC_CLK_TCK")
    ticks = work * rate // 100

    def later(seconds: float) -> None:
        assert seconds == 0.2
        stat(proc, 100 + ticks - ticks // 2, 0, 50, 1900, 500, 1, 2, 3 + ticks // 2, 0, 0)

    monkeypatch.setattr("time.sleep", later)
    assert busy_cores(proc) == busy
    assert busy_cores(proc) == busy, "asked once"
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(3))
    assert free_cores({}, tmp_path / "absent", proc) == max(1, min(3, 4 - busy))
    assert free_cores({"OMP_NUM_THREADS": "7"}, tmp_path / "absent", proc) == 7


def test_a_system_that_does_not_tell_is_idle(tmp_path: Path) -> None:
    assert busy_cores(tmp_path / "absent") == 0
    assert busy_cores(stat(tmp_path / "short", 1, 2)) == 0
