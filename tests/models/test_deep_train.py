"""The training program: it learns, it is reproducible, it writes a usable checkpoint, it refuses bad data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pytest
import torch

from sqlrec.errors import DataError, JobError, OptionError, SchemaError, SetupError, SqlRecError, StateError
from sqlrec.models.deep import checkpoint, machine
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.train import train
from sqlrec.models.measuring.metrics import auc
from sqlrec.spec.job import JobResult, TrainWork
from sqlrec.spec.model import ModelSpec

pytestmark = pytest.mark.ml

Clicks: TypeAlias = Callable[..., pa.Table]
Make: TypeAlias = Callable[..., ModelSpec]
Work: TypeAlias = Callable[..., TrainWork]
Run: TypeAlias = Callable[..., tuple[JobResult, Path]]


class Lines:
    """Progress kept in memory."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shares: list[float] = []

    def __call__(self, message: str, *, done: float | None = None) -> None:
        self.lines.append(message)
        if done is not None:
            self.shares.append(done)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(work, name)`` trains into a new folder."""

    def go(work: TrainWork, name: str = "out") -> tuple[JobResult, Path]:
        folder = tmp_path / name
        folder.mkdir()
        return train(work, folder, Lines()), folder

    return go


def test_learns_the_pattern_and_reports_it(clicks: Clicks, make_work: Work, run: Run) -> None:
    table = clicks(6000, seed=1)
    result, folder = run(make_work(table, num_epochs=3))
    assert result.metrics["auc"] > 0.85
    assert 0 < result.metrics["logloss"] < 0.5
    assert result.rows == result.metrics["rows"] == 5400
    assert result.metrics["rows_per_second"] > 0
    curves = {name: [p.value for p in result.curves if p.name == name] for name in ("auc", "loss", "logloss")}
    assert len(curves["auc"]) == len(curves["logloss"]) == 3
    assert curves["loss"][-1] < curves["loss"][0]
    assert result.params["validation_rows"] == "600"
    trained = checkpoint.load(folder)
    scores = trained.predict(table)[0]
    assert scores.dtype == np.float32
    assert auc(table["label"].to_numpy(), scores) > 0.85


def test_files_of_a_checkpoint(clicks: Clicks, make_work: Work, run: Run) -> None:
    work = make_work(clicks(500))
    result, folder = run(work)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    pictures = ("loss", "roc", "precision_recall", "calibration", "scores", "importance")
    assert names == {
        *("model.json", "encoder.json", "weights.pt", "options.json", "evaluation.json"),
        *(f"plots/{name}.png" for name in pictures),
    }
    numbers = json.loads((folder / "evaluation.json").read_text())
    assert numbers["validation"]["numbers"]["auc"] == result.metrics["auc"]
    assert len(numbers["curves"]) == len(result.curves)
    trained = checkpoint.load(folder)
    assert trained.model == work.model
    assert trained.options["batch_size"] == 64
    assert trained.options["validation_fraction"] == 0.1


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(
    clicks: Clicks, make_work: Work, run: Run
) -> None:
    table = clicks(1500)
    files = [
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for seed, name in ((7, "a"), (7, "b"), (8, "c"))
        for _, folder in [run(make_work(table, seed=seed, num_epochs=2), name)]
    ]
    assert files[0] == files[1]
    assert files[0][Path("weights.pt")] != files[2][Path("weights.pt")]


def test_validation_table_is_measured_and_not_trained_on(clicks: Clicks, make_work: Work, run: Run) -> None:
    table, other = clicks(2000), clicks(300, seed=9)
    result, folder = run(make_work(table, validation=other))
    assert result.rows == 2000
    assert result.params["validation_rows"] == "300"
    scores = checkpoint.load(folder).predict(other)[0]
    assert result.metrics["auc"] == pytest.approx(auc(other["label"].to_numpy(), scores), abs=1e-6)


def test_missing_and_unseen_values_can_be_scored(clicks: Clicks, make_work: Work, run: Run) -> None:
    _, folder = run(make_work(clicks(500)))
    strange = pa.table(
        {
            "user": pa.array([None, 10**15], pa.int64()),
            "shop": pa.array([None, "never seen"]),
            "price": pa.array([None, float("nan")], pa.float64()),
            "is_new": pa.array([None, True]),
            "tags": pa.array([None, ["t1", None, "new"]], pa.list_(pa.string())),
        }
    )
    scores = checkpoint.load(folder).predict(strange)[0]
    assert np.all((scores > 0) & (scores < 1))


def test_bf16_trains_as_well_as_fp32(clicks: Clicks, make_work: Work, run: Run, tmp_path: Path) -> None:
    table = clicks(4000)
    plain, _ = run(make_work(table), "fp32")
    reduced, _ = run(make_work(table, mixed_precision="BF16"), "bf16")
    assert reduced.metrics["auc"] == pytest.approx(plain.metrics["auc"], abs=0.02)
    assert (reduced.params["precision"] == "BF16") == machine.has_bf16()
    assert bool(reduced.warnings) != machine.has_bf16()


def test_early_stopping_keeps_the_best_epoch(clicks: Clicks, make_work: Work, run: Run) -> None:
    train_rows, validation = clicks(400, seed=1), clicks(2000, seed=2)
    fast = {"num_epochs": 40, "early_stopping_patience": 2, "sparse_lr": 0.5, "dense_lr": 0.05}
    result, folder = run(make_work(train_rows, validation=validation, **fast))
    aucs = [p.value for p in result.curves if p.name == "auc"]
    best = int(np.argmax(aucs))
    assert result.params["best_epoch"] == str(best + 1)
    assert len(aucs) == best + 3 < 40
    assert result.metrics["auc"] == pytest.approx(aucs[best], abs=1e-9)
    trained = checkpoint.load(folder)
    scores = trained.predict(validation)[0]
    assert auc(validation["label"].to_numpy(), scores) == pytest.approx(aucs[best], abs=1e-6)
    steps = math.ceil(400 / 64) * (best + 1)
    assert {int(state["step"]) for state in trained.adam["state"].values()} == {steps}


def test_without_validation_rows_nothing_is_measured(clicks: Clicks, make_work: Work, run: Run) -> None:
    result, folder = run(make_work(clicks(300), validation_fraction=0.0))
    assert "auc" not in result.metrics
    assert result.rows == 300
    assert "not measured" in result.warnings[0]
    assert [p.name for p in (folder / "plots").iterdir()] == ["loss.png"]


def test_validation_rows_of_one_class_have_a_loss_but_no_auc(
    clicks: Clicks, make_work: Work, run: Run
) -> None:
    table = clicks(300)
    ones = table.filter(pa.compute.equal(table["label"], 1))
    result, _ = run(make_work(table, validation=ones))
    assert "auc" not in result.metrics
    assert result.metrics["logloss"] > 0
    assert "no AUC" in result.warnings[0]


def test_progress_goes_forward_to_the_end(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    lines = Lines()
    train(make_work(clicks(1000), num_epochs=2), tmp_path, lines)
    assert lines.shares == sorted(lines.shares)
    assert lines.shares[-1] == 1.0
    assert any("rows/s" in line and "loss" in line for line in lines.lines)


@pytest.mark.parametrize("columns", [{"user": "BIGINT"}, {"price": "DOUBLE"}, {"tags": "ARRAY<STRING>"}])
def test_models_of_one_kind_of_feature(
    clicks: Clicks, make_model: Make, make_work: Work, run: Run, columns: dict[str, str]
) -> None:
    model = make_model(columns)
    result, folder = run(make_work(clicks(2000), model=model, num_epochs=2))
    assert result.metrics["auc"] > 0.55
    assert len(checkpoint.load(folder).predict(clicks(5))[0]) == 5


def test_narrower_columns_and_a_bounded_vocabulary(
    clicks: Clicks, make_model: Make, make_work: Work, run: Run
) -> None:
    model = make_model(**{"column.user.bucket_size": 12, "column.shop.embedding_dim": 2})
    result, folder = run(make_work(clicks(1500), model=model))
    trained = checkpoint.load(folder)
    assert {s.name: s.rows for s in trained.encoder.slots}["user"] == 12
    assert {column.name: column.dim for column in layout_of(trained.encoder, model).columns}["shop"] == 2
    assert result.metrics["auc"] > 0.6


def _replace(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


@pytest.mark.parametrize(
    ("name", "values", "kind", "words"),
    [
        ("label", [1] * 50, DataError, "all 50 rows of clicks have label 1"),
        ("label", [None] * 50, DataError, "50 of 50 rows"),
        ("price", [float("inf")] * 3 + [1.0] * 47, DataError, "'price' has 3 infinite values"),
        ("user", [f"u{i}" for i in range(50)], SqlRecError, "'user'"),
        ("tags", ["a"] * 50, SqlRecError, "'tags'"),
    ],
)
def test_bad_tables_leave_no_files(
    clicks: Clicks,
    make_work: Work,
    tmp_path: Path,
    name: str,
    values: list[Any],
    kind: type[SqlRecError],
    words: str,
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    with pytest.raises(kind) as caught:
        train(make_work(_replace(clicks(50), name, values)), output, Lines())
    assert words in caught.value.message
    assert list(output.iterdir()) == []


def test_one_row_of_each_class_is_enough_to_run(clicks: Clicks, make_work: Work, run: Run) -> None:
    table = _replace(clicks(2), "label", [0, 1])
    result, _ = run(make_work(table))
    assert result.rows == 2


def test_a_diverging_training_fails_and_names_the_step(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    with pytest.raises(JobError, match=r"diverged: .* epoch 1, step"):
        train(make_work(clicks(500), dense_lr=1e30, sparse_lr=1e30), tmp_path, Lines())


def test_early_stopping_needs_validation_rows(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    work = make_work(clicks(50), early_stopping_patience=1, validation_fraction=0.0)
    with pytest.raises(OptionError, match="SR456"):
        train(work, tmp_path, Lines())


def test_an_output_that_cannot_be_written_is_a_setup_error(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="SR703"):
        train(make_work(clicks(50)), tmp_path / "absent", Lines())


@pytest.mark.parametrize("damage", ["weights.pt", "encoder.json", "model.json", "options.json"])
def test_a_damaged_checkpoint_is_told_apart(clicks: Clicks, make_work: Work, run: Run, damage: str) -> None:
    _, folder = run(make_work(clicks(100)))
    (folder / damage).write_bytes(b"\x00 damaged")
    with pytest.raises(SqlRecError):
        checkpoint.load(folder)
    (folder / damage).unlink()
    with pytest.raises(StateError, match="SR521"):
        checkpoint.load(folder)


def test_resumed_weights_are_those_of_the_base_before_any_step(
    clicks: Clicks, make_work: Work, run: Run
) -> None:
    table, more = clicks(1500), clicks(1500, seed=5, users=60)
    _, base = run(make_work(table), "base")
    still = make_work(more, base=base, sparse_lr=0.0, dense_lr=0.0)
    _, copied = run(still, "copied")
    before, after = checkpoint.load(base), checkpoint.load(copied)
    assert after.encoder.table_rows > before.encoder.table_rows
    np.testing.assert_array_equal(after.predict(more)[0], before.predict(more)[0])


def test_resuming_learns_new_values_and_keeps_old_ones(clicks: Clicks, make_work: Work, run: Run) -> None:
    old, new = clicks(3000, users=30), clicks(3000, seed=5, users=60)
    _, base = run(make_work(old), "base")
    _, resumed = run(make_work(new, base=base), "resumed")
    before, after = checkpoint.load(base), checkpoint.load(resumed)
    labels = new["label"].to_numpy()
    assert auc(labels, after.predict(new)[0]) > auc(labels, before.predict(new)[0]) + 0.02
    values = [f.vocabulary.values for f in before.encoder.categories]
    grown = [f.vocabulary.values for f in after.encoder.categories]
    assert all(g[: len(v)] == v for g, v in zip(grown, values, strict=True))
    rows = slice(0, len(values[0]))
    assert torch.all(after.accumulator[rows] >= before.accumulator[rows])
    steps = [int(checkpoint.load(p).adam["state"][0]["step"]) for p in (base, resumed)]
    assert steps[1] == 2 * steps[0]


def test_a_vocabulary_grows_up_to_its_bucket_size_only(
    clicks: Clicks, make_model: Make, make_work: Work, run: Run
) -> None:
    model = make_model(**{"column.user.bucket_size": 45})
    _, base = run(make_work(clicks(3000, users=40), model=model), "base")
    _, resumed = run(make_work(clicks(3000, users=200), base=base, model=model), "resumed")
    assert {s.name: s.rows for s in checkpoint.load(resumed).encoder.slots}["user"] == 45


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ({"user": "BIGINT", "label": "INT"}, {}, "it has a column 'is_new'"),
        ({"user": "STRING"}, {}, "'user' has type BIGINT in it, STRING in the model"),
        ({"city": "STRING"}, {}, "it has no column 'city'"),
        ({}, {"embedding_dim": 8}, "embedding_dim 4 in it, 8 in the model"),
        ({}, {"hidden_units": "9"}, "its hidden_units is 16,8"),
    ],
)
def test_a_base_of_another_shape_is_refused(
    clicks: Clicks,
    make_model: Make,
    make_work: Work,
    run: Run,
    columns: dict[str, str],
    options: dict[str, Any],
    words: str,
) -> None:
    table = clicks(200)
    _, base = run(make_work(table), "base")
    declared = {f.name: str(f.type) for f in make_model().columns}
    model = make_model({**({} if "label" in columns else declared), **columns} or declared, **options)
    table = table.append_column("city", pa.array(["x"] * 200))
    if columns.get("user") == "STRING":
        table = _replace(table, "user", [str(u) for u in table["user"].to_pylist()])
    with pytest.raises(SchemaError) as caught:
        run(make_work(table, base=base, model=model), "resumed")
    assert caught.value.code == "SR455"
    assert words in caught.value.message


def test_a_missing_base_is_told(clicks: Clicks, make_work: Work, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no readable training checkpoint"):
        train(make_work(clicks(50), base=tmp_path / "nowhere"), tmp_path, Lines())


def test_weights_that_overflow_in_the_last_step_are_not_published(
    clicks: Clicks, make_work: Work, tmp_path: Path
) -> None:
    with pytest.raises(JobError, match=r"diverged: weights are no longer finite after epoch 1"):
        train(make_work(clicks(60), sparse_lr=float("inf")), tmp_path, Lines())


def test_what_decides_about_rows_is_no_feature_and_is_needed_for_training_only(
    clicks: Clicks, make_model: Make, make_work: Work, run: Run
) -> None:
    """A weight column that the model declares, and that the table of VALIDATE ON lacks."""
    table, held_out = clicks(600), clicks(200, seed=4)
    weighted = table.append_column("importance", pa.array(np.where(table["label"].to_numpy(), 5.0, 1.0)))
    columns = {"user": "BIGINT", "importance": "DOUBLE", "label": "INT"}
    model = make_model(columns, sample_weight_column="importance")
    work = make_work(
        weighted, validation=held_out, model=model, sample_weight_column="importance", num_epochs=5
    )
    result, folder = run(work)
    trained = checkpoint.load(folder)
    assert [feature.config.name for feature in trained.encoder.features] == ["user"]
    assert trained.predict(held_out)[0].mean() > held_out["label"].to_numpy().mean() + 0.1
    told = json.loads((folder / "evaluation.json").read_text())
    assert set(told["importance"]) == {"user"}
    assert result.params["validation_rows"] == "200"
