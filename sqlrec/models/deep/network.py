"""What is trained: embedding rows, the head over them, and the goal that says what its outputs mean."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sqlrec.models.deep.embedding import EmbeddingTable, reduce_gradient
from sqlrec.models.deep.goal import Answers, Goal
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.sharded import ShardedTable

SCORING_ROWS = 4096
"""Rows scored at once: activations of a block stay in the CPU's cache (a third faster than 16384)."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The embedding rows of one batch, leaves of the backward pass.

    Row numbers of ``batch`` are those of the table it was looked up in, which may be a borrowed one.
    """

    batch: Rows
    embedded: Tensor
    histories: tuple[tuple[Tensor, Tensor], ...] = ()

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What the head's ``forward`` takes."""
        return self.embedded, self.batch.dense, *(part for history in self.histories for part in history)

    def gradient(self) -> tuple[Tensor, Tensor] | None:
        """Distinct rows of the table [n] and their gradients [n, width]; None when there are none."""
        if self.embedded.grad is None or not self.embedded.shape[1]:
            return None
        gradients = [rows.grad for rows, _ in self.histories]
        return reduce_gradient(
            self.batch.ids,
            self.batch.bags,
            self.embedded.grad,
            [(h, g) for h, g in zip(self.batch.histories, gradients, strict=True) if g is not None],
        )


@dataclass(slots=True)
class Network:
    """A model in training or in use."""

    table: EmbeddingTable | ShardedTable
    head: nn.Module
    goal: Goal

    def look_up(self, batch: Rows) -> Looked:
        """The rows of a batch; with gradients wherever those are being recorded."""
        table, batch = self.table.borrow(batch)
        embedded = table.lookup(batch.ids, batch.bags)
        histories = tuple(map(table.read, batch.histories))
        for rows in (embedded, *(rows for rows, _ in histories)):
            rows.requires_grad_(torch.is_grad_enabled())
        return Looked(batch, embedded, histories)

    def predict(self, rows: Rows) -> Answers:
        """Answers float32 [rows, outputs], in FP32 whatever the training used."""
        starts = range(0, max(len(rows), 1), SCORING_ROWS)
        training = self.head.training
        self.head.eval()
        with torch.inference_mode():
            answers = torch.cat([self._answers(rows.slice(s, s + SCORING_ROWS)) for s in starts]).numpy()
        self.head.train(training)
        return answers

    def _answers(self, rows: Rows) -> Tensor:
        return self.goal.answers(self.head(*self.look_up(rows).inputs))

    @property
    def is_finite(self) -> bool:
        """Whether all weights that this process holds are numbers."""
        head = (bool(weight.isfinite().all()) for weight in self.head.parameters())
        return self.table.is_finite and all(head)
