"""One fused table for all embeddings, with a sparse row-wise Adagrad that touches a batch's rows only.

All categorical columns share one tensor (the encoder gives each its own range of rows), so a batch
is one gather, and one row carries deep vector and wide weight together. The optimiser keeps one
accumulator a row (row-wise Adagrad, as in FBGEMM and TorchRec) instead of one a weight: a step costs
the same whether the table has a thousand rows or a hundred million.

A multi-valued column (a bag) is the mean of the rows of its values; an empty bag is all zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from sqlrec.models.deep.rows import Rows

INITIAL_STD = 0.05
"""Smaller values learn interactions late (0.01: -0.005 AUC after one epoch of MovieLens-1M)."""
EPSILON = 1e-10


@dataclass(slots=True)
class EmbeddingTable:
    """``weight`` float32 [rows, width] (last entry: wide weight), ``accumulator`` float32 [rows]."""

    weight: Tensor
    accumulator: Tensor

    @classmethod
    def new(cls, rows: int, width: int, seed: int) -> EmbeddingTable:
        """Small random deep vectors, wide weights zero."""
        generator = torch.Generator().manual_seed(seed)
        weight = torch.empty(rows, width).normal_(std=INITIAL_STD, generator=generator)
        weight[:, -1] = 0
        return cls(weight, torch.zeros(rows))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All that changes in training, sharing its memory."""
        return {"weight": self.weight, "accumulator": self.accumulator}

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a copy of :attr:`tensors`."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])

    @property
    def is_finite(self) -> bool:
        """Whether all entries are numbers."""
        return bool(self.weight.isfinite().all())

    def extended(self, origin: Tensor, is_new: Tensor) -> EmbeddingTable:
        """A table whose row ``i`` is a copy of row ``origin[i]``, with a new accumulator where ``is_new``."""
        accumulator = self.accumulator[origin]
        accumulator[is_new] = 0
        return EmbeddingTable(self.weight[origin], accumulator)

    def borrow(self, batch: Rows) -> tuple[EmbeddingTable, Rows]:
        """The table that a batch's row numbers are of: this one."""
        return self, batch

    def lookup(self, ids: Tensor, bags: Sequence[Tensor]) -> Tensor:
        """Rows [batch, slots + bags, width] of ``ids`` [batch, slots] and ``bags`` (-1: no value)."""
        width = self.weight.shape[1]
        single = self.weight.index_select(0, ids.reshape(-1)).view(*ids.shape, width)
        if not bags:
            return single
        return torch.cat((single, *(self._pool(bag).unsqueeze(1) for bag in bags)), dim=1)

    def read(self, history: Tensor) -> tuple[Tensor, Tensor]:
        """Rows [batch, length, columns, width] of ``history`` [batch, length, columns], and where they are.

        The row of no value (-1) is all zeros. The second tensor, float32 [batch, length], is 1 where any of
        the columns has a value. The length is that of the batch's longest history, at least 1.
        """
        present = (history >= 0).any(dim=2)
        used = present.any(dim=0).nonzero()
        length = int(used.max()) + 1 if len(used) else 1
        history = history[:, :length]
        flat = self.weight.index_select(0, history.clamp(min=0).reshape(-1))
        rows = flat.view(*history.shape, self.weight.shape[1])
        return rows * (history >= 0).unsqueeze(3), present[:, :length].float()

    def _pool(self, bag: Tensor) -> Tensor:
        values, counts = _values(bag)
        return embedding_bag(values, self.weight, counts.cumsum(0) - counts, mode="mean")

    def update(self, rows: Tensor, gradient: Tensor, learning_rate: float, decay: float = 0.0) -> None:
        """One Adagrad step for distinct ``rows`` [n] with their summed ``gradient`` [n, width].

        Duchi et al. 2011, with the mean square of a row's gradient as the row's one accumulator. ``decay``
        takes its share times the learning rate away from each weight of the rows first.
        """
        rows = rows.long()  # index_add_ and indexing are several times slower with int32
        total = self.accumulator.index_select(0, rows).add_(gradient.square().mean(dim=1))
        self.accumulator.index_copy_(0, rows, total)
        step = -learning_rate / total.sqrt_().add_(EPSILON)
        change = gradient * step.unsqueeze(1)
        if decay:
            change.sub_(self.weight.index_select(0, rows), alpha=learning_rate * decay)
        self.weight.index_add_(0, rows, change)


def reduce_gradient(
    ids: Tensor,
    bags: Sequence[Tensor],
    gradient: Tensor,
    histories: Sequence[tuple[Tensor, Tensor]] = (),
) -> tuple[Tensor, Tensor]:
    """Distinct rows a batch touched [n] and the sum of their gradients [n, width].

    ``gradient`` [batch, slots + bags, width] is that of :meth:`EmbeddingTable.lookup`'s result, and
    ``histories`` are those that were read, each with the gradient of :meth:`EmbeddingTable.read`'s rows.
    """
    width, slots = gradient.shape[2], ids.shape[1]
    rows, parts = [ids.reshape(-1)], [gradient[:, :slots].reshape(-1, width)]
    sources, start = [torch.arange(rows[0].numel())], rows[0].numel()
    for position, bag in enumerate(bags, start=slots):
        values, counts = _values(bag)
        rows.append(values)
        parts.append(gradient[:, position] / counts.clamp(min=1).unsqueeze(1))
        sources.append(torch.repeat_interleave(torch.arange(start, start + len(bag)), counts))
        start += len(bag)
    for history, spread in histories:
        history = history[:, : spread.shape[1]]
        present = history >= 0
        rows.append(history[present])
        parts.append(spread[present])
        sources.append(torch.arange(start, start + len(parts[-1])))
        start += len(parts[-1])
    return sum_by_row(torch.cat(rows), torch.cat(parts), torch.cat(sources) if bags else None)


def sum_by_row(rows: Tensor, gradient: Tensor, sources: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Distinct ``rows`` [n], ascending, and the sum of the ``gradient`` rows that belong to each.

    ``sources`` [n] are the places of those in ``gradient``, which several rows may have in common; None: each
    has its own. Each sum is a bag of gradients, which is four times as fast as index_add_ into places found
    by unique.
    """
    ordered, places = torch.sort(rows, stable=True)
    distinct, counts = torch.unique_consecutive(ordered, return_counts=True)
    starts = counts.cumsum(0) - counts
    used = places if sources is None else sources[places]
    return distinct, embedding_bag(used, gradient, starts, mode="sum")


def _values(bag: Tensor) -> tuple[Tensor, Tensor]:
    """All values of the bags one after the other, and how many each has; int64."""
    present = bag >= 0
    return bag[present].long(), present.sum(dim=1)
