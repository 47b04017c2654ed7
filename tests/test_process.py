"""How a process of ours ends: as any other, less what only takes time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BEGINNING = """
import atexit, sys, threading, time
from sqlrec.process import whole_process

class Kept:
    def __del__(self):
        print("taken down")

kept = Kept()
"""
DRAINED = """
def main():
    atexit.register(print, "handlers are run")
    threading.Thread(target=lambda: (time.sleep(0.3), print("threads are joined"))).start()
    sys.stderr.write("told")
    return 3

sys.exit(whole_process(main))
"""


def ended(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BEGINNING + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_threads_and_handlers_come_to_their_end_and_all_is_told() -> None:
    done = ended(DRAINED)
    assert (done.returncode, done.stderr) == (3, "told")
    assert done.stdout.splitlines() == ["threads are joined", "handlers are run"]


def test_a_function_that_raises_is_left_to_the_interpreter() -> None:
    done = ended("sys.exit(whole_process(lambda: 1 // 0))")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert done.stdout == "taken down\n"


def test_an_exit_of_its_own_keeps_its_status() -> None:
    assert ended("whole_process(lambda: sys.exit(2))").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_cannot_be_written_is_no_success() -> None:
    full = "sys.stdout = open('/dev/full', 'w')\nsys.exit(whole_process(lambda: print('lost') or 0))"
    done = ended(full)
    assert done.returncode != 0
    assert "No space left" in done.stderr
