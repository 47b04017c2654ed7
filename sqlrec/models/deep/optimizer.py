"""One optimiser step: Adam on the head and row-wise Adagrad on the embeddings, by one schedule.

Gradients are summed over the processes of the job first, so that all of them take the same step; what they
must agree on besides travels with the dense gradients. Those of embedding rows that processes divide among
them are summed where the rows are.
"""

from __future__ import annotations

import math
from typing import Any, assert_never

import torch
from torch import Tensor

from sqlrec.models.deep.adam import Adam
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.network import Looked, Network
from sqlrec.models.deep.schedule import Schedule
from sqlrec.models.deep.sharded import ShardedTable
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
        if isinstance(self.network.table, ShardedTable):
            self.network.table.begin(self.sparse_lr)

    def step(self, loss: Tensor, looked: Looked, flags: tuple[float, ...]) -> tuple[float, ...]:
        """Step along the gradient of ``loss``, this process's part of the batch's mean loss.

        Gives the sums of ``flags`` over all processes.
        """
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        flags = self.group.sum_gradients(self.network.head, flags)
        table, sparse = self.network.table, looked.gradient()
        if sparse is not None and isinstance(table, EmbeddingTable):
            sparse = self.group.sum_rows(*sparse)
        if self.training.max_grad_norm:
            self._clip(sparse)
        self.adam.step()
        if sparse is None:
            return flags
        match table:
            case EmbeddingTable():
                table.update(*sparse, self.sparse_lr, self.training.sparse_weight_decay)
            case ShardedTable():
                table.update(*sparse)
            case _:
                assert_never(table)
        return flags

    def _clip(self, sparse: tuple[Tensor, Tensor] | None) -> None:
        """Scale all gradients so that the norm of them together is at most ``max_grad_norm``.

        Pascanu et al. 2013.
        """
        gradients = [p.grad for p in self.network.head.parameters() if p.grad is not None]
        norms = [float(gradient.norm()) for gradient in gradients]
        if sparse is not None:
            table = self.network.table
            norms.append(table.norm(*sparse) if isinstance(table, ShardedTable) else float(sparse[1].norm()))
            gradients.append(sparse[1])
        norm = math.sqrt(sum(value**2 for value in norms))
        if norm > self.training.max_grad_norm:
            torch._foreach_mul_(gradients, self.training.max_grad_norm / norm)
