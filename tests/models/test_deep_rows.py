"""Splitting off validation rows."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.models.deep.rows import Rows, split


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=80), st.floats(0.01, 0.9), st.integers(0, 99)
)
def test_split_parts_the_rows_and_keeps_both_classes_on_both_sides(
    labels: list[float], fraction: float, seed: int
) -> None:
    tensor = torch.tensor(labels)
    kept, held = split(tensor, fraction, seed)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(len(labels)))
    assert kept.tolist() == sorted(kept.tolist())
    for value in (0.0, 1.0):
        if labels.count(value) >= 2:
            assert value in tensor[held]
            assert value in tensor[kept]


def test_split_is_decided_by_the_seed() -> None:
    labels = torch.arange(200) % 2
    assert torch.equal(split(labels, 0.2, 7)[1], split(labels, 0.2, 7)[1])
    assert not torch.equal(split(labels, 0.2, 7)[1], split(labels, 0.2, 8)[1])
    assert len(split(labels, 0.2, 7)[1]) == 40


def test_no_fraction_holds_nothing_out() -> None:
    assert len(split(torch.tensor([0.0, 1.0, 1.0]), 0.0, 0)[1]) == 0


def test_take_and_slice_keep_rows_together() -> None:
    rows = Rows(
        ids=torch.arange(6).view(3, 2).int(),
        bags=(torch.tensor([[1], [2], [3]]),),
        dense=torch.tensor([[0.1], [0.2], [0.3]]),
        labels=torch.tensor([0.0, 1.0, 0.0]),
    )
    picked = rows.take(torch.tensor([2, 0])).slice(1, 2)
    assert len(picked) == 1
    assert picked.ids.tolist() == [[0, 1]]
    assert picked.bags[0].tolist() == [[1]]
