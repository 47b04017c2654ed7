"""Small files that are whole or absent, and locks that the death of their holder releases.

State that outlives a process (a job's record, a service's record, the first start of a database) is
written through here. The lock is ``flock``: the kernel drops it when the holder dies, however it dies,
so nobody ever has to clean up a stale lock file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlrec.errors import SetupError


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a refusal of the file system into ``SetupError`` SR703 that names ``path``."""
    try:
        yield
    except OSError as error:
        hint = "check that the folder exists, is writable and has space left"
        raise SetupError("SR703", f"cannot write {path}: {error.strerror or error}", hint=hint) from error


def make_folder(path: Path) -> Path:
    """Create a private folder and its parents; raises ``SetupError`` SR703."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new one. Raises SR703."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with writing(path):
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk, so that nothing which relies on it outlives it in a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path``, waiting for it; threads and processes exclude each other."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("a", encoding="utf-8")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
