"""The evaluation program asks a type's opener for outputs, and gives what the objective is measured by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import DataError, OptionError, SchemaError
from sqlrec.models.measuring.evaluation import Opened, evaluate
from sqlrec.models.measuring.objectives import Outputs
from sqlrec.models.objective import Objective
from sqlrec.spec.job import EvaluateWork, JobResult
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import DataType, Field, Kind, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

ROWS = 300


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS)
    return pa.table(
        {
            "X": x,
            "item": rng.integers(0, 20, ROWS),
            "user": [None if u == 9 else f"u{u}" for u in rng.integers(0, 10, ROWS)],
            "click": (x + rng.normal(0, 1, ROWS) > 0).astype(int),
            "buy": (x + rng.normal(0, 1, ROWS) > 1).astype(int),
            "color": [("red", "green", "blue")[c] for c in rng.integers(0, 3, ROWS)],
        }
    )


def column(rows: pa.Table, name: str) -> npt.NDArray[Any]:
    spelled = next(n for n in rows.column_names if n.casefold() == name)
    values: npt.NDArray[Any] = rows.column(spelled).to_numpy()
    return values


def probability(rows: pa.Table) -> Outputs:
    return (1 / (1 + np.exp(-column(rows, "x"))),)


Measure = Callable[..., JobResult]


@pytest.fixture
def measure(tmp_path: Path, table: pa.Table) -> Measure:
    """Evaluates a fake checkpoint on the table, or on ``query`` of it, into ``tmp_path / "out"``."""
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)

    def go(
        opened: Opened,
        labels: tuple[str, ...],
        options: dict[str, Parsed] | None = None,
        query: str = "SELECT * FROM t",
    ) -> JobResult:
        model = ModelSpec(
            name=ModelName.parse("m"),
            type="fake",
            columns=Schema(
                (
                    Field(name="x", type=DataType(kind=Kind.DOUBLE)),
                    Field(name="item", type=DataType(kind=Kind.BIGINT)),
                )
            ),
            outputs=Schema((Field(name="score", type=DataType(kind=Kind.FLOAT)),)),
            options={"label_columns": ",".join(labels)},
        )
        source = TableSource(name="t", format=TableFormat.PARQUET, path=str(path))
        output = tmp_path / "out"
        output.mkdir()
        work = EvaluateWork(
            model=model,
            checkpoint="v1",
            kind=CheckpointKind.ORIGIN,
            source_uri=str(tmp_path),
            data=Relation(query=query, sources={"t": source}),
            options=options or {},
        )
        return evaluate(work, output, silent, open_origin=lambda folder: opened)

    return go


BINARY = Opened(objective=Objective.BINARY, columns=("x",), score=probability)


def test_only_columns_that_are_scored_are_read(measure: Measure) -> None:
    result = measure(BINARY, ("click",), {"metrics": ("auc",)}, "SELECT x, click FROM t")
    assert list(result.metrics) == ["auc"]
    assert result.params == {"objective": "binary", "metrics": "auc"}


def test_without_metrics_those_of_the_objective_are_given(measure: Measure) -> None:
    result = measure(BINARY, ("click",), {"group_column": "USER", "min_mae": 0.0})
    assert {"auc", "logloss", "gauc", "mae"} <= set(result.metrics)
    assert "average_precision" not in result.metrics


def test_several_labels_are_given_one_by_one(measure: Measure) -> None:
    both = replace(BINARY, score=lambda rows: (*probability(rows), *probability(rows)))
    result = measure(both, ("click", "buy"), {"metrics": ("auc",)})
    assert list(result.metrics) == ["auc", "auc.click", "auc.buy"]
    assert result.metrics["auc"] == np.mean([result.metrics["auc.click"], result.metrics["auc.buy"]])


def test_classes_are_numbered_as_in_training(measure: Measure, table: pa.Table, tmp_path: Path) -> None:
    classes = ("blue", "green", "red")
    codes = {name: code for code, name in enumerate(classes)}

    def score(rows: pa.Table) -> Outputs:
        return (np.eye(3, dtype=np.float32)[[codes[c] for c in rows["color"].to_pylist()]],)

    opened = Opened(objective=Objective.MULTICLASS, columns=("x",), score=score, classes=classes)
    assert measure(opened, ("color",)).metrics["accuracy"] == 1
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())["validation"]["curves"]
    assert written["confusion"]["classes"] == list(classes)
    assert np.trace(written["confusion"]["counts"]) == ROWS


def test_a_class_that_training_did_not_have_is_told(measure: Measure) -> None:
    opened = Opened(objective=Objective.MULTICLASS, columns=("x",), score=probability, classes=("red",))
    with pytest.raises(DataError, match=r"SR454.*'color'.*training table does not have"):
        measure(opened, ("color",))


def test_regression_takes_numbers(measure: Measure) -> None:
    opened = Opened(
        objective=Objective.REGRESSION, columns=("x",), score=lambda rows: (column(rows, "item"),)
    )
    result = measure(opened, ("item",))
    assert (result.metrics["rmse"], result.metrics["r2"]) == (0, 1)


def test_ranking_is_measured_in_its_groups(measure: Measure) -> None:
    opened = replace(BINARY, objective=Objective.RANKING)
    known = "SELECT * FROM t WHERE user IS NOT NULL"
    result = measure(opened, ("click",), {"group_column": "user"}, known)
    assert 0.5 < result.metrics["ndcg_10"] <= 1


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, OptionError, r"SR265.*ranking needs groups"),
        ({"group_column": "user"}, DataError, r"SR542.*'user'"),
        ({"metrics": ("auc",)}, OptionError, r"SR560.*auc is not measured of a ranking model.*ndcg_5"),
        ({"group_column": "usr"}, SchemaError, r"SR450.*'usr'.*Did you mean 'user'"),
    ],
)
def test_what_a_ranking_cannot_be_measured_by(
    measure: Measure, options: dict[str, Parsed], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        measure(replace(BINARY, objective=Objective.RANKING), ("click",), options)


def test_retrieval_ranks_the_items_of_all_rows(measure: Measure, table: pa.Table) -> None:
    def score(rows: pa.Table) -> Outputs:
        own = np.eye(20, dtype=np.float32)[column(rows, "item")]
        return own, own

    opened = Opened(objective=Objective.RETRIEVAL, columns=("x", "item"), score=score, items=("item",))
    result = measure(opened, ("click",))
    assert result.metrics["mrr"] == result.metrics["recall_10"] == 1
    assert result.rows == ROWS


def test_clusters_have_no_labels(measure: Measure, tmp_path: Path) -> None:
    def matrix(rows: pa.Table) -> npt.NDArray[Any]:
        return column(rows, "x")[:, None]

    opened = Opened(
        objective=Objective.CLUSTERING,
        columns=("x",),
        score=lambda rows: ((column(rows, "x") > 0).astype(int), np.abs(column(rows, "x"))),
        matrix=matrix,
    )
    result = measure(opened, (), {})
    assert set(result.metrics) == {"inertia", "silhouette", "davies_bouldin"}
    assert [path.name for path in (tmp_path / "out" / "plots").iterdir()] == ["cluster_sizes.png"]


def test_what_cannot_be_had_without_the_rows_is_told(measure: Measure) -> None:
    opened = Opened(
        objective=Objective.TRANSFORM, columns=("x",), score=lambda rows: (column(rows, "x")[:, None],)
    )
    assert measure(opened, ()).warnings == (
        "Explained Variance cannot be measured of an export: evaluate the training checkpoint",
    )
