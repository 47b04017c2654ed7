"""Deep Interest Network (Zhou et al., 2018): of a history counts what resembles the target."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sqlrec.models.deep.dense import Linear
from sqlrec.models.deep.head import units, vectors
from sqlrec.models.deep.layers import Style, activation, dense_layers
from sqlrec.models.deep.layout import Layout
from sqlrec.spec.options import Parsed


class DIN(nn.Module):
    """Dense layers over all columns, the numbers, and each history as its target sees it."""

    def __init__(self, layout: Layout, options: Mapping[str, Parsed]) -> None:
        super().__init__()
        self.dims = layout.dims
        self.targets = tuple(history.targets for history in layout.histories)
        widths = [sum(layout.dims[place] for place in targets) for targets in self.targets]
        hidden, kind = units(options, "attention_hidden_units"), str(options["attention_activation"])
        self.attentions = nn.ModuleList(Attention(width, hidden, kind) for width in widths)
        width = sum(layout.dims) + layout.dense_width + sum(widths)
        self.deep = dense_layers(width, units(options, "hidden_units"), 1, Style.read(options))

    def forward(self, embedded: Tensor, dense: Tensor, *histories: Tensor) -> Tensor:
        """Logits [batch, 1]; ``histories`` are rows [batch, length, columns, row_width] and presence."""
        parts = [vectors(embedded, self.dims), dense]
        pairs = zip(histories[::2], histories[1::2], strict=True)
        for attention, targets, (rows, present) in zip(self.attentions, self.targets, pairs, strict=True):
            dims = [self.dims[place] for place in targets]
            target = torch.cat([embedded[:, p, :dim] for p, dim in zip(targets, dims, strict=True)], dim=1)
            events = torch.cat([rows[:, :, k, :dim] for k, dim in enumerate(dims)], dim=2)
            parts.append(attention(target, events, present))
        logit: Tensor = self.deep(torch.cat(parts, dim=1))
        return logit


class Attention(nn.Module):
    """The sum of a history's events, each weighed by a small network that sees it beside the target.

    As in the paper the weights are not made to sum to 1, so that the sum tells how strong an interest is,
    too. The paper's network also sees the difference of the two, which is linear in what the first layer has
    here; that layer's part for the target is done once a row.
    """

    def __init__(self, width: int, hidden: tuple[int, ...], kind: str) -> None:
        super().__init__()
        first = hidden[0]
        self.target = Linear(width, first)
        self.event = Linear(2 * width, first, bias=False)
        self.weight = nn.Sequential(
            activation(kind, first), *dense_layers(first, hidden[1:], 1, Style(activation=kind))
        )

    def forward(self, target: Tensor, events: Tensor, present: Tensor) -> Tensor:
        """[batch, width] of ``target`` [batch, width], ``events`` [batch, length, width], ``present``."""
        seen = torch.cat((events, events * target.unsqueeze(1)), dim=2)
        weight = self.weight(self.event(seen) + self.target(target).unsqueeze(1))
        total: Tensor = (weight * present.unsqueeze(2) * events).sum(dim=1)
        return total
