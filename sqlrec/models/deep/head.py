"""A head: the dense half of a deep model, from looked-up embedding rows to outputs.

The embedding rows themselves are not a module: their storage and its sparse optimiser are in
:mod:`sqlrec.models.deep.embedding`, so that a step costs what its batch touches, not what the table holds.
A new architecture is one module in :mod:`sqlrec.models.deep.heads` and one controller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.layout import Layout
from sqlrec.models.lookup import load
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed, Scope

MakeHead = Callable[[Layout, Mapping[str, Parsed]], nn.Module]
"""A head's class: made of the layout and the effective options of CREATE MODEL.

``forward(embedded, dense, *histories)`` takes ``embedded`` [batch, columns, row_width] and ``dense``
[batch, dense_width] and gives outputs [batch, …], for classification the logits [batch, outputs]. Each
history of the layout is two more tensors: its rows [batch, length, columns, row_width], zeros where there is
no value, and where there is one, float32 [batch, length]. Lengths are those of the batch: an answer must not
depend on what fills it.
"""


def new_head(model: ModelSpec, layout: Layout, seed: int) -> nn.Module:
    """A head with initial weights that depend on ``seed`` only; the global generator is left alone."""
    kind = deep_model(model.type)
    effective = kind.options.effective(Scope.MODEL, model=model.options)
    make = cast(MakeHead, load(kind.head))
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return make(layout, {key: option.value for key, option in effective.items()})


def vectors(embedded: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The deep vectors of all columns side by side, [batch, sum of dims]; the wide weights left out."""
    if len(set(dims)) <= 1:
        return embedded[:, :, :-1].flatten(start_dim=1)
    return torch.cat([embedded[:, i, :dim] for i, dim in enumerate(dims)], dim=1)


def first_order(embedded: Tensor) -> Tensor:
    """The sum of the values' wide weights, [batch, 1]."""
    return embedded[:, :, -1].sum(dim=1, keepdim=True)


def vectors_and_first_order(embedded: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """:func:`vectors` and :func:`first_order`, with one gradient for both instead of their sum."""
    if embedded.requires_grad and len(set(dims)) == 1:
        apply: Any = _Parted.apply
        return cast(tuple[Tensor, Tensor], apply(embedded))
    return vectors(embedded, dims), first_order(embedded)


class _Parted(torch.autograd.Function):
    """Rows [batch, columns, dim + 1] as vectors [batch, columns * dim] and summed weights [batch, 1]."""

    @staticmethod
    def forward(ctx: Any, embedded: Tensor) -> tuple[Tensor, Tensor]:
        ctx.columns = embedded.shape[1]
        return vectors(embedded, ()), first_order(embedded)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_vectors: Tensor, of_weights: Tensor) -> Tensor:
        batch, columns = len(of_vectors), ctx.columns
        gradient = of_vectors.new_empty(batch, columns, of_vectors.shape[1] // columns + 1)
        gradient[:, :, :-1] = of_vectors.view(batch, columns, -1)
        gradient[:, :, -1] = of_weights
        return gradient


def units(options: Mapping[str, Parsed], key: str) -> tuple[int, ...]:
    """The widths of layers that an option lists."""
    return cast(tuple[int, ...], options[key])
