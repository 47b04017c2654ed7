"""One optimiser step: Adam on the head and row-wise Adagrad on the embeddings, by one schedule.

Gradients are summed over the processes of the job first, so that all of them take the same step; what they
must agree on besides travels with the dense gradients.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from sqlrec.models.deep.adam import Adam
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.network import Looked, Network
from sqlrec.models.deep.schedule import Schedule
from sqlrec.models.deep.training_options import Training


def schedule_of(training: Training, epoch_steps: int) -> Schedule:
    """The schedule of a training whose epochs have ``epoch_steps`` steps."""
    steps = epoch_steps * training.num_epochs
    return Schedule(
        curve=training.lr_schedule,
        steps=steps,
        epoch_steps=epoch_steps,
        warmup=min(training.warmup_steps or round(training.warmup_ratio * steps), steps),
        final=training.final_lr_ratio,
        decay=training.lr_decay,
    )


class Optimizer:
    """Takes the steps of a :class:`~sqlrec.models.deep.network.Network` in place.

    ``adam`` is the state to go on from; rates and decay are those of ``training`` all the same.
    """

    def __init__(
        self,
        network: Network,
        training: Training,
        group: Group,
        adam: dict[str, Any] | None = None,
    ) -> None:
        self.network, self.training, self.group = network, training, group
        self.adam = Adam(network.head.parameters(), decay=training.dense_weight_decay)
        if adam is not None:
            self.adam.load_state_dict(adam)
        self.set_factor(1.0)

    def set_factor(self, factor: float) -> None:
        """Use this share of the learning rates from now on."""
        self.sparse_lr = self.training.sparse_lr * factor
        self.adam.lr = self.training.dense_lr * factor

    def step(self, loss: Tensor, looked: Looked, flags: tuple[float, ...]) -> tuple[float, ...]:
        """Step along the gradient of ``loss``, this process's part of the batch's mean loss.

        Gives the sums of ``flags`` over all processes.
        """
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        flags = self.group.sum_gradients(self.network.head, flags)
        sparse = looked.gradient()
        if sparse is not None:
            sparse = self.group.sum_rows(*sparse)
        if self.training.max_grad_norm:
            self._clip(sparse[1] if sparse else None)
        self.adam.step()
        if sparse is not None:
            self.network.table.update(*sparse, self.sparse_lr, self.training.sparse_weight_decay)
        return flags

    def _clip(self, sparse: Tensor | None) -> None:
        """Scale all gradients so that the norm of them together is at most ``max_grad_norm``.

        Pascanu et al. 2013.
        """
        gradients = [p.grad for p in self.network.head.parameters() if p.grad is not None]
        if sparse is not None:
            gradients.append(sparse)
        norm = math.sqrt(sum(float(gradient.norm()) ** 2 for gradient in gradients))
        if norm > self.training.max_grad_norm:
            torch._foreach_mul_(gradients, self.training.max_grad_norm / norm)
