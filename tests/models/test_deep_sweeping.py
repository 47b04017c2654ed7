"""Rows and states of trainings in use stay, those that a killed training left go."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrec.artifacts.claims import UNCLAIMED_SECONDS, sweep
from sqlrec.models.deep.progress import ABANDONED_SECONDS, States
from sqlrec.models.deep.spool import PREFIX, new_folder, sweep_rows
from tests.abandoned import aged, left_folder


def test_rows_left_by_a_killed_training_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = new_folder()
    aged(mine.path, UNCLAIMED_SECONDS + 5)
    left = left_folder(tmp_path, f"{PREFIX}left", "table.arrow", seconds=UNCLAIMED_SECONDS + 5)
    other = left_folder(tmp_path, "sqlrec-else")
    sweep_rows()
    assert mine.path.exists()
    assert other.exists()
    assert not left.exists()
    mine.remove()
    assert not mine.path.exists()


def test_states_of_a_job_that_is_not_started_again_go(tmp_path: Path) -> None:
    job = States(tmp_path / "now.progress", {}, lambda message, done=None: None)
    old = ABANDONED_SECONDS + 60
    state = "000001-0000000004.pt"
    left = left_folder(tmp_path, "left.progress", state, f"{state}.1", seconds=old)
    recent = left_folder(tmp_path, "recent.progress", state, seconds=old - 3600)
    of_others = left_folder(tmp_path, "notes.progress", "notes.txt", seconds=old)
    with job.claimed():
        assert not left.exists()
        assert recent.exists()
        assert of_others.exists()
        assert sweep([aged(job.folder, old)], ABANDONED_SECONDS) == []
        job.save({}, 1, 1)
    assert (job.folder / "000001-0000000001.pt").exists()
    job.discard()
    with job.claimed():
        pass
    assert not job.folder.exists(), "nothing is left when there are no states"
