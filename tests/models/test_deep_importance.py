"""What a feature became is shuffled together, and what a model does not look at is not important."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
import torch

from sqlrec.models.deep.goal import Answers
from sqlrec.models.deep.goals.binary import Binary
from sqlrec.models.deep.importance import feature_importance
from sqlrec.models.deep.layout import Column, History, Layout
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.rows import Rows

pytestmark = pytest.mark.ml

LAYOUT = Layout(
    columns=(Column(name="user", dim=2), Column(name="price", dim=2), Column(name="tags", dim=2)),
    dense_width=2,
    dense=("price", "price"),
    histories=(History(name="seen", targets=(0,)),),
)


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


@dataclass
class Sees:
    """A network that scores by its rules; it remembers what it was asked."""

    goal: Binary = field(default_factory=Binary)
    asked: list[Rows] = field(default_factory=list)

    def predict(self, rows: Rows) -> Answers:
        self.asked.append(rows)
        score = rows.dense[:, 0] + rows.ids[:, 1] + 4 * rows.bags[0][:, 0] + 2 * rows.histories[0][:, 0, 0]
        answers: Answers = torch.sigmoid(score.float()).unsqueeze(1).numpy()
        return answers


@pytest.fixture
def rows() -> Rows:
    generator = torch.Generator().manual_seed(0)
    price = torch.randn(400, 1, generator=generator)
    tags = torch.randint(-1, 2, (400, 1), generator=generator, dtype=torch.int32)
    seen = torch.randint(-1, 2, (400, 1, 1), generator=generator, dtype=torch.int32)
    ids = torch.cat([torch.arange(400).unsqueeze(1) % 7, (price > 0).long()], dim=1).int()
    score = price[:, 0] + ids[:, 1] + 4 * tags[:, 0] + 2 * seen[:, 0, 0]
    return Rows(
        ids=ids,
        bags=(tags,),
        dense=torch.cat([price, -price], dim=1),
        labels=(score > 0).float().unsqueeze(1),
        histories=(seen,),
    )


def test_features_are_ordered_by_what_the_model_loses_without_them(rows: Rows) -> None:
    network = Sees()
    found = feature_importance(cast(Network, network), LAYOUT, rows, silent)
    assert list(found) == ["tags", "seen", "price", "user"]
    assert found["tags"] > found["seen"] > found["price"] > 0.01
    assert found["user"] == 0
    assert feature_importance(cast(Network, network), LAYOUT, rows, silent) == found


def test_all_that_comes_from_a_feature_stays_together(rows: Rows) -> None:
    network = Sees()
    feature_importance(cast(Network, network), LAYOUT, rows, silent)
    for asked in network.asked:
        assert torch.equal(asked.dense[:, 0], -asked.dense[:, 1])
        assert torch.equal(asked.ids[:, 1] > 0, asked.dense[:, 0] > 0)
        assert torch.equal(asked.labels, rows.labels)


def test_labels_of_one_class_leave_nothing_to_lose(rows: Rows) -> None:
    same = Rows.of({**rows.tensors, "labels": torch.zeros(400, 1)})
    assert feature_importance(cast(Network, Sees()), LAYOUT, same, silent) == {}
    assert np.isnan(Binary().measure(Sees().predict(same), same, Sees().predict)["auc"])
