"""The project a command works in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlrec.errors import SetupError
from sqlrec.settings import Settings, load


@dataclass(slots=True)
class _Chosen:
    folder: Path | None = None
    debug: bool = False


_chosen = _Chosen()


def choose_project(folder: Path | None, *, debug: bool) -> None:
    """Remember the global options of this command line."""
    if folder is not None and not folder.is_dir():
        raise SetupError("SR704", f"{folder} is not a folder")
    _chosen.folder, _chosen.debug = folder, debug


def is_debug() -> bool:
    """Whether ``--debug`` was given."""
    return _chosen.debug


def settings() -> Settings:
    """Settings of the chosen project."""
    return load(_chosen.folder)
