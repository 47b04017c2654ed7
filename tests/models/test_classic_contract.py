"""What classic models have of their own: quality, arrays, odd values, more trees, damage, bad rows.

What they share with all model types is held by the contract of all types.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import publish, read_signature
from sqlrec.errors import DataError, OptionError, SchemaError, StateError
from sqlrec.features.raw import raw_inputs
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
    "size": "DOUBLE",
    "rooms": "INT",
    "town": "STRING",
    "image": "ARRAY<FLOAT>",
    "tags": "ARRAY<STRING>",
    "sold": "BOOLEAN",
    "kind": "STRING",
    "price": "FLOAT",
}
LABELS = ("sold", "kind", "price")
ROWS = 400


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


def houses(rows: int, seed: int) -> pa.Table:
    """Three kinds of houses; price and sale follow size, rooms and town."""
    rng = np.random.default_rng(seed)
    kind, rooms, town = rng.integers(0, 3, rows), rng.integers(1, 8, rows), rng.integers(0, 4, rows)
    size = rng.normal(60, 8, rows) + 60 * kind
    image = [[float(k + rng.normal(0, 0.1)), float(rng.normal())] for k in kind]
    tags = [[f"t{t}" for t in rng.integers(0, 3, rng.integers(0, 4))] for _ in range(rows)]
    price = 3.0 * size + 25 * rooms - 40 * (town == 1) + rng.normal(0, 5, rows)
    return pa.table(
        {
            "size": pa.array(size, mask=rng.random(rows) < 0.05),
            "rooms": pa.array(rooms, pa.int32()),
            "town": pa.array([f"town-{t}" for t in town]),
            "image": pa.array(image, pa.list_(pa.float32())),
            "tags": pa.array(tags, pa.list_(pa.string())),
            "sold": pa.array(price < np.median(price)),
            "kind": pa.array([("flat", "house", "villa")[k] for k in kind]),
            "price": pa.array(price, pa.float32()),
        }
    )


@dataclass(frozen=True)
class Case:
    """An algorithm, the metric that shows it has learnt, and the least value of it."""

    algorithm: str
    metric: str
    least: float
    label: str = ""
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    fresh: Mapping[str, Parsed] = field(default_factory=dict)

    @property
    def model(self) -> ModelSpec:
        drop = {"tags"} if self.algorithm == "random_forest" else set()
        names = [n for n in COLUMNS if n not in (*LABELS, *drop) or n == self.label]
        columns = Schema(tuple(Field(name=n, type=DataType.parse(COLUMNS[n])) for n in names))
        label = {"label_columns": self.label} if self.label else {}
        options = {"type": "training", "algorithm": self.algorithm, **label, **self.options}
        controller = get_controller(f"training.{self.algorithm}")
        effective = controller.options.effective(Scope.MODEL, model=options)
        return ModelSpec(
            name=ModelName.of("houses"),
            type=controller.type,
            columns=columns,
            outputs=controller.outputs(columns, {key: found.value for key, found in effective.items()}),
            options=options,
        )


CASES = {
    "kmeans": Case("kmeans", "silhouette", 0.15, options={"num_clusters": 3}),
    "pca": Case("pca", "explained_variance", 0.5, options={"n_components": 3}),
    "linear_reg": Case("linear_reg", "r2", 0.8, "price"),
    "logistic_reg": Case("logistic_reg", "auc", 0.9, "sold"),
    "logistic_reg of classes": Case("logistic_reg", "accuracy", 0.95, "kind", {"objective": "multiclass"}),
    "random_forest": Case("random_forest", "auc", 0.9, "sold", {"n_estimators": 10}),
    "random_forest of classes": Case(
        "random_forest", "accuracy", 0.95, "kind", {"n_estimators": 10, "objective": "multiclass"}
    ),
    "random_forest of numbers": Case(
        "random_forest", "r2", 0.8, "price", {"n_estimators": 10, "task": "regression"}
    ),
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
        self, model: ModelSpec, table: pa.Table, name: str, *, base: Path | None = None, **options: Parsed
    ) -> JobResult:
        work = TrainWork(
            model=model,
            checkpoint=name,
            data=self.table(table, name),
            base_uri=str(base) if base else "",
            options=options,
        )
        (self.folder / name).mkdir()
        return train(work, self.folder / name, silent)

    def export(self, model: ModelSpec, table: pa.Table, name: str) -> JobResult:
        (self.folder / f"{name}_export").mkdir()
        work = ExportWork(
            model=model,
            checkpoint=f"{name}_export",
            source_uri=str(self.folder / name),
            sample=self.table(table, "sample"),
        )
        return export(work, self.folder / f"{name}_export", silent)


@dataclass(frozen=True)
class Trained:
    """A case that was trained and exported once, for all tests that only read it."""

    case: Case
    shop: Shop
    result: JobResult
    exported: JobResult

    @property
    def origin(self) -> checkpoint.Trained:
        return checkpoint.load(self.shop.folder / "v1")

    def onnx(self, table: pa.Table) -> list[npt.NDArray[Any]]:
        folder = self.shop.folder / "v1_export"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, ["CPUExecutionProvider"])
        found: list[npt.NDArray[Any]] = session.run(None, raw_inputs(table, read_signature(folder).inputs))
        return found


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """``make(case)``: trained and exported once; nobody changes the files."""

    @functools.cache
    def made(name: str) -> Trained:
        case, shop = CASES[name], Shop(tmp_path_factory.mktemp("classic"))
        result = shop.train(case.model, houses(ROWS, 1), "v1")
        return Trained(case, shop, result, shop.export(case.model, houses(100, 2), "v1"))

    return made


@pytest.fixture(params=CASES)
def trained(request: pytest.FixtureRequest, make: Callable[[str], Trained]) -> Trained:
    return make(request.param)


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_it_learns_and_says_how_well(trained: Trained) -> None:
    assert trained.result.metrics[trained.case.metric] > trained.case.least
    assert trained.result.warnings == ()
    assert {"model.json", "encoder.json", "options.json", "estimator.npz"} <= set(
        files_of(trained.shop.folder / "v1")
    )


def test_the_same_checkpoint_gives_the_same_export(trained: Trained, tmp_path: Path) -> None:
    again = Shop(tmp_path)
    (tmp_path / "v1").symlink_to(trained.shop.folder / "v1")
    again.export(trained.case.model, houses(100, 2), "v1")
    assert files_of(tmp_path / "v1_export") == files_of(trained.shop.folder / "v1_export")


def test_the_export_answers_as_the_trained_model(trained: Trained) -> None:
    rows = houses(50, 3)
    expected, found, alone = trained.origin.predict(rows), trained.onnx(rows), trained.onnx(rows.slice(7, 1))
    assert [o.name for o in trained.case.model.outputs] == [
        o.name for o in read_signature(trained.shop.folder / "v1_export").outputs
    ]
    for wanted, given, one in zip(expected, found, alone, strict=True):
        assert wanted.dtype == given.dtype
        np.testing.assert_allclose(one[0], given[7], rtol=1e-6)
        np.testing.assert_allclose(given, wanted, rtol=1e-5, atol=1e-6)
    assert trained.exported.metrics["fp32.max_delta"] < 1e-3


@pytest.mark.parametrize("trained", ["linear_reg"], indirect=True)
def test_arrays_are_served(trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in files_of(trained.shop.folder / "v1_export").items():
        (folder / name).write_bytes(content)
    publish(folder, tmp_path / "final", JobResult())
    spec = ServiceSpec(
        name="s",
        models=(
            ServedModel(
                model=trained.case.model, checkpoint="v1_export", version=1, model_uri=str(tmp_path / "final")
            ),
        ),
    )
    scorer = load_scorer(spec.own, threads=1, observe=lambda report: None)
    rows = houses(5, 5).select([c.name for c in trained.case.model.features])
    wire = JsonWire(scorer.signature, missing_as_null=False, max_rows=100)
    reading = wire.read(json.dumps(rows.to_pylist()).encode(), lambda name: "")
    (outputs,) = scorer.score([reading.frame])
    assert not isinstance(outputs, RequestError)
    answer = reading.write(outputs)
    for column, wanted in zip(json.loads(answer).values(), trained.origin.predict(rows), strict=True):
        np.testing.assert_allclose(column, wanted, rtol=1e-5, atol=1e-6)


def test_missing_and_unseen_values_are_answered(trained: Trained) -> None:
    strange = pa.table(
        {
            "size": pa.array([None, float("inf"), -1e300]),
            "rooms": pa.array([None, 2**31 - 1, 0], pa.int32()),
            "town": pa.array([None, "nowhere", ""]),
            "image": pa.array([None, [], [float("nan"), 1.0]], pa.list_(pa.float32())),
            "tags": pa.array([None, [], ["new", None]], pa.list_(pa.string())),
        }
    )
    for wanted, given in zip(trained.origin.predict(strange), trained.onnx(strange), strict=True):
        assert np.isfinite(wanted).all()
        np.testing.assert_allclose(given, wanted, rtol=1e-5, atol=1e-6)


def test_training_goes_on_from_a_checkpoint(trained: Trained, tmp_path: Path) -> None:
    shop, model = Shop(tmp_path), trained.case.model
    base = trained.shop.folder / "v1"
    result = shop.train(model, houses(ROWS, 7), "next", base=base)
    assert result.metrics[trained.case.metric] > trained.case.least
    if trained.case.algorithm == "random_forest":
        assert result.params["trees"] == "20"
    rows = houses(50, 8)
    before, after = (checkpoint.load(folder).predict(rows) for folder in (base, tmp_path / "next"))
    assert any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_is_an_error(trained: Trained, damage: bytes, tmp_path: Path) -> None:
    for name, content in files_of(trained.shop.folder / "v1").items():
        (tmp_path / name).write_bytes(damage if name == "estimator.npz" else content)
    with pytest.raises(StateError) as caught:
        checkpoint.load(tmp_path)
    assert caught.value.code == "SR521"


def damaged(column: str, values: list[Any]) -> pa.Table:
    table = houses(20, 1)
    position = table.column_names.index(column)
    return table.set_column(position, column, pa.array(values * (20 // len(values))))


@pytest.mark.parametrize(
    ("name", "table", "code"),
    [
        ("kmeans", houses(2, 1), "SR550"),
        ("kmeans", houses(9, 1).slice(0, 0), "SR451"),
        ("kmeans", houses(20, 1).drop_columns(["rooms"]), "SR450"),
        ("kmeans", damaged("size", [1.0, float("inf")]), "SR443"),
        ("kmeans", damaged("rooms", ["three", "four"]), "SR442"),
        ("linear_reg", damaged("price", [1.0, None]), "SR453"),
        ("linear_reg", damaged("price", [1.0, float("inf")]), "SR454"),
        ("logistic_reg", damaged("sold", [True]), "SR452"),
        ("logistic_reg", damaged("sold", [0, 2]), "SR454"),
        ("logistic_reg of classes", damaged("kind", ["flat"]), "SR452"),
        ("random_forest", damaged("sold", [False]), "SR452"),
        ("random_forest of numbers", damaged("price", ["1", "2"]), "SR454"),
    ],
)
def test_bad_rows_are_refused(name: str, table: pa.Table, code: str, tmp_path: Path) -> None:
    with pytest.raises((DataError, SchemaError)) as caught:
        Shop(tmp_path).train(CASES[name].model, table, "v1")
    assert caught.value.code == code
    assert list((tmp_path / "v1").iterdir()) == []


def test_too_many_components(tmp_path: Path) -> None:
    case = replace(CASES["pca"], options={"n_components": 500})
    with pytest.raises(OptionError, match="n_components = 500") as caught:
        Shop(tmp_path).train(case.model, houses(20, 1), "v1")
    assert caught.value.code == "SR552"


def test_a_base_with_other_clusters(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.train(CASES["kmeans"].model, houses(50, 1), "base")
    other = replace(CASES["kmeans"], options={"num_clusters": 4})
    with pytest.raises(OptionError, match="has 3 clusters") as caught:
        shop.train(other.model, houses(50, 1), "next", base=tmp_path / "base")
    assert caught.value.code == "SR551"


def test_weights_count_as_repeated_rows(tmp_path: Path) -> None:
    rows, shop = houses(60, 1), Shop(tmp_path)
    weights = np.resize([1.0, 2.0, 3.0], 60)
    repeated = rows.take(pa.array(np.repeat(np.arange(60), weights.astype(int))))
    model = CASES["linear_reg"].model
    weighted = replace(
        model,
        columns=Schema((*model.columns.fields, Field(name="w", type=DataType.parse("DOUBLE")))),
        options={**model.options, "sample_weight_column": "w"},
    )
    shop.train(weighted, rows.append_column("w", pa.array(weights)), "weighted", validation_fraction=0.0)
    shop.train(model, repeated, "repeated", validation_fraction=0.0)
    found = [checkpoint.load(tmp_path / n).predict(houses(10, 2))[0] for n in ("weighted", "repeated")]
    np.testing.assert_allclose(found[0], found[1], rtol=0.02)
