"""What every data set promises the trainer, wherever its rows are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.models.deep import in_memory
from sqlrec.models.deep.dataset import Batch, Dataset
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.rows import Rows

Make = Callable[[Rows], Dataset]


def numbered(count: int) -> Rows:
    """Rows whose every tensor tells the row's number."""
    number = torch.arange(count)
    return Rows(
        ids=torch.stack([number, number + 1], dim=1).int(),
        bags=(number.view(-1, 1).int(), torch.stack([number, -number], dim=1).int()),
        dense=number.view(-1, 1).float(),
        labels=number.view(-1, 1).float(),
        weights=number.float() + 0.5,
    )


def numbers(rows: Rows) -> list[int]:
    """The numbers of the rows, the same in every tensor."""
    got = rows.ids[:, 0].long()
    assert torch.equal(rows.ids[:, 1].long(), got + 1)
    assert torch.equal(rows.bags[0][:, 0].long(), got)
    assert torch.equal(rows.bags[1].long(), torch.stack([got, -got], dim=1))
    assert torch.equal(rows.dense[:, 0].long(), got)
    assert torch.equal(rows.labels[:, 0].long(), got)
    assert rows.weights is not None
    assert torch.equal(rows.weights, got.float() + 0.5)
    return got.tolist()


@pytest.fixture(params=["in_memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(in_memory, "WINDOW_ROWS", 20)
    return InMemory


def epoch_of(data: Dataset, epoch: int, size: int, processes: int, start: int = 0) -> list[list[Batch]]:
    """The batches of each process."""
    return [list(data.batches(epoch, size, 7, Group(rank, processes), start)) for rank in range(processes)]


@pytest.mark.parametrize(("count", "size", "processes"), [(97, 8, 1), (97, 8, 3), (16, 8, 2), (5, 64, 2)])
def test_an_epoch_has_every_row_once_in_shares_that_part_the_batches(
    make: Make, count: int, size: int, processes: int
) -> None:
    data = make(numbered(count))
    assert len(data) == count
    shares = epoch_of(data, 1, size, processes)
    steps = math.ceil(count / size)
    assert [len(batches) for batches in shares] == [steps] * processes
    seen: list[int] = []
    for step in range(steps):
        parts = [batches[step] for batches in shares]
        batch = [number for rows, _ in parts for number in numbers(rows)]
        assert {total for _, total in parts} == {len(batch)}
        assert len(batch) == min(size, count - step * size)
        assert len({len(rows) for rows, _ in parts}) <= 2, "shares of nearly one size"
        seen += batch
    assert sorted(seen) == list(range(count))


def test_the_shares_of_several_processes_are_the_batches_of_one(make: Make) -> None:
    data = make(numbered(101))
    alone = [numbers(rows) for rows, _ in epoch_of(data, 2, 16, 1)[0]]
    together = epoch_of(data, 2, 16, 4)
    assert [[n for batches in together for n in numbers(batches[step][0])] for step in range(7)] == alone


def test_epochs_and_seeds_differ_and_repeat(make: Make) -> None:
    data = make(numbered(100))

    def order(epoch: int, seed: int) -> list[int]:
        return [n for rows, _ in data.batches(epoch, 16, seed, Group()) for n in numbers(rows)]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(2, 0)
    assert order(1, 0) != order(1, 5)
    assert order(1, 0) != list(range(100))


def test_an_epoch_entered_late_goes_on_as_from_its_start(make: Make) -> None:
    data = make(numbered(97))
    for processes in (1, 3):
        whole = epoch_of(data, 3, 8, processes)
        for start in (0, 1, 5, 12, 13):
            late = epoch_of(data, 3, 8, processes, start)
            for all_batches, tail in zip(whole, late, strict=True):
                expected = [(numbers(rows), total) for rows, total in all_batches[start:]]
                assert [(numbers(rows), total) for rows, total in tail] == expected


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 200), size=st.integers(1, 70), epoch=st.integers(1, 4))
def test_rows_in_memory_are_shuffled_as_one_permutation(count: int, size: int, epoch: int) -> None:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(7 + epoch)).tolist()
    assert [
        n for rows, _ in epoch_of(InMemory(numbered(count)), epoch, size, 1)[0] for n in numbers(rows)
    ] == order
