"""Training on rows that are kept on disk: the same rows, checks and quality as in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pytest
import torch

from sqlrec.errors import DataError, SetupError
from sqlrec.features.blocks import Whole
from sqlrec.models.deep import spool
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.placing import Budget
from sqlrec.models.deep.prepare import Prepared, prepare
from sqlrec.models.deep.spooled import Spooled
from sqlrec.models.deep.stream import OnDisk, kept
from sqlrec.models.deep.train import train
from sqlrec.models.deep.training_options import Training
from sqlrec.spec.job import TrainWork

Clicks: TypeAlias = Callable[..., pa.Table]
Work: TypeAlias = Callable[..., TrainWork]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def budget(monkeypatch: pytest.MonkeyPatch, *, table: int, encoded: int, validation: int) -> None:
    small = Budget(table=table, encoded=encoded, validation=validation)
    monkeypatch.setattr(Budget, "of", lambda megabytes: small)


def prepared(work: TrainWork) -> Prepared:
    options = deep_model(work.model.type).options
    shape = Architecture.read(options, work.model.options)
    return prepare(work, shape, Training.read(options, work.options), lambda message, done=None: None)


def all_rows(data: InMemory | Spooled) -> torch.Tensor:
    """All rows in a fixed order, side by side."""
    (rows, _), *_ = data.batches(1, len(data), 0, Group())
    parts = [tensor.double().reshape(len(rows), -1) for tensor in rows.tensors.values()]
    everything: torch.Tensor = torch.unique(torch.cat(parts, dim=1), dim=0)
    return everything


@pytest.mark.parametrize("where", ["table on disk", "tensors on disk", "both on disk"])
def test_the_same_rows_are_trained_on(
    clicks: Clicks, make_work: Work, monkeypatch: pytest.MonkeyPatch, temporary: Path, where: str
) -> None:
    table = clicks(3000).append_column("w", pa.array(np.linspace(1, 2, 3000)))
    work = make_work(table, validation_fraction=0.0, sample_weight_column="w")
    whole = prepared(work)
    limits = {
        "table on disk": {"table": 1000, "encoded": 10**9},
        "tensors on disk": {"table": 10**9, "encoded": 1000},
        "both on disk": {"table": 1000, "encoded": 1000},
    }[where]
    budget(monkeypatch, **limits, validation=10**6)
    found = prepared(work)
    assert found.encoder.to_json() == whole.encoder.to_json()
    assert found.placed.data.kept_in == ("memory" if where == "table on disk" else "disk")
    assert torch.equal(all_rows(found.placed.data), all_rows(whole.placed.data))
    assert found.placed.positive_share == whole.placed.positive_share
    assert found.placed.validation is None
    del found
    assert list(temporary.iterdir()) == []


def test_validation_rows_are_held_out_and_bounded(
    clicks: Clicks, make_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = clicks(1000, seed=5)
    for most, expected in ((10**6, 600), (11_000, 100)):
        budget(monkeypatch, table=1000, encoded=1000, validation=most)
        placed = prepared(make_work(clicks(3000), validation_fraction=0.2)).placed
        assert placed.validation is not None
        assert len(placed.data) + len(placed.validation) == 3000
        assert abs(len(placed.validation) - expected) <= 10
        assert 0.2 < placed.validation.labels.mean() < 0.8
    work = make_work(clicks(3000), validation=held_out)
    placed = prepared(work).placed
    assert placed.validation is not None
    assert len(placed.data) == 3000
    assert 90 <= len(placed.validation) <= 110


def test_labels_are_checked_by_row_wherever_the_table_is(
    clicks: Clicks, make_work: Work, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    budget(monkeypatch, table=1000, encoded=1000, validation=1000)
    table = clicks(40_000)
    place = table.column_names.index("label")
    labels = table["label"].to_numpy().copy()
    labels[34_567] = 3
    with pytest.raises(DataError, match=r"holds 3 in 1 of .* rows \(row 34568\)") as caught:
        prepared(make_work(table.set_column(place, "label", pa.array(labels))))
    assert caught.value.code == "SR454"
    ones = table.set_column(place, "label", pa.array([1] * len(table)))
    with pytest.raises(DataError, match="all 40,000 rows of clicks have label 1"):
        prepared(make_work(ones))


@pytest.mark.ml
def test_quality_and_bytes_are_those_of_a_training(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    table = clicks(20_000)
    results, weights = {}, {}
    for name, megabytes in (("memory", 0), ("disk", 1), ("again", 1)):
        output = tmp_path / name
        output.mkdir()
        work = make_work(table, batch_size=256, data_memory_mb=megabytes)
        results[name] = train(work, output, lambda message, done=None: None)
        weights[name] = (output / "weights.pt").read_bytes()
    assert [results[name].params["rows_in"] for name in results] == ["memory", "disk", "disk"]
    assert results["disk"].metrics["auc"] == pytest.approx(results["memory"].metrics["auc"], abs=0.02)
    assert weights["disk"] == weights["again"] != weights["memory"]
    assert results["disk"].metrics["peak_memory_bytes"] > 1 << 20


def test_a_stream_is_kept_where_it_fits(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": range(5000), "b": [[i, None] for i in range(5000)], "c": ["x"] * 5000})
    assert isinstance(kept(table.to_reader(500), 10**9), Whole)
    found = kept(table.to_reader(500), 20_000)
    assert isinstance(found, OnDisk)
    for _ in range(2):
        blocks = list(found.read(["c", "a"]))
        assert pa.concat_tables(blocks).equals(table.select(["c", "a"]))
        assert len(blocks) == 10
    assert next(found.read(["b"]))["b"].to_pylist() == table["b"].to_pylist()[:500]
    del found
    assert list(temporary.iterdir()) == []
    monkeypatch.setattr(spool, "PREFIX", "absent/folder/")
    with pytest.raises(FileNotFoundError):
        kept(table.to_reader(500), 20_000)


def test_a_full_disk_leaves_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": np.random.default_rng(0).random(50_000)})

    def full() -> object:
        yield from table.to_batches(1000)
        raise OSError(28, "No space left on device")

    reader = pa.RecordBatchReader.from_batches(table.schema, full())
    with pytest.raises(SetupError, match="No space left") as caught:
        kept(reader, 1000)
    assert caught.value.code == "SR570"
    assert list(temporary.iterdir()) == []
