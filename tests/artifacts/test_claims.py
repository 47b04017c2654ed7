"""Folders in use stay, those that a killed process left go, whatever else is there is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlrec.artifacts.claims import Claim, sweep
from tests.abandoned import left_folder

HOLDER = """
import sys
from pathlib import Path
from sqlrec.artifacts.claims import Claim
claim = Claim.of(Path(sys.argv[1]))
print("claimed", flush=True)
sys.stdin.read()
"""


def test_a_folder_goes_when_its_owner_is_dead(tmp_path: Path) -> None:
    folder = left_folder(tmp_path, "rows", "ids")
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
    young, file = left_folder(tmp_path, "young", seconds=10), tmp_path / "file"
    file.write_text("x")
    target = left_folder(tmp_path, "target")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert sweep([young, file, link, tmp_path / "absent"], 60) == []
    assert target.exists()
    assert sweep([left_folder(tmp_path, "written", seconds=1e6)], 60) != []


def test_processes_share_a_claim(tmp_path: Path) -> None:
    folder = left_folder(tmp_path, "states")
    first, second = Claim.of(folder), Claim.of(folder)
    first.release()
    assert sweep([folder], 60) == []
    second.release()
    assert sweep([folder], 60) == [folder]
