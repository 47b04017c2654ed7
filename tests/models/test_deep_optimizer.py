"""One step: schedule, clipping, decay, weights; against torch's own optimisers where there are such."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from sqlrec.errors import OptionError
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.goals.binary import GOAL
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.optimizer import Optimizer, schedule_of
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.schedule import Curve
from sqlrec.models.deep.training_options import Training
from sqlrec.models.deep.weighting import ClassWeights, class_weights, require_one_label
from sqlrec.models.objective import Objective

ROWS = Rows(
    ids=torch.tensor([[0, 5], [1, 5], [2, 6], [0, 7]], dtype=torch.int32),
    bags=(),
    dense=torch.zeros(4, 0),
    labels=torch.tensor([[1.0], [0.0], [1.0], [0.0]]),
)


class Logit(nn.Module):
    """A head of one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 1)

    def forward(self, embedded: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
        """Logits [batch, 1]."""
        logits: torch.Tensor = self.linear(embedded.flatten(start_dim=1))
        return logits


def _training(**options: Any) -> Training:
    return Training.read(WIDE_AND_DEEP.options, {"sparse_lr": 0.1, "dense_lr": 0.01, **options})


def _network() -> Network:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        return Network(EmbeddingTable.new(9, 3, seed=1), Logit(), GOAL)


def _step(network: Network, optimizer: Optimizer, rows: Rows = ROWS) -> None:
    looked = network.look_up(rows)
    loss = GOAL.loss(network.head(*looked.inputs), rows, Group())
    optimizer.step(loss / len(rows), looked, ())


def test_the_dense_half_is_adamw() -> None:
    network, other = _network(), _network()
    optimizer = Optimizer(network, _training(dense_weight_decay=0.5, sparse_lr=0.0), Group())
    adamw = torch.optim.AdamW(other.head.parameters(), lr=0.01, weight_decay=0.5)
    for _ in range(3):
        _step(network, optimizer)
        adamw.zero_grad()
        loss = GOAL.loss(other.head(*other.look_up(ROWS).inputs), ROWS, Group())
        (loss / len(ROWS)).backward()  # type: ignore[no-untyped-call]
        adamw.step()
    torch.testing.assert_close(network.head.state_dict(), other.head.state_dict())


def _rows_of(network: Network) -> EmbeddingTable:
    assert isinstance(network.table, EmbeddingTable)
    return network.table


def test_decay_shrinks_the_rows_of_the_batch_only() -> None:
    plain, decayed = _network(), _network()
    for network, decay in ((plain, 0.0), (decayed, 0.5)):
        _step(network, Optimizer(network, _training(sparse_weight_decay=decay), Group()))
    before, after = _rows_of(_network()).weight, _rows_of(decayed).weight
    touched = torch.tensor([0, 1, 2, 5, 6, 7])
    difference = _rows_of(plain).weight - after
    torch.testing.assert_close(difference[touched], 0.1 * 0.5 * before[touched])
    assert torch.equal(after[[3, 4, 8]], before[[3, 4, 8]])


def _gradients(network: Network, limit: float) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What one step used: dense gradients, and the sum of squares that Adagrad added."""
    _step(network, Optimizer(network, _training(max_grad_norm=limit), Group()))
    dense = [p.grad.clone() for p in network.head.parameters() if p.grad is not None]
    table = _rows_of(network)
    return dense, table.accumulator * table.weight.shape[1]


def test_gradients_of_both_halves_are_clipped_together() -> None:
    free, bound = _gradients(_network(), 0.0), _gradients(_network(), 0.01)

    def norm(parts: tuple[list[torch.Tensor], torch.Tensor]) -> float:
        return math.sqrt(sum(float(g.square().sum()) for g in parts[0]) + float(parts[1].sum()))

    assert norm(free) > 0.05
    assert norm(bound) == pytest.approx(0.01, rel=1e-4)
    scale = 0.01 / norm(free)
    for before, after in zip(free[0], bound[0], strict=True):
        torch.testing.assert_close(after, before * scale)
    torch.testing.assert_close(_gradients(_network(), norm(free) * 1.01)[0], free[0])


def test_the_schedule_scales_both_rates() -> None:
    optimizer = Optimizer(_network(), _training(), Group())
    optimizer.set_factor(0.25)
    assert optimizer.sparse_lr == 0.025
    assert optimizer.adam.lr == 0.0025


def test_warm_up_comes_from_steps_or_a_share_of_them() -> None:
    training = _training(num_epochs=2, lr_schedule="Cosine", warmup_ratio=0.25)
    assert schedule_of(training, 10).curve is Curve.COSINE
    assert schedule_of(training, 10).warmup == 5
    assert schedule_of(replace(training, warmup_steps=3), 10).warmup == 3
    assert schedule_of(replace(training, warmup_steps=300), 10).warmup == 20


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    doubled, weighted = _network(), _network()
    twice = ROWS.take(torch.tensor([0, 0, 1, 2, 3]))
    heavy = replace(ROWS, weights=torch.tensor([2.0, 1.0, 1.0, 1.0]))
    losses = [
        GOAL.loss(network.head(*network.look_up(rows).inputs), rows, Group())
        for network, rows in ((doubled, twice), (weighted, heavy))
    ]
    torch.testing.assert_close(*losses)


def test_class_weights_multiply_those_of_rows() -> None:
    weights = ClassWeights(negative=0.5, positive=3.0)
    applied = weights.applied(replace(ROWS, weights=torch.tensor([1.0, 2.0, 2.0, 4.0])))
    assert applied.weights is not None
    assert applied.weights.tolist() == [3.0, 1.0, 6.0, 2.0]
    plain = weights.applied(ROWS).weights
    assert plain is not None
    assert plain.tolist() == [3.0, 0.5, 3.0, 0.5]
    assert ClassWeights().applied(ROWS) is ROWS


def test_balanced_classes_count_the_same_and_one_a_row_on_average() -> None:
    weights = class_weights(_training(class_weights="balanced"), 0.2)
    assert 0.2 * weights.positive == pytest.approx(0.8 * weights.negative)
    assert 0.2 * weights.positive + 0.8 * weights.negative == pytest.approx(1.0)
    assert class_weights(_training(positive_weight=7.0), 0.2) == ClassWeights(positive=7.0)


@pytest.mark.parametrize(
    ("options", "objective", "labels", "words"),
    [
        ({"positive_weight": 2.0, "class_weights": "balanced"}, Objective.BINARY, 1, "both say"),
        ({"positive_weight": 2.0}, Objective.BINARY, 2, "positive_weight is for models of one label"),
        ({"class_weights": "balanced"}, Objective.RETRIEVAL, 1, "class_weights is for models of one label"),
    ],
)
def test_class_weights_where_there_are_no_two_classes(
    options: dict[str, Any], objective: Objective, labels: int, words: str
) -> None:
    require_one_label(_training(), objective, labels)
    with pytest.raises(OptionError, match="SR575") as caught:
        require_one_label(_training(**options), objective, labels)
    assert words in caught.value.message
