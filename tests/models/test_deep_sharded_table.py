"""Divided embedding rows as the training sees them, with shards of one process; and how rows come and go."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sqlrec.models.deep import dealing
from sqlrec.models.deep.beginning import ALIGNED, Beginning, Fresh, Grown, bounds
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.deep.dealing import Span
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.filling import fill, unwritten
from sqlrec.models.deep.goals.binary import GOAL
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.optimizer import Optimizer
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.sharded import ShardedTable
from sqlrec.models.deep.training_options import Training

TABLE_ROWS, WIDTH, UNUSED = 40, 5, 3


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dummy: Tensor, shards: OneShard, rows: Tensor) -> Tensor:
        ctx.shards, ctx.rows = shards, rows
        return nn.functional.pad(shards.table.weight[rows], (0, UNUSED), value=9.0)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[None, None, None]:
        assert not upstream[0][:, WIDTH:].any(), "what is not used has no gradient"
        ctx.shards.table.update(ctx.rows, upstream[0][:, :WIDTH], ctx.shards.learning_rate, ctx.shards.decay)
        return None, None, None


class OneShard:
    """All rows in one process, changed on the way backward."""

    def __init__(self, decay: float = 0.0) -> None:
        self.table = EmbeddingTable(torch.empty(TABLE_ROWS, WIDTH), torch.empty(TABLE_ROWS))
        self.decay, self.learning_rate, self.fetched = decay, 0.0, list[list[int]]()
        self.spans = (Span(0, 7, 0), Span(7, TABLE_ROWS, 0))

    def begin(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def fetch(self, rows: Tensor) -> Tensor:
        assert rows.dtype is torch.int64
        assert not rows.is_inference()
        self.fetched.append(rows.tolist())
        found: Tensor = _Step.apply(torch.zeros(0, requires_grad=True), self, rows)  # type: ignore[no-untyped-call]
        return found

    def take(self, start: int, stop: int) -> EmbeddingTable:
        return EmbeddingTable(
            self.table.weight[start:stop].clone(), self.table.accumulator[start:stop].clone()
        )

    def keep(self, start: int, rows: EmbeddingTable) -> None:
        self.table.weight[start : start + len(rows.weight)] = rows.weight
        self.table.accumulator[start : start + len(rows.weight)] = rows.accumulator

    @property
    def tensors(self) -> dict[str, Tensor]:
        return self.table.tensors


class Head(nn.Module):
    """One linear layer over columns, a bag and a history."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * WIDTH, 1)
        self.of_history = nn.Linear(WIDTH, 1)

    def forward(self, embedded: Tensor, dense: Tensor, history: Tensor, present: Tensor) -> Tensor:
        """Logits [batch, 1]."""
        read = (history.sum(dim=2) * present.unsqueeze(2)).sum(dim=1)
        logits: Tensor = self.linear(embedded.flatten(start_dim=1)) + self.of_history(read)
        return logits


def _network(table: EmbeddingTable | ShardedTable) -> Network:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        return Network(table, Head(), GOAL)


def _rows(count: int, seed: int) -> Rows:
    random = torch.Generator().manual_seed(seed)

    def numbers(least: int, *shape: int) -> Tensor:
        return torch.randint(least, TABLE_ROWS, shape, generator=random, dtype=torch.int32)

    return Rows(
        ids=numbers(0, count, 2),
        bags=(numbers(-20, count, 3).clamp(min=-1),),
        dense=torch.zeros(count, 0),
        labels=torch.randint(0, 2, (count, 1), generator=random).float(),
        histories=(numbers(-20, count, 4, 2).clamp(min=-1),),
    )


def _sharded(beginning: Beginning, decay: float = 0.0) -> tuple[ShardedTable, OneShard]:
    shards = OneShard(decay)
    table = ShardedTable(shards, Group(), WIDTH)
    table.start(beginning)
    return table, shards


BEGINNING = Fresh(TABLE_ROWS, WIDTH, seed=4)


@pytest.mark.parametrize("norm", [0.0, 0.01])
def test_steps_are_those_of_a_whole_table(norm: float) -> None:
    table, shards = _sharded(BEGINNING, decay=0.3)
    whole, divided = _network(BEGINNING.whole()), _network(table)
    options = {"sparse_lr": 0.1, "dense_lr": 0.01, "max_grad_norm": norm, "sparse_weight_decay": 0.3}
    training = Training.read(WIDE_AND_DEEP.options, options)
    for network in (whole, divided):
        optimizer = Optimizer(network, training, Group())
        for step, count in enumerate((6, 3, 0, 8)):
            optimizer.set_factor(1.0 - step / 10)
            rows = _rows(count, seed=step)
            looked = network.look_up(rows)
            loss = GOAL.loss(network.head(*looked.inputs), rows, Group())
            optimizer.step(loss / 8, looked, ())
    assert isinstance(whole.table, EmbeddingTable)
    torch.testing.assert_close(shards.table.weight, whole.table.weight)
    torch.testing.assert_close(shards.table.accumulator, whole.table.accumulator)
    np.testing.assert_allclose(divided.predict(_rows(9, 7)), whole.predict(_rows(9, 7)), atol=1e-6)
    assert all(rows == sorted({*rows}) for rows in shards.fetched), "each row is fetched once"


