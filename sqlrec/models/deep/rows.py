"""Training rows as whole-column tensors: a batch is a slice, an epoch is one shuffled gather."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Encoded rows.

    ``ids`` int32 [rows, slots], ``bags`` int32 [rows, length] each (-1: no value), ``dense`` float32
    [rows, dense_width], ``labels`` float32 [rows, label columns], ``weights`` float32 [rows] where rows
    count differently.
    """

    ids: Tensor
    bags: tuple[Tensor, ...]
    dense: Tensor
    labels: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor) -> Rows:
        """The rows at ``index`` (int64), in that order."""
        return Rows(
            ids=self.ids.index_select(0, index),
            bags=tuple(bag.index_select(0, index) for bag in self.bags),
            dense=self.dense.index_select(0, index),
            labels=self.labels.index_select(0, index),
            weights=None if self.weights is None else self.weights.index_select(0, index),
        )

    def slice(self, start: int, stop: int) -> Rows:
        """Rows ``start`` to ``stop`` without copying."""
        return Rows(
            ids=self.ids[start:stop],
            bags=tuple(bag[start:stop] for bag in self.bags),
            dense=self.dense[start:stop],
            labels=self.labels[start:stop],
            weights=None if self.weights is None else self.weights[start:stop],
        )


def split(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Row numbers to train on and to hold out, each ascending.

    ``fraction`` of each class is held out, but at least one row and never all rows of it, so that a small
    table still has both classes on both sides.
    """
    generator = torch.Generator().manual_seed(seed)
    held = torch.zeros(len(labels), dtype=torch.bool)
    for value in (0.0, 1.0):
        rows = (labels == value).nonzero().squeeze(1)
        count = min(max(round(len(rows) * fraction), 1), len(rows) - 1) if fraction and len(rows) > 1 else 0
        held[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    return (~held).nonzero().squeeze(1), held.nonzero().squeeze(1)
