"""The project a command works in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlrec.errors import SetupError
from sqlrec.settings import PREFIX, Settings, load


@dataclass(slots=True)
class _Chosen:
    folder: Path | None = None


_chosen = _Chosen()


def choose_project(folder: Path | None) -> None:
    """Remember the project of this command line; raises SR704 when there is no such folder."""
    if folder is not None and not folder.is_dir():
        raise SetupError("SR704", f"{folder} is not a folder")
    _chosen.folder = folder


def settings() -> Settings:
    """Settings of the chosen project; ``--project`` goes before ``SQLREC_PROJECT``."""
    if _chosen.folder is None:
        return load()
    return load(environ={**os.environ, f"{PREFIX}PROJECT": str(_chosen.folder)})


def settings_at(folder: Path) -> Settings:
    """Settings of the chosen project; when none is chosen, of the one that a folder belongs to."""
    return settings() if _chosen.folder is not None else load(folder)