def test_a_batch_without_any_value_is_looked_up() -> None:
    table, shards = _sharded(BEGINNING)
    empty = torch.full((2, 3), -1, dtype=torch.int32)
    rows = Rows(
        ids=torch.empty(2, 0, dtype=torch.int32),
        bags=(empty,),
        dense=torch.zeros(2, 0),
        labels=torch.zeros(2, 1),
    )
    assert not _network(table).look_up(rows).embedded.any()
    assert shards.fetched == [[]]


def test_a_copy_is_put_back() -> None:
    table, shards = _sharded(BEGINNING)
    copy = {name: tensor.clone() for name, tensor in table.tensors.items()}
    finite = [table.is_finite]
    shards.table.weight[3, 2] = torch.nan
    assert [*finite, table.is_finite] == [True, False]
    table.put(copy)
    assert torch.equal(shards.table.weight, copy["weight"])


def test_work_of_the_root_looks_before_each_borrowing_whether_it_goes_on() -> None:
    table, shards = _sharded(BEGINNING)
    network, asked = _network(table), list[int]()

    def check() -> None:
        asked.append(len(asked))
        if len(asked) == 3:
            raise KeyboardInterrupt

    def work() -> None:
        for _ in range(9):
            network.predict(_rows(2, 0))

    with pytest.raises(KeyboardInterrupt):
        table.answering(work, check)
    assert (len(asked), len(shards.fetched)) == (3, 2)
    assert table.answering(lambda: network.predict(_rows(2, 0)).shape) == (2, 1)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 200), width=st.integers(2, 9), at_once=st.integers(1, 50), seed=st.integers(0, 9))
def test_blocks_are_the_whole_table(rows: int, width: int, at_once: int, seed: int) -> None:
    assert bounds(rows, at_once)[-1][1] == rows
    assert all(start % ALIGNED == 0 for start, _ in bounds(rows, at_once))
    fresh = Fresh(rows, width, seed)
    origin = torch.randint(0, rows, (rows + 30,), generator=torch.Generator().manual_seed(seed))
    grown = Grown(fresh.whole(), origin, origin % 3 == 0)
    beginnings: tuple[Beginning, ...] = (fresh, grown)
    for beginning in beginnings:
        blocks, whole = list(beginning.blocks(at_once)), beginning.whole()
        assert torch.equal(torch.cat([block.weight for block in blocks]), whole.weight)
        assert torch.equal(torch.cat([block.accumulator for block in blocks]), whole.accumulator)
        assert whole.weight.shape == (beginning.rows, beginning.width)


def test_rows_that_are_dealt_are_collected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "SENT_BYTES", 16 * 4 * WIDTH)
    table, _ = _sharded(Grown(BEGINNING.whole(), torch.arange(TABLE_ROWS), torch.zeros(TABLE_ROWS).bool()))
    blocks = list(table.blocks())
    assert [len(block.weight) for block in blocks] == [7, 9, TABLE_ROWS - 16]
    assert torch.equal(torch.cat([block.weight for block in blocks]), BEGINNING.whole().weight)


def test_a_file_that_is_filled_is_the_file_of_the_rows(tmp_path: Path) -> None:
    whole = EmbeddingTable(torch.rand(1000, 7), torch.rand(1000))
    files = {}
    for name, table in (("whole", whole), ("filled", unwritten(1000, 7))):
        head = {"w": torch.arange(9.0), "n": torch.tensor(3)}
        torch.save({"table": table.weight, "accumulator": table.accumulator, "head": head}, tmp_path / name)
        files[name] = tmp_path / name
    blocks = [EmbeddingTable(whole.weight[a:b], whole.accumulator[a:b]) for a, b in ((0, 400), (400, 1000))]
    fill(files["filled"], blocks)
    with zipfile.ZipFile(files["filled"]) as archive:
        assert archive.testzip() is None
        assert archive.read("filled/data/0") == whole.weight.numpy().tobytes()
    found = torch.load(files["filled"], weights_only=True)
    assert torch.equal(found["table"], whole.weight)
    assert torch.equal(found["accumulator"], whole.accumulator)
    assert torch.equal(found["head"]["w"], torch.arange(9.0))
    with pytest.raises(ValueError, match="11200 bytes for the 28000"):
        fill(files["filled"], blocks[:1])
