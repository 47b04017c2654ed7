"""What a finished task hands on: a small JSON document, in XCom and in the run's folder.

The file makes a task of a run happen once: a retried task, or a run that is taken up again after a crash,
finds the outcome and does not do the work a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from sqlrec.artifacts.durable import make_folder, write_text
from sqlrec.spec import codec

GONE_SERVICE, GONE_MODEL = "gone_service", "gone_model"
"""Facts that name what is no more after the task: it was dropped, or has another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The first rows of a result, as text, and how many there are in all."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``message`` says what was done, ``facts`` what later tasks and people want to know of it."""

    message: str
    rows: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """Outcomes of one run, one file a task."""

    folder: Path

    def read(self, task_id: str) -> Outcome | None:
        """The outcome of a task that is done; an unreadable file counts as none."""
        try:
            text = self._path(task_id).read_bytes()
        except OSError:
            return None
        try:
            return cast(Outcome, codec.loads(Outcome, text))
        except codec.CodecError:
            return None

    def write(self, task_id: str, outcome: Outcome) -> None:
        """Record that a task is done; raises SR703 when the folder cannot be written."""
        make_folder(self.folder)
        write_text(self._path(task_id), codec.dumps(outcome, indent=2))

    def begin(self, task_id: str) -> None:
        """Note that a task changes the world from here on."""
        make_folder(self.folder)
        write_text(self.folder / f"{task_id}.begun", "")

    def begun(self, task_id: str) -> bool:
        """Whether an earlier try of the task came as far as :meth:`begin`."""
        return (self.folder / f"{task_id}.begun").exists()

    def _path(self, task_id: str) -> Path:
        return self.folder / f"{task_id}.json"
