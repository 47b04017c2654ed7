"""What training works towards: the one thing of the training loop that depends on the kind of model.

A goal as its type names it can say what a model answers. :meth:`Goal.started` makes the goal of one training,
which may hold what it found in the tables, and only that one has a loss and measures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sqlrec.features.encoder import Encoder
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows
from sqlrec.models.lookup import load
from sqlrec.models.measuring.objectives import Report
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec

Answers = npt.NDArray[np.float32]
"""What a model answers for rows: [rows, outputs], or [rows, outputs, dim] for embeddings."""

Predict = Callable[[Rows], Answers]
"""Asks the model that is measured."""


class Goal(Protocol):
    """A loss and its measurement."""

    @property
    def metric(self) -> str:
        """Key of :meth:`measure` that early stopping watches; higher is better."""

    def started(self, work: TrainWork, encoder: Encoder) -> Goal:
        """The goal of one training; called on the root process, which gives it to the others."""

    def loss(self, outputs: Tensor, batch: Rows, group: Group) -> Tensor:
        """Loss summed over this process's rows of the global batch; ``outputs`` are float32."""

    def answers(self, outputs: Tensor) -> Tensor:
        """What the model answers, from what its head gives."""

    def measure(self, answers: Answers, validation: Rows, predict: Predict) -> dict[str, float]:
        """Metrics of validation rows by name, cheap enough for every epoch; NaN where one is undefined."""

    def report(self, model: ModelSpec, answers: Answers, validation: Rows, predict: Predict) -> Report:
        """All that is measured of the trained model."""

    def save(self, folder: Path) -> None:
        """Write what the checkpoint keeps of this goal beside its weights."""


def goal_of(model: ModelSpec) -> Goal:
    """The goal of a model's type."""
    return cast(Goal, load(deep_model(model.type).goal))
