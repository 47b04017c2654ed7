"""The project a command works in."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.errors import SetupError
from sqlrec.settings import PREFIX, Settings, load

if TYPE_CHECKING:
    from sqlrec.execution.call import Call


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


def by_hand(command: str) -> Call:
    """What a command does in the project, as a run of its own; it reports on stderr."""
    from sqlrec.execution.call import Call
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.key import RunKey

    key = RunKey(dag_id=command, run_id=f"manual__{datetime.now(UTC).isoformat()}", task_id=command)
    return Call(
        env=Environment(settings=settings()), key=key, report=lambda line: print(line, file=sys.stderr)
    )
