"""Layers that train on oneDNN: the answers and gradients of torch's own, unless nothing is trained."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from sqlrec.models.deep.dense import BLOCK, HAS_ONEDNN, Linear, Stack
from sqlrec.models.deep.layers import Style, dense_layers

WIDTH = 24


def values(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def plain(stack: nn.Module) -> nn.Module:
    """The same weights in modules of torch alone."""
    match stack:
        case Linear():
            copy: nn.Module = nn.Linear(stack.in_features, stack.out_features, stack.bias is not None)
        case Stack():
            copy = nn.Sequential(*(plain(layer) for layer in stack))
        case _:
            return stack
    copy.load_state_dict(stack.state_dict())
    return copy


def answered(module: nn.Module, inputs: Tensor, precision: torch.dtype) -> list[Tensor]:
    """What it answers, and the gradients of inputs and weights."""
    inputs = inputs.clone().requires_grad_()
    module.zero_grad()
    context = nullcontext() if precision is torch.float32 else torch.autocast("cpu", dtype=precision)
    with context:
        answer = module(inputs)
    (answer.float() * torch.linspace(-1, 1, answer.shape[-1])).sum().backward()
    found = [answer.detach(), inputs.grad, *(parameter.grad for parameter in module.parameters())]
    assert all(tensor is not None for tensor in found)
    return [tensor for tensor in found if tensor is not None]


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(0, WIDTH), (1, WIDTH), (7, WIDTH), (2 * BLOCK + 3, WIDTH), (5, 3, WIDTH)])
def test_answers_and_gradients_are_those_of_torch(shape: tuple[int, ...], precision: torch.dtype) -> None:
    torch.manual_seed(0)
    for stack in (
        dense_layers(WIDTH, (32, 16), 1),
        dense_layers(WIDTH, (20,), 18, Style(activation="gelu", normalization="layer")),
        Stack(Linear(WIDTH, 17, bias=False), Linear(17, WIDTH)),
    ):
        ours, theirs = (answered(made, values(*shape), precision) for made in (stack, plain(stack)))
        for mine, other in zip(ours, theirs, strict=True):
            assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
            near = (1e-5 if precision is torch.float32 else 0.02) * max(
                [1.0, *other.abs().flatten().tolist()]
            )
            assert torch.allclose(mine, other, rtol=0, atol=near)


def test_the_same_bytes_each_time() -> None:
    torch.manual_seed(0)
    stack = dense_layers(WIDTH, (32, 16), 1)
    first, second = (answered(stack, values(3000, WIDTH), torch.float32) for _ in range(2))
    assert all(map(torch.equal, first, second))


def test_what_is_not_trained_is_computed_by_torch() -> None:
    torch.manual_seed(0)
    stack = dense_layers(WIDTH, (32, 16), 1)
    inputs, expected = values(50, WIDTH), plain(stack)
    with torch.no_grad():
        assert torch.equal(stack(inputs), expected(inputs))
    stack.eval()
    assert torch.equal(stack(inputs), expected(inputs))


@pytest.mark.skipif(not HAS_ONEDNN, reason="torch without oneDNN")
def test_training_takes_the_fast_path_and_a_narrow_layer_does_not() -> None:
    stack = dense_layers(WIDTH, (32, 16), 1)
    linear = [layer for layer in stack if isinstance(layer, Linear)]
    names = [str(type(layer(values(4, layer.in_features)).grad_fn)) for layer in linear]
    assert ["Fused" in name for name in names] == [True, True, False]
    assert "Fused" in str(type(stack[:2](values(4, WIDTH)).grad_fn))


def test_names_of_weights_are_those_of_torchs_modules() -> None:
    assert list(dense_layers(3, (4, 5), 1).state_dict()) == [
        f"{place}.{part}" for place in (0, 2, 4) for part in ("weight", "bias")
    ]
