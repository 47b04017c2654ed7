"""Probabilities of labels 0 and 1: log-loss for one label column or several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from sqlrec.models.deep.goal import Answers
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows
from sqlrec.models.measuring import metrics


@dataclass(frozen=True, slots=True)
class Binary:
    """Outputs are logits [batch, labels]; the loss is the sum over labels, rows by their weights."""

    metric: str = "auc"

    def loss(self, outputs: Tensor, batch: Rows, group: Group) -> Tensor:
        """Weighted log-loss, in nats."""
        weights = None if batch.weights is None else batch.weights.unsqueeze(1)
        return binary_cross_entropy_with_logits(outputs, batch.labels, weight=weights, reduction="sum")

    def answers(self, outputs: Tensor) -> Tensor:
        """Probabilities [batch, labels]."""
        return torch.sigmoid(outputs)

    def measure(self, answers: Answers, validation: Rows) -> dict[str, float]:
        """Mean AUC and log-loss over the labels."""
        pairs = [(validation.labels[:, i].numpy(), answers[:, i]) for i in range(answers.shape[1])]
        return {
            "auc": float(np.mean([metrics.auc(labels, scores) for labels, scores in pairs])),
            "logloss": float(np.mean([metrics.logloss(labels, scores) for labels, scores in pairs])),
        }


GOAL = Binary()
