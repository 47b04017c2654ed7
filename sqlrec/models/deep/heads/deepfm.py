"""DeepFM (Guo et al., 2017): a factorisation machine and dense layers over the same embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sqlrec.models.deep.flat import FlatSum
from sqlrec.models.deep.head import units, vectors_and_first_order
from sqlrec.models.deep.layers import Style, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class DeepFM(nn.Module):
    """The logit is that of the first order, of the products of all pairs of columns, and of a stack."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        self.layout = layout
        self.linear = nn.Linear(layout.dense_width, 1, bias=False) if layout.dense_width else None
        width = sum(layout.dims) + layout.dense_width
        self.deep = dense_layers(width, units(options, "hidden_units"), 1, Style.read(options))

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch, 1] of ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width]."""
        known, first = vectors_and_first_order(embedded, self.layout.dims)
        deep: Tensor = self.deep(torch.cat((known, dense), dim=1))
        factors = known.view(len(known), embedded.shape[1], embedded.shape[2] - 1)
        logit = deep + first + second_order(factors)
        return logit if self.linear is None else logit + self.linear(dense)

    def flat(self) -> nn.Module:
        """The same in fewer nodes, for a graph."""
        return _Flat(FlatSum(self.deep, self.linear, self.layout))


class _Flat(nn.Module):
    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.first = first

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        first: Tensor = self.first(embedded, dense)
        return first + second_order(embedded[:, :, :-1])


def second_order(factors: Tensor) -> Tensor:
    """Sum of the inner products of all pairs of ``factors`` [batch, columns, dim], [batch, 1].

    As half of the square of the sum less the sum of the squares: linear in the columns (Rendle, 2010).
    """
    pairs = factors.sum(dim=1).square() - factors.square().sum(dim=1)
    return 0.5 * pairs.sum(dim=1, keepdim=True)
