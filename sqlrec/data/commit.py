"""Changing the files of a table in one step, so that neither a kill nor a reader meets half a change.

A writer stages files under ``<table>/_tmp/<key>/``. Renaming ``COMMIT.json`` into that folder *is* the
commit: it lists what appears and what disappears. From then on anybody who comes to the table, the
writer itself or after a kill the next reader or writer, carries the list out, and carrying it out
twice does no harm. A lock on the table's folder keeps readers from listing files while that happens; it
belongs to the process, so a killed one holds nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlrec.artifacts.durable import sync, write_text
from sqlrec.errors import SetupError, StateError
from sqlrec.spec.table import TableFormat

STAGE = "_tmp"
COMMIT = "COMMIT.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Relative paths: ``add`` are staged and appear in the table, ``remove`` disappear from it."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


def suffixes(format: TableFormat) -> tuple[str, ...]:
    """Endings of the data files in a table's folder; files with others are left alone."""
    return (".csv", ".csv.gz") if format is TableFormat.CSV else (".parquet",)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is no data of a table: names with a leading ``_`` or ``.``."""
    return name.startswith(("_", "."))


def walk(root: Path, format: TableFormat) -> list[Path]:
    """All data files below a table's folder, in sorted order."""
    endings = suffixes(format)
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not is_hidden(f))
        found += [Path(folder, n) for n in files if n.endswith(endings) and not is_hidden(n)]
    return sorted(found)


def listing(root: Path, format: TableFormat) -> list[Path]:
    """The data files of a table between two changes, after finishing one that was left half done."""
    with locked(root, exclusive=False):
        if not _pending(root):
            return walk(root, format)
    with locked(root, exclusive=True):
        finish(root)
        return walk(root, format)


@contextmanager
def locked(root: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the table's lock: readers share it, a writer has it alone."""
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def commit(root: Path, key: str, change: Change) -> None:
    """Make a staged change, under the exclusive lock."""
    stage = root / STAGE / key
    for name in change.add:
        sync(stage / name)
    write_text(stage / COMMIT, json.dumps({"add": change.add, "remove": change.remove}))
    sync(stage)
    _apply(root, stage)


def finish(root: Path) -> None:
    """Carry out committed changes that a killed process left, under the exclusive lock."""
    for stage in _pending(root):
        try:
            _apply(root, stage)
        except OSError as error:
            raise SetupError(
                "SR703",
                f"a write to {root} was cut off and cannot be finished: {error}",
                hint="give this user the right to write there, or run the writing step again",
            ) from None


def _pending(root: Path) -> list[Path]:
    return sorted(p.parent for p in (root / STAGE).glob(f"*/{COMMIT}"))


def _apply(root: Path, stage: Path) -> None:
    change = json.loads((stage / COMMIT).read_text(encoding="utf-8"))
    for name in change["add"]:
        if (stage / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).replace(root / name)
    for name in change["remove"]:
        (root / name).unlink(missing_ok=True)
        _remove_empty((root / name).parent, root)
    sync(root)
    _remove(root, stage)


def begin(root: Path, key: str) -> int:
    """An empty staging folder for ``key``, and the lock on it, which lasts until :func:`discard`.

    ``StateError`` SR409 when another live process writes to the table under the same key.
    """
    stage = root / STAGE / key
    with locked(root, exclusive=True):
        finish(root)
        stage.mkdir(parents=True, exist_ok=True)
        handle = os.open(stage, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise StateError(
                "SR409",
                f"{root} is being written by another run of the same step",
                hint="wait for it, or stop it, then run this step again",
            ) from None
        _clear(stage)
    return handle


def discard(root: Path, key: str, handle: int) -> None:
    """Delete what is still staged under ``key`` and let its lock go."""
    stage = root / STAGE / key
    with locked(root, exclusive=True):
        try:
            if stage.is_dir() and _is_open(stage, handle):
                _remove(root, stage)
        finally:
            os.close(handle)


def _is_open(stage: Path, handle: int) -> bool:
    """Whether the folder is the one that ``handle`` opened: another run may have made its own since."""
    return os.path.samestat(stage.stat(), os.fstat(handle))


def _remove(root: Path, stage: Path) -> None:
    _clear(stage)
    _remove_empty(stage, root)


def _clear(stage: Path) -> None:
    """Empty a staging folder; the commit goes first, so that nobody carries out a part of it."""
    (stage / COMMIT).unlink(missing_ok=True)
    for path in stage.iterdir() if stage.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and its parents below ``root`` as far as they are empty."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
