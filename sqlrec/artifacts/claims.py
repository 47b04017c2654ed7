"""Folders of processes that go on, and those of processes that ended without cleaning up after themselves.

A process holds a lock on each folder that it uses, which the kernel drops when it dies, however it dies. So a
folder without a lock has no owner; process ids would say nothing where containers share a disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

UNCLAIMED_SECONDS = 60
"""Age at which a folder without an owner is one that was left: younger ones may be just being made."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A folder in use until this is released; ``lock`` is an open file, below 0 when there is none."""

    path: Path
    lock: int

    @classmethod
    def of(cls, path: Path) -> Claim:
        """A claim on a folder that is there; processes may share one. On a disk without locks it is void."""
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return cls(path, -1)
        return cls(path, lock)

    @classmethod
    def temporary(cls, prefix: str) -> Claim:
        """A claim on a new folder below TMPDIR; raises ``OSError``."""
        return cls.of(Path(tempfile.mkdtemp(prefix=prefix)))

    def release(self) -> None:
        """Give up the folder; called once."""
        if self.lock >= 0:
            os.close(self.lock)

    def remove(self) -> None:
        """Remove the folder and give it up; called once."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


def sweep(folders: Iterable[Path], seconds: float) -> list[Path]:
    """Remove folders that no process claims and that nobody has changed for some seconds; gives them.

    What is somebody else's, or on a disk without locks, stays.
    """
    removed = []
    for folder in folders:
        with contextlib.suppress(OSError):
            if time.time() - _changed(folder) < seconds:
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed.append(folder)
            finally:
                os.close(lock)
    return removed


def sweep_temporary(prefix: str) -> None:
    """Remove what processes that were killed have left below TMPDIR."""
    sweep(Path(tempfile.gettempdir()).glob(f"{prefix}*"), UNCLAIMED_SECONDS)


def _changed(folder: Path) -> float:
    """When the folder or a file in it was last written."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
