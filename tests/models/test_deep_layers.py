"""Stacks of dense layers: their parts in order, and the activations and norms that torch does not have."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sqlrec.models.deep.dense import Linear
from sqlrec.models.deep.head_options import ACTIVATIONS
from sqlrec.models.deep.layers import BatchNorm, Dice, PReLU, Style, activation, dense_layers

VALUES = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


def test_a_stack_has_its_parts_in_order() -> None:
    style = Style(activation="tanh", dropout=0.25, normalization="layer")
    kinds = [type(layer) for layer in dense_layers(4, (8, 2), 1, style)]
    hidden = [Linear, nn.LayerNorm, nn.Tanh, nn.Dropout]
    assert kinds == [*hidden, *hidden, Linear]
    assert [type(layer) for layer in dense_layers(4, (8,))] == [Linear, nn.ReLU]
    assert dense_layers(4, (8,), 3)(VALUES).shape == (6, 3)
    assert torch.equal(dense_layers(4, ())(VALUES), VALUES)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_made_and_keeps_the_shape(name: str) -> None:
    made = activation(name, 4)
    for values in (VALUES, VALUES[:, None]):
        found = made(values)
        assert found.shape == values.shape
        assert not torch.equal(found, values)


def test_prelu_is_that_of_torch() -> None:
    theirs = nn.PReLU(4)
    torch.testing.assert_close(PReLU(4)(VALUES), theirs(VALUES))


def test_batch_norm_is_that_of_torch_over_all_rows() -> None:
    ours, theirs = BatchNorm(4), nn.BatchNorm1d(4)
    torch.testing.assert_close(ours(VALUES.view(2, 3, 4)), theirs(VALUES).view(2, 3, 4))
    torch.testing.assert_close(ours.eval()(VALUES), theirs.eval()(VALUES))


def test_batch_norm_of_a_row_alone_uses_the_batches_before() -> None:
    norm = BatchNorm(4)
    norm(VALUES)
    before = {key: value.clone() for key, value in norm.state_dict().items()}
    alone = norm(VALUES[:1])
    assert all(torch.equal(before[key], value) for key, value in norm.state_dict().items())
    torch.testing.assert_close(alone, norm.eval()(VALUES[:1]))
    assert norm.train()(VALUES[:0]).shape == (0, 4)


def test_dice_is_the_paper_s() -> None:
    dice = Dice(4)
    with torch.no_grad():
        dice.slope.copy_(torch.tensor([0.0, 0.1, 0.5, 1.0]))
    mean, variance = VALUES.mean(dim=0), VALUES.var(dim=0, unbiased=False)
    share = 1 / (1 + torch.exp(-(VALUES - mean) / torch.sqrt(variance + 1e-5)))
    torch.testing.assert_close(dice(VALUES), share * VALUES + (1 - share) * dice.slope * VALUES)
