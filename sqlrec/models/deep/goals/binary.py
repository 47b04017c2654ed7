"""Probabilities of labels 0 and 1: log-loss for one label column or several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from sqlrec.features.encoder import Encoder
from sqlrec.models.deep.goal import Answers, Predict
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows
from sqlrec.models.measuring import metrics
from sqlrec.models.measuring.objectives import Report, report_of
from sqlrec.models.objective import Objective
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec


@dataclass(frozen=True, slots=True)
class Binary:
    """Outputs are logits [batch, labels]; the loss is the sum over labels, rows by their weights."""

    metric: str = "auc"

    def started(self, work: TrainWork, encoder: Encoder) -> Binary:
        """Itself: labels are all it needs."""
        return self

    def loss(self, outputs: Tensor, batch: Rows, group: Group) -> Tensor:
        """Weighted log-loss, in nats."""
        weights = None if batch.weights is None else batch.weights.unsqueeze(1)
        return binary_cross_entropy_with_logits(outputs, batch.labels, weight=weights, reduction="sum")

    def answers(self, outputs: Tensor) -> Tensor:
        """Probabilities [batch, labels]."""
        return torch.sigmoid(outputs)

    def measure(self, answers: Answers, validation: Rows, predict: Predict) -> dict[str, float]:
        """Mean AUC and log-loss over the labels."""
        pairs = [(validation.labels[:, i].numpy(), answers[:, i]) for i in range(answers.shape[1])]
        return {
            "auc": float(np.mean([metrics.auc(labels, scores) for labels, scores in pairs])),
            "logloss": float(np.mean([metrics.logloss(labels, scores) for labels, scores in pairs])),
        }

    def report(self, model: ModelSpec, answers: Answers, validation: Rows, predict: Predict) -> Report:
        """The figures and curves of one label, or of each of several."""
        labels = validation.labels.numpy()
        if labels.shape[1] == 1:
            return report_of(Objective.BINARY, labels[:, 0], (answers[:, 0],))
        return report_of(Objective.BINARY, labels, tuple(answers.T), label_names=model.labels)

    def save(self, folder: Path) -> None:
        """Nothing is kept."""


GOAL = Binary()
