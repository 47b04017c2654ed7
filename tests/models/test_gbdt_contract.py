"""What gbdt types have of their own: quality, importance, weights, groups, categories, bad rows.

What they share with all model types is held by the contract of all types.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import publish, read_signature
from sqlrec.errors import DataError, OptionError, SchemaError, StateError
from sqlrec.features.raw import raw_inputs
from sqlrec.models.exporting.session import open_variant, run
from sqlrec.models.lookup import get_controller
from sqlrec.models.tabular import checkpoint
from sqlrec.models.tabular.export import export
from sqlrec.models.tabular.train import train
from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_wire import JsonWire
from sqlrec.serving.scorer import load_scorer
from sqlrec.spec.job import ExportWork, JobResult, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Parsed, Scope
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.table import Relation, TableFormat, TableSource

pytestmark = pytest.mark.ml

COLUMNS = {
    "age": "BIGINT",
    "income": "DOUBLE",
    "city": "STRING",
    "member": "BOOLEAN",
    "since": "DATE",
    "query": "INT",
    "importance": "FLOAT",
    "clicked": "BOOLEAN",
    "plan": "STRING",
    "spent": "DOUBLE",
    "relevance": "INT",
}
LABELS = ("clicked", "plan", "spent", "relevance")
ROWS = 300
PLANS = ("basic", "gold", "none")


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


def people(rows: int, seed: int) -> pa.Table:
    """Clicks, plans and spending that follow age, city and membership."""
    rng = np.random.default_rng(seed)
    age, city, member = rng.integers(18, 80, rows), rng.integers(0, 12, rows), rng.random(rows) < 0.4
    income = rng.gamma(2.0, 1000.0, rows)
    score = (age - 45) / 15 + 1.2 * (city % 3 - 1) + member + income / 3000 + rng.normal(0, 0.3, rows)
    level = np.digitize(score, np.quantile(score, (0.4, 0.75)))
    return pa.table(
        {
            "age": pa.array(age, mask=rng.random(rows) < 0.05),
            "income": pa.array(income, mask=rng.random(rows) < 0.1),
            "city": pa.array([f"city-{c}" for c in city], mask=rng.random(rows) < 0.05),
            "member": pa.array(member),
            "since": pa.array([date(2020, 1, 1 + int(d)) for d in rng.integers(0, 28, rows)]),
            "query": pa.array(rng.permutation(rows) // 10, pa.int32()),
            "importance": pa.array(rng.uniform(0.5, 2, rows), pa.float32()),
            "clicked": pa.array(score > 1.0),
            "plan": pa.array([PLANS[k] for k in level]),
            "spent": pa.array(score * 100 + 1000),
            "relevance": pa.array(level, pa.int32()),
        }
    )


FEW = {"num_iterations": 12, "learning_rate": 0.3, "max_depth": 4, "seed": 1}
SMALL: dict[str, Mapping[str, Parsed]] = {
    "lightgbm": {**FEW, "num_leaves": 8, "min_data_in_leaf": 5},
    "xgboost": FEW,
    "catboost": {"cb_iterations": 12, "cb_depth": 3, "learning_rate": 0.3, "seed": 1},
}


@dataclass(frozen=True)
class Case:
    """A type and an objective, the metric that shows it has learnt, and the least value of it."""

    library: str
    objective: str
    label: str
    metric: str
    least: float
    options: Mapping[str, OptionValue] = field(default_factory=dict)

    @property
    def model(self) -> ModelSpec:
        no_features = {"query", "importance"} - set(map(str, self.options.values()))
        names = [n for n in COLUMNS if n not in (*LABELS, *no_features) or n == self.label]
        columns = Schema(tuple(Field(name=n, type=DataType.parse(COLUMNS[n])) for n in names))
        options = {
            "model": f"gbdt.{self.library}",
            "label_columns": self.label,
            "objective": self.objective,
            **self.options,
        }
        controller = get_controller(f"gbdt.{self.library}")
        effective = controller.options.effective(Scope.MODEL, model=options)
        return ModelSpec(
            name=ModelName.of("people"),
            type=controller.type,
            columns=columns,
            outputs=controller.outputs(columns, {key: found.value for key, found in effective.items()}),
            options=options,
        )


CASES = {
    "lightgbm": Case("lightgbm", "binary", "clicked", "auc", 0.7, {"sample_weight_column": "importance"}),
    "lightgbm ranks": Case("lightgbm", "ranking", "relevance", "ndcg_5", 0.8, {"group_column": "query"}),
    "xgboost": Case("xgboost", "multiclass", "plan", "accuracy", 0.55, {"categorical_features": "auto"}),
    "catboost": Case("catboost", "binary", "clicked", "auc", 0.7),
    "catboost of classes": Case("catboost", "multiclass", "plan", "accuracy", 0.5),
    "xgboost of numbers": Case("xgboost", "regression", "spent", "r2", 0.6),
}


@dataclass(frozen=True)
class Shop:
    """A folder with the tables of the tests."""

    folder: Path

    def table(self, table: pa.Table, name: str) -> Relation:
        path = self.folder / f"{name}.parquet"
        pq.write_table(table, path)
        source = TableSource(name=name, format=TableFormat.PARQUET, path=str(path))
        return Relation(query=f"SELECT * FROM {name}", sources={name: source})

    def train(
        self, case: Case, table: pa.Table, name: str = "v1", base: Path | None = None, **options: Parsed
    ) -> JobResult:
        work = TrainWork(
            model=case.model,
            checkpoint=name,
            data=self.table(table, "people"),
            base_uri=str(base) if base else "",
            options={**SMALL[case.library], **options},
        )
        (self.folder / name).mkdir()
        return train(work, self.folder / name, silent)

    def export(self, case: Case, table: pa.Table, name: str = "v1") -> JobResult:
        (self.folder / f"{name}_export").mkdir()
        work = ExportWork(
            model=case.model,
            checkpoint=f"{name}_export",
            source_uri=str(self.folder / name),
            sample=self.table(table, "sample"),
        )
        return export(work, self.folder / f"{name}_export", silent)


@dataclass(frozen=True)
class Made:
    """A case that was trained and exported once, for all tests that only read it."""

    case: Case
    shop: Shop
    result: JobResult
    exported: JobResult

    @property
    def origin(self) -> checkpoint.Trained:
        return checkpoint.load(self.shop.folder / "v1")

    def answers(self, table: pa.Table) -> list[npt.NDArray[Any]]:
        """What the exported file answers to raw columns."""
        folder = self.shop.folder / "v1_export"
        signature = read_signature(folder)
        session = open_variant(folder, signature.variants["fp32"].file)
        return run(session, raw_inputs(table, signature.inputs))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """``make(case)``: trained and exported once; nobody changes the files."""

    @functools.cache
    def trained(name: str) -> Made:
        case, shop = CASES[name], Shop(tmp_path_factory.mktemp("gbdt"))
        result = shop.train(case, people(ROWS, 1))
        return Made(case, shop, result, shop.export(case, people(100, 2)))

    return trained


@pytest.fixture(params=CASES)
def made(request: pytest.FixtureRequest, make: Callable[[str], Made]) -> Made:
    return make(request.param)


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_it_learns_and_says_how_well(made: Made) -> None:
    assert made.result.metrics[made.case.metric] > made.case.least
    assert made.result.warnings == ()
    assert made.result.metrics["rows_per_second"] > 0
    assert made.result.params["best_round"] == "12"
    assert {p.step for p in made.result.curves} <= set(range(1, 13))
    report = json.loads((made.shop.folder / "v1" / "evaluation.json").read_text())
    assert sum(report["importance"].values()) == pytest.approx(1)
    assert set(report["importance"]) == {c.name for c in made.origin.encoder.inputs}
    assert (made.shop.folder / "v1" / "plots" / "importance.png").exists()


def test_the_same_checkpoint_gives_the_same_export(made: Made, tmp_path: Path) -> None:
    again = Shop(tmp_path)
    (tmp_path / "v1").symlink_to(made.shop.folder / "v1")
    again.export(made.case, people(100, 2))
    assert files_of(tmp_path / "v1_export") == files_of(made.shop.folder / "v1_export")


def test_weights_and_groups_are_no_features(made: Made) -> None:
    names = {column.name for column in read_signature(made.shop.folder / "v1_export").inputs}
    assert names == {"age", "income", "city", "member", "since"}
    assert names == set(made.case.model.features.names)


def test_the_export_answers_as_the_trained_model(made: Made) -> None:
    rows, signature = people(80, 3), read_signature(made.shop.folder / "v1_export")
    ((expected,), (found,)) = made.origin.predict(rows), made.answers(rows)
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made.answers(rows.slice(7, 1))[0][0], found[7], rtol=1e-6)
    assert signature.objective == made.case.objective
    if made.case.objective == "multiclass":
        assert signature.classes == PLANS
        assert expected.shape == (80, 3)
        np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
        likeliest = np.array(PLANS)[expected.argmax(axis=1)]
        assert (likeliest == np.array(rows["plan"].to_pylist())).mean() > 0.6
    assert made.exported.metrics["fp32.max_delta"] < 1e-2
    assert f"fp32.{made.case.metric}" in made.exported.metrics


def test_missing_unseen_and_huge_values_are_answered(made: Made) -> None:
    strange = pa.table(
        {
            "age": pa.array([None, -(2**62), 2**62, 30], pa.int64()),
            "income": pa.array([None, float("inf"), -1e300, float("nan")]),
            "city": pa.array([None, "nowhere", "", "città-1"]),
            "member": pa.array([None, True, False, None]),
            "since": pa.array([None, date(1, 1, 1), date(9999, 12, 31), date(2020, 1, 1)]),
        }
    )
    ((expected,), (found,)) = made.origin.predict(strange), made.answers(strange)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("made", ["lightgbm"], indirect=True)
def test_dates_and_booleans_are_served(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in files_of(made.shop.folder / "v1_export").items():
        (folder / name).write_bytes(content)
    publish(folder, tmp_path / "final", JobResult())
    spec = ServiceSpec(
        name="s",
        models=(
            ServedModel(
                model=made.case.model, checkpoint="v1_export", version=1, model_uri=str(tmp_path / "final")
            ),
        ),
    )
    scorer = load_scorer(spec.own, threads=1, observe=lambda report: None)
    rows = people(5, 5)
    raw = rows.select(["age", "income", "city", "member"]).to_pylist()
    days = rows["since"].to_pylist()
    body = [{**row, "since": (d - date(1970, 1, 1)).days} for row, d in zip(raw, days, strict=True)]
    wire = JsonWire(scorer.signature, missing_as_null=False, max_rows=100)
    reading = wire.read(json.dumps(body).encode(), lambda name: "")
    (outputs,) = scorer.score([reading.frame])
    assert not isinstance(outputs, RequestError)
    answer = reading.write(outputs)
    np.testing.assert_allclose(
        json.loads(answer)["probs"], made.origin.predict(rows)[0], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("made", ["lightgbm", "xgboost", "catboost"], indirect=True)
def test_training_goes_on_from_a_checkpoint(made: Made, tmp_path: Path) -> None:
    base = made.shop.folder / "v1"
    more = people(ROWS, 7)
    cities = pa.array([f"new-{i % 3}" if i % 2 else "city-0" for i in range(ROWS)])
    result = Shop(tmp_path).train(made.case, more.set_column(2, "city", cities), base=base)
    assert result.params["best_round"] == "24"
    rows = people(50, 8)
    before, after = (checkpoint.load(folder).predict(rows)[0] for folder in (base, tmp_path / "v1"))
    assert not np.array_equal(before, after)
    Shop(tmp_path).export(made.case, rows)


@pytest.mark.parametrize("made", ["lightgbm", "xgboost", "catboost"], indirect=True)
def test_a_checkpoint_of_another_definition_is_no_base(made: Made, tmp_path: Path) -> None:
    other = Case(made.case.library, "regression", "spent", "r2", 0)
    with pytest.raises(SchemaError, match="its objective is") as caught:
        Shop(tmp_path).train(other, people(50, 1), base=made.shop.folder / "v1")
    assert caught.value.code == "SR455"


def test_a_damaged_checkpoint_is_an_error(made: Made, tmp_path: Path) -> None:
    own = {"lightgbm": "model.txt", "xgboost": "xgboost.json", "catboost": "model.cbm"}[made.case.library]
    for damaged in (own, "encoder.json", "options.json"):
        for name, content in files_of(made.shop.folder / "v1").items():
            (tmp_path / name).write_bytes(b"torn" if name == damaged else content)
        with pytest.raises((StateError, DataError)) as caught:
            checkpoint.load(tmp_path)
        assert caught.value.code == "SR521"


def changed(column: str, values: list[Any]) -> pa.Table:
    table = people(20, 1)
    position = table.column_names.index(column)
    return table.set_column(position, column, pa.array(values * (20 // len(values))))


NUMBERS = Case("lightgbm", "regression", "spent", "r2", 0)
RANKS = CASES["lightgbm ranks"]


@pytest.mark.parametrize(
    ("case", "table", "code"),
    [
        (CASES["lightgbm"], people(20, 1).slice(0, 0), "SR451"),
        (CASES["lightgbm"], people(20, 1).drop_columns(["city"]), "SR450"),
        (CASES["lightgbm"], people(20, 1).drop_columns(["clicked"]), "SR450"),
        (CASES["lightgbm"], changed("clicked", [True]), "SR452"),
        (CASES["lightgbm"], changed("clicked", [0, 2]), "SR454"),
        (CASES["lightgbm"], changed("clicked", [True, None]), "SR453"),
        (CASES["lightgbm"], changed("income", [1.0, float("inf")]), "SR443"),
        (CASES["lightgbm"], changed("age", ["young", "old"]), "SR442"),
        (CASES["lightgbm"], changed("importance", [1.0, 0.0]), "SR541"),
        (CASES["lightgbm"], changed("importance", [1.0, None]), "SR541"),
        (NUMBERS, changed("spent", ["much", "little"]), "SR454"),
        (NUMBERS, changed("spent", [1.0, float("inf")]), "SR454"),
        (NUMBERS, changed("spent", [3.0]), "SR452"),
        (RANKS, changed("relevance", [1, -1]), "SR454"),
        (RANKS, changed("query", [1, None]), "SR542"),
        (CASES["xgboost"], changed("plan", ["gold"]), "SR452"),
        (CASES["xgboost"], changed("plan", [0.5, 1.5]), "SR454"),
        (CASES["catboost"], changed("clicked", [False]), "SR452"),
    ],
)
def test_bad_rows_are_refused(case: Case, table: pa.Table, code: str, tmp_path: Path) -> None:
    with pytest.raises((DataError, SchemaError)) as caught:
        Shop(tmp_path).train(case, table)
    assert caught.value.code == code
    assert caught.value.hint
    assert list((tmp_path / "v1").iterdir()) == []


@pytest.mark.parametrize(
    ("case", "options", "code"),
    [
        (Case("xgboost", "ranking", "relevance", "ndcg_5", 0), {}, "SR544"),
        (CASES["catboost"], {"objective": "multiclass"}, "SR549"),
        (NUMBERS, {"sample_weight_column": "income"}, "SR549"),
        (NUMBERS, {"early_stopping_rounds": 3, "validation_fraction": 0.0}, "SR456"),
    ],
)
def test_options_at_odds_are_refused(
    case: Case, options: dict[str, Parsed], code: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError) as caught:
        Shop(tmp_path).train(case, people(20, 1), "v1", None, **options)
    assert caught.value.code == code


def test_without_validation_rows_nothing_is_measured(tmp_path: Path) -> None:
    result = Shop(tmp_path).train(NUMBERS, people(60, 1), validation_fraction=0.0)
    assert "was not measured" in result.warnings[0]
    assert "rmse" not in result.metrics
