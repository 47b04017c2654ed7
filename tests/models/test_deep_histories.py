"""Histories: rows unpooled with their gradients, learnt by attention, continued with new values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.embedding import EmbeddingTable, reduce_gradient
from sqlrec.models.deep.resume import extended_encoder, row_origin
from sqlrec.models.deep.train import train
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Field, Schema

pytestmark = pytest.mark.ml

Work: TypeAlias = Callable[..., TrainWork]
ITEMS = 20


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


def visits(rows: int, seed: int, items: int = ITEMS) -> pa.Table:
    """The label says whether the item occurs in the history, but for one row in twenty."""
    random = np.random.default_rng(seed)
    item = random.integers(0, items, rows)
    seen = [random.integers(0, items, random.integers(0, 8)).tolist() for _ in range(rows)]
    for row in np.nonzero(random.random(rows) < 0.4)[0]:
        seen[row] = [*seen[row][:6], int(item[row])]
    known = np.array([i in s for i, s in zip(item.tolist(), seen, strict=True)])
    label = known ^ (random.random(rows) < 0.05)
    return pa.table(
        {"item": item, "seen": pa.array(seen, pa.list_(pa.int64())), "label": label.astype(np.int32)}
    )


def model_of(model_type: str, **options: OptionValue) -> ModelSpec:
    columns = {"item": "BIGINT", "seen": "ARRAY<BIGINT>", "label": "INT"}
    return ModelSpec(
        name=ModelName.of("m"),
        type=model_type,
        columns=Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in columns.items())),
        outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
        options={"label_columns": "label", "embedding_dim": 16, "hidden_units": "16", **options},
    )


DIN = model_of("tzrec.din", **{"column.seen.target": "item", "attention_hidden_units": "16,8"})
POOLED = model_of("tzrec.wide_and_deep", **{"column.seen.shared_with": "item"})


def test_rows_and_gradients_of_histories_are_those_of_autograd() -> None:
    table = EmbeddingTable.new(9, 3, seed=1)
    ids = torch.tensor([[0], [4]], dtype=torch.int32)
    history = torch.tensor([[[4, 5], [-1, 6], [-1, -1], [-1, -1]], [[-1, -1]] * 4], dtype=torch.int32)
    rows, present = table.read(history)
    assert rows.shape == (2, 2, 2, 3)
    assert present.tolist() == [[1, 1], [0, 0]]
    assert torch.equal(rows[0, 1], torch.stack([torch.zeros(3), table.weight[6]]))
    assert not rows[1].any()
    random = torch.Generator().manual_seed(0)
    single, spread = torch.randn(2, 1, 3, generator=random), torch.randn(2, 2, 2, 3, generator=random)
    touched, gradient = reduce_gradient(ids, [], single, [(history, spread)])
    expected = torch.zeros(9, 3)
    expected[0], expected[4] = single[0, 0], single[1, 0] + spread[0, 0, 0]
    expected[5], expected[6] = spread[0, 0, 1], spread[0, 1, 1]
    dense = torch.zeros(9, 3)
    dense[touched.long()] = gradient
    torch.testing.assert_close(dense, expected)
    assert touched.tolist() == [0, 4, 5, 6]


def test_a_batch_without_any_event_has_one_empty_place() -> None:
    rows, present = EmbeddingTable.new(3, 2, seed=0).read(torch.full((2, 5, 1), -1))
    assert (rows.shape, present.tolist()) == ((2, 1, 1, 2), [[0], [0]])


def test_attention_finds_what_the_mean_of_a_history_hides(make_work: Work, tmp_path: Path) -> None:
    table, held_out = visits(2500, seed=0), visits(1000, seed=1)
    found = {}
    for model in (DIN, POOLED):
        folder = tmp_path / model.type
        folder.mkdir()
        options = {"num_epochs": 5, "dense_lr": 0.005}
        work = make_work(table, validation=held_out, model=model, **options)
        found[model.type] = train(work, folder, silent).metrics["auc"]
    assert found["tzrec.din"] > 0.85
    assert found["tzrec.din"] > found["tzrec.wide_and_deep"] + 0.1


def test_new_values_of_a_history_continue_a_training(make_work: Work, tmp_path: Path) -> None:
    base_folder, folder = tmp_path / "v1", tmp_path / "v2"
    base_folder.mkdir()
    folder.mkdir()
    train(make_work(visits(400, seed=0), model=DIN), base_folder, silent)
    base, table = checkpoint.load(base_folder), visits(400, seed=1, items=ITEMS + 5)
    configs = [feature.config for feature in base.encoder.features]
    grown = extended_encoder(base.encoder, table, configs)
    assert grown.table_rows == base.encoder.table_rows + 5

    def events(encoded: Tensor, weight: Tensor) -> Tensor:
        return EmbeddingTable(weight, torch.zeros(len(weight))).read(encoded)[0]

    before = torch.from_numpy(base.encoder.transform(table).histories[0])
    after = torch.from_numpy(grown.transform(table).histories[0])
    rows = base.network.table
    assert isinstance(rows, EmbeddingTable)
    extended = rows.extended(*row_origin(base.encoder, grown))
    torch.testing.assert_close(events(after, extended.weight), events(before, base.table))
    result = train(make_work(table, model=DIN, base=base_folder), folder, silent)
    assert result.params["embedding_rows"] == str(grown.table_rows)
