"""What DuckDB spills goes with its database, and with the next process when its own was killed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sqlrec.artifacts.claims import UNCLAIMED_SECONDS
from sqlrec.data.engine import Engine
from sqlrec.data.spill import PREFIX
from sqlrec.errors import SetupError
from sqlrec.spec.table import Relation
from tests.abandoned import aged

SPILLING = """
import sys
from sqlrec.data.engine import Engine
from sqlrec.spec.table import Relation
engine = Engine(threads=2, memory="60MB")
query = "SELECT i, md5(i::VARCHAR) AS h FROM range(800000) t(i) ORDER BY h"
reader = engine.reader(Relation(query=query))
reader.read_next_batch()
print("spilled", flush=True)
sys.stdin.read()
"""


Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start()``: a process that has spilled below the folder of the test, and goes on until told to end."""
    with ExitStack() as stack:

        def begin() -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SPILLING],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "TMPDIR": str(tmp_path)},
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "spilled\n"
            return process

        yield begin


def test_what_a_killed_process_spilled_goes_at_the_next_start(tmp_path: Path, start: Start) -> None:
    killed, alive = start(), start()
    folders = set(tmp_path.glob(f"{PREFIX}*"))
    assert len(folders) == 2
    assert all(any(folder.iterdir()) for folder in folders)
    killed.kill()
    killed.communicate()
    assert set(tmp_path.iterdir()) == folders
    for folder in folders:
        aged(folder, UNCLAIMED_SECONDS + 60)
    other = tmp_path / "sqlrec-else"
    other.mkdir()
    third = start()
    left = set(tmp_path.glob(f"{PREFIX}*"))
    assert len(folders & left) == 1, "that of the process that goes on"
    assert len(left) == 2
    for process in (alive, third):
        process.communicate()
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == [other], "a process that ends takes what is its own along"


def test_a_database_takes_its_folder_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Engine() as engine:
        assert engine.count(Relation(query="SELECT 1")) == 1
        assert len(list(tmp_path.iterdir())) == 1
        engine.close()
        assert list(tmp_path.iterdir()) == []
    forgotten = Engine()
    assert len(list(tmp_path.iterdir())) == 1
    del forgotten
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(SetupError, match=r"SR703.*none"):
        Engine()
