"""The dense half of a Wide & Deep model, from looked-up embedding rows to logits.

The embedding rows themselves are not a module: their storage and its sparse optimiser are in
:mod:`sqlrec.models.deep.embedding`, so that a step costs what its batch touches, not what the table holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Wide & Deep over fused embedding rows.

    A row of width ``max(dims) + 1`` holds the deep vector of a value and, in its last entry, the
    value's wide weight. Column ``i`` uses the first ``dims[i]`` entries of its rows as deep vector.
    """

    def __init__(self, dims: Sequence[int], dense_width: int, hidden_units: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)
        self.dense_width = dense_width
        self.hidden_units = tuple(hidden_units)
        self.wide = nn.Linear(dense_width, 1, bias=False) if dense_width else None
        layers: list[nn.Module] = []
        width = sum(self.dims) + dense_width
        for units in self.hidden_units:
            layers += [nn.Linear(width, units), nn.ReLU()]
            width = units
        self.deep = nn.Sequential(*layers, nn.Linear(width, 1))

    @property
    def row_width(self) -> int:
        """Width of an embedding row: the widest deep vector and the wide weight."""
        return max(self.dims, default=0) + 1

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch] of ``embedded`` [batch, columns, row_width] and ``dense`` [batch, dense_width]."""
        deep: Tensor = self.deep(torch.cat((self._vectors(embedded), dense), dim=1))
        logit = deep.squeeze(1) + embedded[:, :, -1].sum(dim=1)
        if self.wide is not None:
            logit = logit + self.wide(dense).squeeze(1)
        return logit

    def _vectors(self, embedded: Tensor) -> Tensor:
        if len(set(self.dims)) <= 1:
            return embedded[:, :, :-1].flatten(start_dim=1)
        return torch.cat([embedded[:, i, :dim] for i, dim in enumerate(self.dims)], dim=1)


def new_head(dims: Sequence[int], dense_width: int, hidden_units: Sequence[int], seed: int) -> Head:
    """A head with initial weights that depend on ``seed`` only; the global generator is left alone."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return Head(dims, dense_width, hidden_units)
