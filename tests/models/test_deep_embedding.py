"""Lookup, gradients and the sparse optimiser against dense autograd."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sqlrec.models.deep.embedding import EPSILON, EmbeddingTable, reduce_gradient, sum_by_row

ROWS, WIDTH = 12, 3


def _table() -> EmbeddingTable:
    return EmbeddingTable.new(ROWS, WIDTH, seed=3)


def _reference(weight: Tensor, ids: Tensor, bags: list[Tensor]) -> Tensor:
    """Lookup by definition, differentiable in the whole table."""
    columns = [weight[ids[:, j].long()] for j in range(ids.shape[1])]
    for bag in bags:
        pooled = []
        for entries in bag:
            present = entries[entries >= 0].long()
            pooled.append(weight[present].mean(dim=0) if len(present) else weight.new_zeros(WIDTH))
        columns.append(torch.stack(pooled))
    return torch.stack(columns, dim=1)


BATCH = st.integers(1, 6).flatmap(
    lambda rows: st.tuples(
        st.lists(st.lists(st.integers(0, ROWS - 1), min_size=2, max_size=2), min_size=rows, max_size=rows),
        st.lists(st.lists(st.integers(-1, ROWS - 1), min_size=3, max_size=3), min_size=rows, max_size=rows),
    )
)


@settings(max_examples=50, deadline=None)
@given(BATCH)
def test_lookup_and_gradient_are_those_of_autograd(
    batch: tuple[list[list[int]], list[list[int]]],
) -> None:
    ids, bag = (torch.tensor(part, dtype=torch.int32) for part in batch)
    table = _table()
    weight = table.weight.clone().requires_grad_()
    wanted = _reference(weight, ids, [bag])
    looked_up = table.lookup(ids, [bag])
    torch.testing.assert_close(looked_up, wanted.detach())
    upstream = torch.randn(looked_up.shape, generator=torch.Generator().manual_seed(0))
    (wanted * upstream).sum().backward()  # type: ignore[no-untyped-call]
    rows, gradient = reduce_gradient(ids, [bag], upstream)
    assert weight.grad is not None
    dense = torch.zeros(ROWS, WIDTH)
    dense[rows.long()] = gradient
    torch.testing.assert_close(dense, weight.grad)
    assert sorted(set(rows.tolist())) == rows.tolist()


def test_update_is_row_wise_adagrad() -> None:
    table = _table()
    before = table.weight.clone()
    rows, gradient = torch.tensor([2, 7]), torch.tensor([[1.0, 2.0, 2.0], [0.0, 3.0, 0.0]])
    for _ in range(2):
        table.update(rows, gradient, learning_rate=0.5)
    square = gradient.square().mean(dim=1, keepdim=True)
    step = gradient / (square.sqrt() + EPSILON) + gradient / ((2 * square).sqrt() + EPSILON)
    torch.testing.assert_close(table.weight[rows], before[rows] - 0.5 * step)
    torch.testing.assert_close(table.accumulator[rows], 2 * square.squeeze(1))


def test_update_touches_no_other_row() -> None:
    table = _table()
    before = EmbeddingTable(table.weight.clone(), table.accumulator.clone())
    table.update(torch.tensor([4]), torch.ones(1, WIDTH), learning_rate=0.1)
    others = torch.arange(ROWS) != 4
    assert torch.equal(table.weight[others], before.weight[others])
    assert torch.equal(table.accumulator[others], before.accumulator[others])


def test_a_row_without_gradient_stays_finite_and_unchanged() -> None:
    table = _table()
    before = table.weight.clone()
    table.update(torch.tensor([0]), torch.zeros(1, WIDTH), learning_rate=0.1)
    assert torch.equal(table.weight, before)


def test_extension_copies_rows_and_forgets_the_accumulator_of_new_ones() -> None:
    table = _table()
    table.accumulator += 1.5
    grown = table.extended(torch.tensor([0, 5, 5]), torch.tensor([False, True, False]))
    assert torch.equal(grown.weight, table.weight[[0, 5, 5]])
    assert grown.accumulator.tolist() == [1.5, 0.0, 1.5]


def test_wide_weights_start_at_zero() -> None:
    assert torch.equal(_table().weight[:, -1], torch.zeros(ROWS))
    assert _table().weight[:, :-1].abs().min() > 0


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_sum_by_row(dtype: torch.dtype) -> None:
    rows, total = sum_by_row(torch.tensor([3, 1, 3], dtype=dtype), torch.tensor([[1.0], [2.0], [4.0]]))
    assert (rows.tolist(), total.tolist()) == ([1, 3], [[2.0], [5.0]])
    rows, total = sum_by_row(torch.empty(0, dtype=dtype), torch.empty(0, 2))
    assert (rows.shape, total.shape) == ((0,), (0, 2))


def test_sums_by_row_are_added_in_the_order_of_the_rows() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(0, 7, (200,), generator=generator, dtype=torch.int32)
    gradient = torch.randn(200, 9, generator=generator)[:, 2:7]
    expected = torch.zeros(7, 5).index_add_(0, rows.long(), gradient)
    distinct, total = sum_by_row(rows, gradient)
    assert distinct.tolist() == list(range(7))
    assert torch.equal(total, expected)
