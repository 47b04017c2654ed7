"""States of a training that is under way: what a job that was killed goes on from when it is started again.

They lie beside the output of the job, are whole or absent, and belong to one job over one table: whatever
else is found there is left alone and told. Nothing of them is registered or published. Where the output is
in an object store each is copied there before it counts, so that another machine can go on from it.

Where processes divide the embedding rows, each writes a state with its share, into the folder as its own
machine sees it; the root writes last, so that its state means that all are there. A share that a machine lost
makes the state as good as damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from sqlrec.artifacts.claims import Claim, sweep
from sqlrec.artifacts.durable import sync
from sqlrec.artifacts.scratch import Mirror
from sqlrec.errors import SetupError
from sqlrec.features.encoder import Encoder
from sqlrec.models.controller import Progress
from sqlrec.models.deep.dataset import Dataset
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.training_options import Sharding
from sqlrec.models.pods import SURROUNDINGS
from sqlrec.spec import codec
from sqlrec.spec.job import TrainWork

State = dict[str, Any]
"""Tensors and plain values: what ``torch.load`` reads with ``weights_only``."""

ABANDONED_SECONDS = 7 * 24 * 3600
"""Age at which states of a job that nobody has started again are removed by the next training beside it."""
KEPT = 2
"""States on disk: the newest, and one more for the case that it is damaged."""
FORMAT = 2
SUFFIX = ".pt"
DIVISION = "processes"
"""The mark that says in its own words what it stands for."""


def marks(
    work: TrainWork, encoder: Encoder, data: Dataset, sharding: Sharding, group: Group
) -> dict[str, str]:
    """What a state must have in common with a training to go on with it.

    How many processes there are matters where they divide the embedding rows; it is no part of the job.
    """
    options = {key: value for key, value in work.options.items() if SURROUNDINGS.find(key) is None}
    table = json.dumps([encoder.to_json(), len(data), data.kept_in], sort_keys=True)
    division = "any number of processes"
    if sharding is not Sharding.NONE:
        division = f"{group.size} processes with {sharding} shares"
    return {
        "format": str(FORMAT),
        "job": _digest(codec.dumps(replace(work, options=options))),
        "table": _digest(table),
        DIVISION: division,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class States:
    """The states in ``folder``, which need not exist, of the training with these ``marks``.

    ``group`` are the processes that keep a part each; all of them call a method at once.
    """

    folder: Path
    marks: dict[str, str]
    tell: Progress
    group: Group = Group()
    _mirror: Mirror | None = field(init=False)
    _whole: list[str] = field(default_factory=list, init=False)
    _warned: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._mirror = Mirror.of(self.folder)

    def newest(self) -> State | None:
        """The newest state that can be read, or None; what is damaged or of another training is told."""
        names = self.group.from_root(lambda: sorted(self._names(), reverse=True))
        for name in names:
            state, wrong = self._read(self._path(name))
            wrongs = [*filter(None, self.group.from_all(wrong))]
            if not wrongs:
                self._whole = [name]
                return state
            self.tell(f"warning: {wrongs[0]}")
        return None

    def _read(self, path: Path) -> tuple[State | None, str]:
        """A state, or why it is none of this training."""
        try:
            if self._mirror and not path.exists():
                self._mirror.fetch(path)
            state: State = torch.load(path, map_location="cpu", weights_only=True)
            found = state["marks"]
            other = [name for name, mark in self.marks.items() if found.get(name) != mark]
        except (OSError, KeyError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            return None, f"{path} is damaged and was ignored: {error}"
        if not other:
            return state, ""
        if other[0] == DIVISION:
            return None, f"{path} is of {found[DIVISION]}, not of {self.marks[DIVISION]}, and was ignored"
        return None, f"{path} is of another {other[0]} and was ignored"

    def save(self, state: State, epoch: int, step: int) -> None:
        """Write a state, whole or not at all, in the place of what is older or of no use.

        One that cannot be written costs a warning, not the training.
        """
        name, is_root = f"{epoch:06}-{step:010}", self.group.is_root
        parts = self._all(is_root or self._written(name, state))
        if not self._all(parts and (not is_root or self._written(name, state))):
            with contextlib.suppress(OSError, SetupError):
                self._drop(name)
            return
        self._whole = [name, *(other for other in self._whole if other != name)][:KEPT]
        with contextlib.suppress(OSError, SetupError):
            for old in self._names().difference(self._whole):
                self._drop(old)

    def _drop(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)
        if self._mirror:
            self._mirror.drop(self._path(name).name)

    def _written(self, name: str, state: State) -> bool:
        """Write the part of this process; False when that cannot be done, which is told once."""
        final = self._path(name)
        draft = final.with_name(f"{final.name}.tmp")
        try:
            self.folder.mkdir(exist_ok=True)
            with draft.open("wb") as file:
                torch.save({**state, "marks": self.marks}, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(final)
            sync(self.folder)
            if self._mirror:
                self._mirror.put(final)
        except (OSError, SetupError, RuntimeError) as error:  # the last for a full disk, by torch's writer
            if not self._warned:
                self.tell(f"warning: no state can be written to {self.folder}: {error}")
            self._warned = True
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return False
        return True

    def _all(self, is_done: bool) -> bool:
        return not self.group.sum(torch.tensor([float(not is_done)])).item()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return SUFFIX if self.group.is_root else f"{SUFFIX}.{self.group.rank}"

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """While the training goes on its folder is its own; those that others have abandoned are removed."""
        sweep(_of_states(self.folder.parent.glob(f"*{self.folder.suffix}")), ABANDONED_SECONDS)
        claim = None
        with contextlib.suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            claim = Claim.of(self.folder)
        try:
            yield
        finally:
            if claim:
                claim.release()
            with contextlib.suppress(OSError):
                self.folder.rmdir()  # when there is nothing in it

    def discard(self) -> None:
        """Remove all states."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _names(self) -> set[str]:
        """The states that are there, or the parts of this process."""
        there = {path.name for path in self.folder.glob(f"*{self._suffix}")}
        if self._mirror:
            there |= self._mirror.names()
        return {name.removesuffix(self._suffix) for name in there if name.endswith(self._suffix)}


def _of_states(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders that hold nothing but states."""
    for folder in folders:
        if folder.is_dir() and all(SUFFIX in path.name for path in folder.iterdir()):
            yield folder
