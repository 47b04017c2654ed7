"""Small files that are whole or absent, and locks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sqlrec.artifacts.durable import locked, make_folder, write_text
from sqlrec.errors import SetupError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if path.exists():
                seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    texts = {letter * 20_000 for letter in "abc"}
    for _ in range(20):
        for text in texts:
            write_text(path, text)
    done.set()
    reader.join()
    assert seen <= texts
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    inside: list[str] = []

    def work() -> None:
        with locked(tmp_path / "deep" / "lock"):
            inside.append("in")
            time.sleep(0.01)
            inside.append("out")

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == ["in", "out"] * 5


def test_the_death_of_the_holder_frees_the_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from sqlrec.artifacts.durable import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        with locked(tmp_path / "lock"):
            pass


def test_folders_are_private(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a" / "b")
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert make_folder(folder) == folder


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bad = tmp_path / "file" / "x"
    for attempt in (lambda: make_folder(bad), lambda: write_text(bad, "t"), lambda: locked(bad).__enter__()):
        with pytest.raises(SetupError, match="file/x") as caught:
            attempt()
        assert caught.value.code == "SR703"
        assert "writable" in caught.value.hint
