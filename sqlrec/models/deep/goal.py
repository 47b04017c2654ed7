"""What training works towards: the one thing of the training loop that depends on the kind of model."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows
from sqlrec.models.lookup import load
from sqlrec.spec.model import ModelSpec

Answers = npt.NDArray[np.float32]
"""What a model answers for rows: [rows, outputs], or [rows, outputs, dim] for embeddings."""


class Goal(Protocol):
    """A loss and its measurement."""

    @property
    def metric(self) -> str:
        """Key of :meth:`measure` that early stopping watches; higher is better."""

    def loss(self, outputs: Tensor, batch: Rows, group: Group) -> Tensor:
        """Loss summed over this process's rows of the global batch; ``outputs`` are float32."""

    def answers(self, outputs: Tensor) -> Tensor:
        """What the model answers, from what its head gives."""

    def measure(self, answers: Answers, validation: Rows) -> dict[str, float]:
        """Metrics of validation rows by name; NaN where one is undefined."""


def goal_of(model: ModelSpec) -> Goal:
    """The goal of a model's type."""
    return cast(Goal, load(deep_model(model.type).goal))
