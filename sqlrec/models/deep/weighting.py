"""Weights of rows in the loss: by their label, or from a column. Measurements are never weighted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from sqlrec.errors import OptionError
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.training_options import BALANCED, Training
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import roles_of
from sqlrec.spec.job import TrainWork
from sqlrec.spec.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassWeights:
    """What rows with label 0 and with label 1 count."""

    negative: float = 1.0
    positive: float = 1.0

    def applied(self, batch: Rows) -> Rows:
        """The batch with its weights times those of its labels."""
        if self.negative == self.positive == 1.0:
            return batch
        weights = torch.where(batch.labels[:, 0] > 0, self.positive, self.negative)
        return replace(batch, weights=weights if batch.weights is None else weights * batch.weights)


def without_weights(work: TrainWork) -> TrainWork:
    """The work with a model that lacks the ``sample_weight_column``: where declared, it is no feature."""
    features = {name.casefold() for name in roles_of(work.model, work.options).features.names}
    labels = {name.casefold() for name in work.model.labels}
    columns = tuple(c for c in work.model.columns if c.name.casefold() in features | labels)
    return replace(work, model=replace(work.model, columns=Schema(columns)))


def require_one_label(training: Training, objective: Objective, labels: int) -> None:
    """Raise ``OptionError`` SR575 for class weights of a model that has no two classes, or two options."""
    given = {
        "positive_weight": training.positive_weight != 1.0,
        "class_weights": bool(training.class_weights),
    }
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise OptionError(
            "SR575",
            "positive_weight and class_weights both say what labels count",
            hint="keep one of them",
        )
    if names and (objective is not Objective.BINARY or labels != 1):
        raise OptionError(
            "SR575",
            f"{names[0]} is for models of one label of two classes",
            hint="leave it out; sample_weight_column gives rows weights",
        )


def class_weights(training: Training, positive_share: float) -> ClassWeights:
    """The class weights of a training whose rows have label 1 in this share."""
    if training.class_weights == BALANCED:
        return ClassWeights(negative=0.5 / (1 - positive_share), positive=0.5 / positive_share)
    return ClassWeights(positive=training.positive_weight)
