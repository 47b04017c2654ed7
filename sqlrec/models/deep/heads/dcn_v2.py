"""DCN-V2 (Wang et al., 2021): layers that cross the input with itself, one degree more a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from sqlrec.models.deep.dense import Linear, Stack
from sqlrec.models.deep.head import units, vectors
from sqlrec.models.deep.layers import Style, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class DCNv2(nn.Module):
    """Cross layers beside a stack of dense layers (``parallel``), or below it (``stacked``)."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        self.dims = layout.dims
        self.is_stacked = options["structure"] == "stacked"
        width, hidden = sum(layout.dims) + layout.dense_width, units(options, "hidden_units")
        count, rank = (cast(int, options[key]) for key in ("cross_num", "cross_rank"))
        self.crosses = nn.ModuleList(cross_layer(width, rank) for _ in range(count))
        self.deep = dense_layers(width, hidden, style=Style.read(options))
        deep_width = hidden[-1] if hidden else width
        self.logit = nn.Linear(deep_width if self.is_stacked else width + deep_width, 1)

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch, 1] of ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width]."""
        first = torch.cat((vectors(embedded, self.dims), dense), dim=1)
        crossed = first
        for layer in self.crosses:
            crossed = first * layer(crossed) + crossed
        if self.is_stacked:
            logit: Tensor = self.logit(self.deep(crossed))
        else:
            logit = self.logit(torch.cat((crossed, self.deep(first)), dim=1))
        return logit


def cross_layer(width: int, rank: int) -> nn.Module:
    """What a cross layer multiplies its input by: a linear layer, of that rank unless it is 0."""
    if not rank:
        return Linear(width, width)
    return Stack(Linear(width, rank, bias=False), Linear(rank, width))
