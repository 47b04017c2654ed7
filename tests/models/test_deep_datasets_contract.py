"""What every data set promises the trainer, wherever its rows are kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.models.deep import in_memory, spooled
from sqlrec.models.deep.dataset import Batch, Dataset
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Spool, shapes_of
from sqlrec.models.deep.spooled import Part, Spooled

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


@pytest.fixture(params=["in_memory", "spooled"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(in_memory, "WINDOW_ROWS", 20)
    monkeypatch.setattr(spooled, "BLOCK_ROWS", 4)
    monkeypatch.setattr(spooled, "WINDOW_ROWS", 20)

    def on_disk(rows: Rows) -> Dataset:
        return Spooled(spooled_rows(rows), Part.whole(len(rows)))

    return {"in_memory": InMemory, "spooled": on_disk}[request.param]


def spooled_rows(rows: Rows) -> Spool:
    spool = Spool.make(shapes_of(rows), len(rows))
    for start in range(0, len(rows), 7):
        spool.write(start, rows.slice(start, start + 7))
    return spool


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


@pytest.mark.parametrize("unit", [3, 7, 16, 200])
@pytest.mark.parametrize(("machines", "at_each"), [(2, 1), (3, 2)])
def test_machines_bring_the_rows_that_they_have_of_the_batches_of_one(
    monkeypatch: pytest.MonkeyPatch, unit: int, machines: int, at_each: int
) -> None:
    monkeypatch.setattr(spooled, "BLOCK_ROWS", 4)
    monkeypatch.setattr(spooled, "WINDOW_ROWS", 20)
    rows, size = numbered(90), machines * at_each
    alone = Spooled(spooled_rows(rows), Part.whole(90))
    parts = [Part(rows=90, unit=unit, machine=machine, machines=machines) for machine in range(machines)]
    owned = [part.owner(np.arange(90)) == part.machine for part in parts]
    datasets = [
        Spooled(spooled_rows(rows.take(torch.from_numpy(np.flatnonzero(mine)))), part)
        for part, mine in zip(parts, owned, strict=True)
    ]
    for start in (0, 3):
        whole = list(alone.batches(1, 12, 0, Group(), start))
        shares = [
            list(datasets[rank // at_each].batches(1, 12, 0, Group(rank, size), start))
            for rank in range(size)
        ]
        assert {len(batches) for batches in shares} == {len(whole)}
        for step, (batch, total) in enumerate(whole):
            assert {batches[step][1] for batches in shares} == {total}
            brought = [n for batches in shares for n in numbers(batches[step][0])]
            assert sorted(brought) == sorted(numbers(batch))


def test_rows_from_all_over_the_disk_meet_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled, "BLOCK_ROWS", 8)
    monkeypatch.setattr(spooled, "WINDOW_ROWS", 256)
    data = Spooled(spooled_rows(numbered(4096)), Part.whole(4096))
    means = [sum(numbers(rows)) / len(rows) for rows, _ in data.batches(1, 128, 0, Group())]
    assert max(abs(mean - 2048) for mean in means) < 800, "a batch in table order is 1984 off"
