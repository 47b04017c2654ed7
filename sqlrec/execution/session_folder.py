"""The folder of a session: it goes when the session ends, at the latest when another one begins.

Whoever works in it holds its lock file, which the kernel releases when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlrec.artifacts.durable import make_folder, writing

PREFIX = "session-"
LOCK = "lock"


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make the folder of a session and hold it; folders of sessions that have died are removed.

    Raises ``SetupError`` SR703 when it cannot be written.
    """
    draft = make_folder(folder.with_name(f".{folder.name}"))
    for other in folder.parent.glob(f"{PREFIX}*"):
        _remove_dead(other)
    with writing(draft):
        lock = (draft / LOCK).open("a", encoding="utf-8")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with writing(folder):
            draft.rename(folder)  # held before it has its name, so that nobody takes it for a dead one
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_dead(other: Path) -> None:
    """Remove a folder whose lock nobody holds."""
    try:
        lock = (other / LOCK).open(encoding="utf-8")
    except OSError:
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(other, ignore_errors=True)
