"""Folders in use stay, those that a killed training left go, whatever else is there is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sqlrec.models.deep.claims import Claim, sweep
from sqlrec.models.deep.progress import ABANDONED_SECONDS, States
from sqlrec.models.deep.spool import PREFIX, UNCLAIMED_SECONDS, new_folder, sweep_rows

HOLDER = """
import sys
from pathlib import Path
from sqlrec.models.deep.claims import Claim
claim = Claim.of(Path(sys.argv[1]))
print("claimed", flush=True)
sys.stdin.read()
"""


def _aged(folder: Path, seconds: float) -> Path:
    """The folder as if nobody had touched it for so long."""
    then = time.time() - seconds
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    return folder


def _made(parent: Path, name: str, *files: str, seconds: float = 1e6) -> Path:
    folder = parent / name
    folder.mkdir()
    for file in files:
        (folder / file).write_text("x")
    return _aged(folder, seconds)


def test_a_folder_goes_when_its_owner_is_dead(tmp_path: Path) -> None:
    folder = _made(tmp_path, "rows", "ids")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "claimed\n"
    assert sweep([folder], 60) == []
    holder.kill()
    holder.communicate()
    assert sweep([folder], 60) == [folder]
    assert not folder.exists()


def test_what_is_new_or_no_folder_stays(tmp_path: Path) -> None:
    young, file = _made(tmp_path, "young", seconds=10), tmp_path / "file"
    file.write_text("x")
    target = _made(tmp_path, "target")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert sweep([young, file, link, tmp_path / "absent"], 60) == []
    assert target.exists()
    assert sweep([_made(tmp_path, "written", seconds=1e6)], 60) != []


def test_processes_share_a_claim(tmp_path: Path) -> None:
    folder = _made(tmp_path, "states")
    first, second = Claim.of(folder), Claim.of(folder)
    first.release()
    assert sweep([folder], 60) == []
    second.release()
    assert sweep([folder], 60) == [folder]


def test_rows_left_by_a_killed_training_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = new_folder()
    _aged(mine.path, UNCLAIMED_SECONDS + 5)
    left = _made(tmp_path, f"{PREFIX}left", "table.arrow", seconds=UNCLAIMED_SECONDS + 5)
    other = _made(tmp_path, "sqlrec-else")
    sweep_rows()
    assert mine.path.exists()
    assert other.exists()
    assert not left.exists()
    mine.remove()
    assert not mine.path.exists()


def test_states_of_a_job_that_is_not_started_again_go(tmp_path: Path) -> None:
    job = States(tmp_path / "now.progress", {}, lambda message, done=None: None)
    old = ABANDONED_SECONDS + 60
    left = _made(tmp_path, "left.progress", "000001-0000000004.pt", "000001-0000000004.pt.1", seconds=old)
    recent = _made(tmp_path, "recent.progress", "000001-0000000004.pt", seconds=old - 3600)
    of_others = _made(tmp_path, "notes.progress", "notes.txt", seconds=old)
    with job.claimed():
        assert not left.exists()
        assert recent.exists()
        assert of_others.exists()
        assert sweep([_aged(job.folder, old)], ABANDONED_SECONDS) == []
        job.save({}, 1, 1)
    assert (job.folder / "000001-0000000001.pt").exists()
    job.discard()
    with job.claimed():
        pass
    assert not job.folder.exists(), "nothing is left when there are no states"
