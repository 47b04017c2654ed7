"""Linear layers that train on oneDNN's matrix kernels, the ReLU behind them included.

torch multiplies FP32 matrices with MKL, which on CPUs that are not Intel's runs at less than half of what
oneDNN does there (AMD EPYC of the Zen 5 kind, one thread: 90 against 205 GFLOP/s). oneDNN is part of torch,
which by itself takes it for BF16 only. What is not training (measuring, export) is left to torch, as is a
machine without oneDNN.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

NARROW = 16
"""A layer of fewer outputs gains nothing."""
BLOCK = 1024
"""Rows whose part of a weight's gradient is summed at once, for their transpose stays in the CPU's cache."""
HAS_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Linear(nn.Linear):
    """A :class:`torch.nn.Linear` that trains fast."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` [..., in] to [..., out]."""
        return _fused(self, input, relu=False) if _is_fast(self) else super().forward(input)


class Stack(nn.Sequential):
    """Layers one after another; a :class:`Linear` and a ReLU behind it are trained as one."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` [..., in] to [..., out]."""
        layers = list(self)
        for layer, before, behind in zip(layers, [None, *layers], [*layers[1:], None], strict=False):
            if isinstance(layer, nn.ReLU) and isinstance(before, Linear) and _is_fast(before):
                continue
            if isinstance(layer, Linear) and isinstance(behind, nn.ReLU) and _is_fast(layer):
                input = _fused(layer, input, relu=True)
            else:
                input = layer(input)
        return input


def _is_fast(layer: Linear) -> bool:
    if not layer.training or layer.out_features < NARROW or layer.weight.device.type != "cpu":
        return False
    return HAS_ONEDNN and torch.is_grad_enabled()


def _fused(layer: Linear, values: Tensor, *, relu: bool) -> Tensor:
    """The layer's answer to ``values`` [..., in], in the precision of autocast."""
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else layer.weight.dtype
    rows = values if values.dim() == 2 else values.reshape(-1, layer.in_features)
    apply: Any = _Fused.apply
    answer: Tensor = apply(rows, layer.weight, layer.bias, relu, dtype)
    return answer if values.dim() == 2 else answer.view(*values.shape[:-1], layer.out_features)


class _Fused(torch.autograd.Function):
    """A linear layer and, perhaps, its ReLU, computed in ``dtype``."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None, relu: bool, dtype: torch.dtype
    ) -> Tensor:
        rows, matrix = values.to(dtype), weight.to(dtype)
        answer = _product(rows, matrix, None if bias is None else bias.to(dtype), "relu" if relu else "none")
        ctx.save_for_backward(rows, matrix, answer if relu else None)
        ctx.dtypes = (values.dtype, weight.dtype, None if bias is None else bias.dtype)
        return answer

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, matrix, answer = ctx.saved_tensors
        values_type, weight_type, bias_type = ctx.dtypes
        if answer is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, answer, 0)
        of_values = _times(gradient, matrix).to(values_type) if ctx.needs_input_grad[0] else None
        of_weight = _summed(gradient, rows).to(weight_type)
        return of_values, of_weight, None if bias_type is None else gradient.sum(0).to(bias_type), None, None


def _product(rows: Tensor, matrix: Tensor, bias: Tensor | None, following: str = "none") -> Tensor:
    """``rows`` [n, in] times ``matrix`` [out, in], plus ``bias``."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, matrix, bias, following, [], "")
    return product


def _times(gradient: Tensor, matrix: Tensor) -> Tensor:
    """``gradient`` [n, out] times ``matrix`` [out, in]."""
    return _product(gradient, matrix.t(), None) if matrix.dtype == torch.float32 else gradient @ matrix


def _summed(gradient: Tensor, rows: Tensor) -> Tensor:
    """The sum over the rows of the outer products of ``gradient`` [n, out] and ``rows`` [n, in]."""
    if rows.dtype != torch.float32 or not len(rows):  # oneDNN refuses sums of nothing
        return gradient.t() @ rows
    parts = zip(torch.split(gradient, BLOCK), torch.split(rows, BLOCK), strict=True)
    total, *rest = (_product(g.t(), r.t(), None) for g, r in parts)
    for part in rest:
        total += part
    return total
