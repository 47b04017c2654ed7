"""Folders as processes leave them that ended long ago."""

from __future__ import annotations

import os
import time
from pathlib import Path


def aged(folder: Path, seconds: float) -> Path:
    """The folder as if nobody had touched it for so long."""
    then = time.time() - seconds
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    return folder


def left_folder(parent: Path, name: str, *files: str, seconds: float = 1e6) -> Path:
    """A folder with files that nobody has touched for so long."""
    folder = parent / name
    folder.mkdir()
    for file in files:
        (folder / file).write_text("x")
    return aged(folder, seconds)
