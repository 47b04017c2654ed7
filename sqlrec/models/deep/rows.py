"""Training rows as whole-column tensors: a batch is a slice, an epoch is one shuffled gather."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

BAG, HISTORY = "bag.", "history."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Encoded rows.

    ``ids`` int32 [rows, slots], ``bags`` int32 [rows, length] each (-1: no value), ``dense`` float32
    [rows, dense_width], ``labels`` float32 [rows, label columns], ``weights`` float32 [rows] where rows
    count differently, ``histories`` int32 [rows, length, columns] each (-1: no value).
    """

    ids: Tensor
    bags: tuple[Tensor, ...]
    dense: Tensor
    labels: Tensor
    weights: Tensor | None = None
    histories: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, in a fixed order; :meth:`of` puts them together again."""
        bags = {f"{BAG}{i}": bag for i, bag in enumerate(self.bags)}
        histories = {f"{HISTORY}{i}": history for i, history in enumerate(self.histories)}
        weights = {} if self.weights is None else {"weights": self.weights}
        return {"ids": self.ids, "dense": self.dense, "labels": self.labels, **weights, **bags, **histories}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Rows:
        """The rows of :attr:`tensors`."""
        return cls(
            ids=tensors["ids"],
            bags=tuple(tensor for name, tensor in tensors.items() if name.startswith(BAG)),
            dense=tensors["dense"],
            labels=tensors["labels"],
            weights=tensors.get("weights"),
            histories=tuple(tensor for name, tensor in tensors.items() if name.startswith(HISTORY)),
        )

    def map(self, change: Callable[[Tensor], Tensor]) -> Rows:
        """The rows with every tensor changed in the same way."""
        return Rows.of({name: change(tensor) for name, tensor in self.tensors.items()})

    def write(self, start: int, rows: Rows) -> None:
        """Put ``rows`` in the place of those from ``start`` on."""
        for mine, theirs in zip(self.tensors.values(), rows.tensors.values(), strict=True):
            mine[start : start + len(rows)] = theirs

    def take(self, index: Tensor) -> Rows:
        """The rows at ``index`` (int64), in that order."""
        return self.map(lambda tensor: tensor.index_select(0, index))

    def slice(self, start: int, stop: int) -> Rows:
        """Rows ``start`` to ``stop`` without copying."""
        return self.map(lambda tensor: tensor[start:stop])


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
