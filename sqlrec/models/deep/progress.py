"""States of a training that is under way: what a job that was killed goes on from when it is started again.

They lie beside the output of the job, are whole or absent, and belong to one job over one table: whatever
else is found there is left alone and told. Nothing of them is registered or published.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from sqlrec.features.encoder import Encoder
from sqlrec.models.controller import Progress
from sqlrec.models.deep.dataset import Dataset
from sqlrec.spec import codec
from sqlrec.spec.job import TrainWork

State = dict[str, Any]
"""Tensors and plain values: what ``torch.load`` reads with ``weights_only``."""

KEPT = 2
"""States on disk: the newest, and one more for the case that it is damaged."""
FORMAT = 1
SUFFIX = ".pt"


def marks(work: TrainWork, encoder: Encoder, data: Dataset) -> dict[str, str]:
    """What a state must have in common with a training to go on with it."""
    table = json.dumps([encoder.to_json(), len(data), data.kept_in], sort_keys=True)
    return {"job": _digest(codec.dumps(work)), "table": _digest(table), "format": str(FORMAT)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class States:
    """The states in ``folder``, which need not exist, of the training with these ``marks``."""

    folder: Path
    marks: dict[str, str]
    tell: Progress
    _whole: list[Path] = field(default_factory=list, init=False)
    _warned: bool = field(default=False, init=False)

    def newest(self) -> State | None:
        """The newest state that can be read, or None; what is damaged or of another training is told."""
        for path in self._paths():
            try:
                state: State = torch.load(path, map_location="cpu", weights_only=True)
                found = state["marks"]
                other = [name for name, mark in self.marks.items() if found.get(name) != mark]
            except (OSError, KeyError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
                self.tell(f"warning: {path} is damaged and was ignored: {error}")
                continue
            if not other:
                self._whole = [path]
                return state
            self.tell(f"warning: {path} is of another {other[0]} and was ignored")
        return None

    def save(self, state: State, epoch: int, step: int) -> None:
        """Write a state, whole or not at all, in the place of what is older or of no use.

        One that cannot be written costs a warning, not the training.
        """
        final = self.folder / f"{epoch:06}-{step:010}{SUFFIX}"
        draft = final.with_suffix(".tmp")
        try:
            self.folder.mkdir(exist_ok=True)
            with draft.open("wb") as file:
                torch.save({**state, "marks": self.marks}, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(final)
            _sync(self.folder)
            self._whole = [final, *(path for path in self._whole if path != final)][:KEPT]
            for old in set(self._paths()).difference(self._whole):
                old.unlink()
        except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError of torch's writer
            if not self._warned:
                self.tell(f"warning: no state can be written to {self.folder}: {error}")
            self._warned = True
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove all states."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> Iterator[Path]:
        """Whole states, the newest first."""
        yield from sorted(self.folder.glob(f"*{SUFFIX}"), reverse=True)


def _sync(folder: Path) -> None:
    """Make a rename in ``folder`` survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
