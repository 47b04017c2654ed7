"""The embedded database: made once, whole, by whoever comes first.

MLflow creates its schema by some fifty migrations that are neither locked nor transactional on SQLite:
processes that start together break the file for good, and so does a kill in the middle. Here the schema
is made in a file of its own under a lock and renamed when complete.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlrec.artifacts.durable import locked, make_folder, writing
from sqlrec.errors import SetupError

PREFIX = "sqlite:///"


def ensure_database(path: Path, create: Callable[[Path], None]) -> None:
    """Make the database at ``path`` exist. ``create`` fills a new file with the schema.

    Raises ``SetupError`` SR703 when the place cannot be written, SR711 when the file is no database.
    """
    if is_present(path):
        check(path)
        return
    make_folder(path.parent)
    with locked(path.with_name(f"{path.name}.lock")):
        if is_present(path):
            return
        draft = path.with_name(f"{path.name}.new")
        with writing(path):
            for leftover in path.parent.glob(f"{draft.name}*"):
                leftover.unlink()
        create(draft)
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with writing(path):
            draft.replace(path)


def is_present(path: Path) -> bool:
    """Whether the file is there; an empty one counts as absent."""
    try:
        return path.stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False


def check(path: Path) -> None:
    """Raise ``SetupError`` SR711 when the file is no SQLite database or cannot be opened."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT name FROM sqlite_master LIMIT 1")
    except sqlite3.Error as error:
        raise broken(path, str(error)) from error


def broken(path: Path, reason: str) -> SetupError:
    """The error of a database that cannot be used."""
    return SetupError(
        "SR711",
        f"the registry's database {path} cannot be used: {reason}",
        hint="restore it from a backup, or move it away to start with an empty registry",
    )
