"""Stacks of dense layers, in the style that the options of a model ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from sqlrec.models.deep.dense import Linear, Stack
from sqlrec.spec.options import Parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What follows each hidden layer: normalisation (``batch``, ``layer`` or none), activation, dropout."""

    activation: str = "relu"
    dropout: float = 0.0
    normalization: str = ""

    @classmethod
    def read(cls, options: Mapping[str, Parsed]) -> Style:
        """The style that the effective options of a model give."""
        return cls(
            activation=str(options["activation"]),
            dropout=float(cast(float, options["dropout_ratio"])),
            normalization=str(options["normalization"] or ""),
        )


PLAIN = Style()


def dense_layers(width: int, units: tuple[int, ...], outputs: int = 0, style: Style = PLAIN) -> Stack:
    """Hidden layers of these widths over ``[…, width]``; with ``outputs`` a last linear layer as wide."""
    layers: list[nn.Module] = []
    for size in units:
        layers.append(Linear(width, size))
        if style.normalization:
            layers.append(BatchNorm(size) if style.normalization == "batch" else nn.LayerNorm(size))
        layers.append(activation(style.activation, size))
        if style.dropout:
            layers.append(nn.Dropout(style.dropout))
        width = size
    return Stack(*layers, *([Linear(width, outputs)] if outputs else []))


def activation(name: str, width: int) -> nn.Module:
    """A new activation of that name for ``[…, width]``."""
    return _ACTIVATIONS[name](width)


class BatchNorm(nn.Module):
    """Batch normalisation over all axes but the last (Ioffe and Szegedy, 2015).

    A batch of one row, or none, has no variance: it is normalised with the statistics of the batches before.
    """

    def __init__(self, width: int, *, affine: bool = True) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=affine)

    def forward(self, values: Tensor) -> Tensor:
        """The normalised ``values`` [batch, …, width]."""
        rows, norm = values.reshape(-1, values.shape[-1]), self.norm
        if self.training and len(rows) <= 1:
            return batch_norm(
                rows, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            ).view_as(values)
        normalised: Tensor = norm(rows)
        return normalised.view_as(values)


class Dice(nn.Module):
    """PReLU whose bend lies where the data is (Zhou et al., Deep Interest Network, 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = BatchNorm(width, affine=False)
        self.slope = nn.Parameter(torch.zeros(width))

    def forward(self, values: Tensor) -> Tensor:
        """``values`` [batch, …, width] where they are large for their unit, else ``slope`` times them."""
        share = torch.sigmoid(self.norm(values))
        return values * (share + (1 - share) * self.slope)


class PReLU(nn.Module):
    """ReLU with a learnt slope below zero for each unit (He et al., 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.full((width,), 0.25))

    def forward(self, values: Tensor) -> Tensor:
        """``values`` [batch, …, width]."""
        return torch.relu(values) - self.slope * torch.relu(-values)


_ACTIVATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "relu": lambda width: nn.ReLU(),
    "leaky_relu": lambda width: nn.LeakyReLU(),
    "prelu": PReLU,
    "dice": Dice,
    "gelu": lambda width: nn.GELU(),
    "silu": lambda width: nn.SiLU(),
    "tanh": lambda width: nn.Tanh(),
    "sigmoid": lambda width: nn.Sigmoid(),
}
