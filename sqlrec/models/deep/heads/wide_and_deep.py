"""Wide & Deep (Cheng et al., 2016): a linear part that remembers, and dense layers that generalise."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sqlrec.models.deep.flat import FlatSum
from sqlrec.models.deep.head import units, vectors_and_first_order
from sqlrec.models.deep.layers import Style, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class WideAndDeep(nn.Module):
    """The logit is the sum of the values' wide weights, a linear layer over the numbers, and a stack."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        self.layout = layout
        self.wide = nn.Linear(layout.dense_width, 1, bias=False) if layout.dense_width else None
        width = sum(layout.dims) + layout.dense_width
        self.deep = dense_layers(width, units(options, "hidden_units"), 1, Style.read(options))

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch, 1] of ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width]."""
        known, first = vectors_and_first_order(embedded, self.layout.dims)
        deep: Tensor = self.deep(torch.cat((known, dense), dim=1))
        logit = deep + first
        return logit if self.wide is None else logit + self.wide(dense)

    def flat(self) -> nn.Module:
        """The same in fewer nodes, for a graph."""
        return FlatSum(self.deep, self.wide, self.layout)
