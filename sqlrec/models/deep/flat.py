"""A head as its graph runs it: over whole embedding rows laid end to end, in as few nodes as possible.

A node costs about a microsecond, more than its arithmetic for one row. So no node cuts rows apart: a layer
has weights of zero for the entries that it does not read. And what is added up is added by matrices: wide
weights and numbers by one, whose answer the last layer of the stack takes for its bias.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from sqlrec.models.deep.layout import Layout


@runtime_checkable
class HasFlatForm(Protocol):
    """A head that can be computed in fewer nodes."""

    def flat(self) -> nn.Module:
        """A module of the same inputs and outputs."""


def flat_form(head: nn.Module) -> nn.Module:
    """The head, in its flat form where it has one."""
    return head.flat() if isinstance(head, HasFlatForm) else head


class FlatSum(nn.Module):
    """The logit of a stack over vectors and numbers, plus wide weights, plus a linear layer of numbers."""

    def __init__(self, deep: nn.Sequential, numbers: nn.Linear | None, layout: Layout) -> None:
        super().__init__()
        *hidden, last = deep
        assert isinstance(last, nn.Linear), "a stack ends in its outputs"
        self.last, self.hidden = last, nn.Sequential(*hidden)
        first = hidden[0] if hidden else last
        assert isinstance(first, nn.Linear), "a stack begins with a linear layer"
        read, wide = _places(layout)
        weight = torch.zeros(first.out_features, layout.row_width * len(layout.columns) + layout.dense_width)
        weight[:, read] = first.weight.detach()
        line = torch.zeros(1, weight.shape[1])
        line[:, wide] = 1.0
        if numbers is not None:
            line[:, weight.shape[1] - layout.dense_width :] = numbers.weight.detach()
        if hidden:
            self.hidden[0] = nn.Linear(weight.shape[1], weight.shape[0])
            self.hidden[0].load_state_dict({"weight": weight, "bias": first.bias.detach()})
        else:
            line += weight
        self.line = nn.Parameter(line)

    def forward(self, embedded: Tensor, dense: Tensor) -> Tensor:
        """Logits [batch, 1] of ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width]."""
        rows = torch.cat((embedded.flatten(start_dim=1), dense), dim=1)
        line = linear(rows, self.line, self.last.bias)
        if not len(self.hidden):
            return line
        return torch.addmm(line, self.hidden(rows), self.last.weight.T)


def _places(layout: Layout) -> tuple[list[int], list[int]]:
    """Where the vectors and numbers, and where the wide weights are, in rows laid end to end."""
    width, columns = layout.row_width, len(layout.columns)
    vectors = [place * width + at for place, dim in enumerate(layout.dims) for at in range(dim)]
    numbers = range(width * columns, width * columns + layout.dense_width)
    return [*vectors, *numbers], [place * width + width - 1 for place in range(columns)]
