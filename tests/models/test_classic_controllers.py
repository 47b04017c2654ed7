"""What the controllers of classic algorithms say of definitions, and the statement of FLIP-437 itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import ScriptError
from sqlrec.models.classic.controllers import (
    KMEANS,
    LINEAR_REG,
    LOGISTIC_REG,
    PCA,
    RANDOM_FOREST,
    Classic,
    outputs_of,
)
from sqlrec.models.lookup import get_controller
from sqlrec.models.objective import Objective
from sqlrec.models.tabular import checkpoint
from sqlrec.models.tabular.train import train
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import OptionKind, Scope
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource

ALL = (KMEANS, LINEAR_REG, LOGISTIC_REG, PCA, RANDOM_FOREST)


LOGISTIC = "algorithm = 'logistic_reg', label_columns = 'y'"


def codes(columns: str, options: str) -> list[str]:
    script = f"CREATE MODEL m ({columns}) WITH (type = 'training', {options})"
    try:
        return [found.code for found in build_plan(script, path="x.sql", name="x").warnings]
    except ScriptError as error:
        return [found.code for found in error.diagnostics]


@pytest.mark.parametrize("controller", ALL, ids=lambda c: c.algorithm)
def test_the_controller_of_an_algorithm(controller: Classic) -> None:
    assert get_controller(f"training.{controller.algorithm}") is controller
    assert controller.doc.endswith(".")
    assert controller.exports("v1") == ("v1_export",)
    effective = controller.options.effective(Scope.TRAIN)
    assert controller.topology(effective).nodes == 1
    assert controller.resources(effective).cpu == "1"
    labelled = controller.options.find("label_columns") is not None
    assert labelled == controller.objective({}).has_label
    for option in controller.options.options:
        assert option.doc.endswith("."), option.key
        if option.kind is not OptionKind.STRING_LIST and option.default is not None:
            assert option.parse(str(option.default)) == option.default, option.key


@pytest.mark.parametrize(
    ("controller", "options", "shown"),
    [
        (KMEANS, {}, "cluster_id BIGINT, cluster_distance FLOAT"),
        (PCA, {}, "components ARRAY<FLOAT>"),
        (LINEAR_REG, {}, "prediction FLOAT"),
        (LOGISTIC_REG, {"task": "classification"}, "probs FLOAT"),
        (LOGISTIC_REG, {"objective": "multiclass"}, "probs ARRAY<FLOAT>"),
        (RANDOM_FOREST, {"objective": None, "task": None}, "probs FLOAT"),
        (RANDOM_FOREST, {"task": "regression"}, "prediction FLOAT"),
        (RANDOM_FOREST, {"objective": "regression"}, "prediction FLOAT"),
    ],
)
def test_what_a_model_answers(controller: Classic, options: dict[str, object], shown: str) -> None:
    found = controller.outputs(Schema(), options)
    assert ", ".join(f"{f.name} {f.type}" for f in found) == shown


def test_no_algorithm_ranks() -> None:
    with pytest.raises(ValueError, match="ranking"):
        outputs_of(Objective.RANKING)


@pytest.mark.parametrize(
    ("columns", "options", "found"),
    [
        ("a INT, b STRING, c ARRAY<FLOAT>", "algorithm = 'kmeans', n_clusters = 3", []),
        ("a INT", "algorithm = 'kmeans', 'kmeans.num-clusters' = 3, task = 'clustering'", []),
        ("a INT", "algorithm = 'kmeans'", ["SR307"]),
        ("a INT", "algorithm = 'kmeans', k = 0", ["SR303"]),
        ("a INT", "algorithm = 'kmeans', k = 2, task = 'regression'", ["SR554"]),
        ("a INT", "algorithm = 'kmeans', k = 2, label_columns = 'a'", ["SR301"]),
        ("a ROW<b INT>", "algorithm = 'kmeans', k = 2", ["SR423"]),
        ("a INT, y FLOAT", "algorithm = 'linear_reg', label_columns = 'y', alpha = 0.5", []),
        ("a INT, y STRING", "algorithm = 'linear_reg', label_columns = 'y'", ["SR421"]),
        ("a INT, y INT, z INT", "algorithm = 'linear_reg', label_columns = 'y, z'", ["SR420"]),
        ("y INT", "algorithm = 'linear_reg', label_columns = 'y'", ["SR422"]),
        ("a INT, y STRING", f"{LOGISTIC}", ["SR421"]),
        ("a INT, y STRING", f"{LOGISTIC}, objective = 'multiclass'", []),
        ("a INT, y FLOAT", f"{LOGISTIC}, objective = 'multiclass'", ["SR421"]),
        ("a INT, y INT", f"{LOGISTIC}, objective = 'regression'", ["SR303"]),
        ("a INT, y INT", f"{LOGISTIC}, categorical_features = 'b'", ["SR418"]),
        ("a INT, y INT", f"{LOGISTIC}, categorical_features = 'A'", []),
        ("a ARRAY<INT>, y INT", f"{LOGISTIC}", []),
        ("a ARRAY<INT>, y INT", "algorithm = 'random_forest', label_columns = 'y'", ["SR423"]),
        ("a ARRAY<FLOAT>, y INT", "algorithm = 'random_forest', label_columns = 'y'", []),
        ("a INT, y FLOAT", "algorithm = 'random_forest', label_columns = 'y', task = 'regression'", []),
        ("a INT", "algorithm = 'pca', n_components = 2, whiten = TRUE", []),
        ("a INT", "algorithm = 'pca'", ["SR307"]),
    ],
)  # fmt: skip
def test_definitions(columns: str, options: str, found: list[str]) -> None:
    assert codes(columns, options) == found


FLIP = """
CREATE MODEL `my_native_model`
  WITH ('task' = 'clustering', 'type' = 'training', 'algorithm' = 'kmeans', 'kmeans.num_clusters' = '3')
  AS SELECT F1, F2 FROM `my_data`
"""


@pytest.mark.ml
def test_the_example_of_the_proposal(tmp_path: Path) -> None:
    step = build_plan(FLIP, path="x.sql", name="x").steps[0]
    assert isinstance(step, DefineModelStep)
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 50)
    corners = np.array([[0, 0], [10, 0], [0, 10]])[kind]
    rows = corners + rng.normal(0, 0.5, corners.shape)
    pq.write_table(pa.table({"F1": rows[:, 0], "F2": rows[:, 1]}), tmp_path / "my_data.parquet")
    source = TableSource(name="my_data", format=TableFormat.PARQUET, path=str(tmp_path / "my_data.parquet"))
    columns = Schema(tuple(Field(name=n, type=DataType.parse("DOUBLE")) for n in ("F1", "F2")))
    model = ModelSpec(
        name=step.model.name,
        type=step.model.type,
        columns=columns,
        outputs=outputs_of(Objective.CLUSTERING),
        options=step.model.options,
    )
    (tmp_path / "v1").mkdir()
    data = Relation(query="SELECT F1, F2 FROM my_data", sources={"my_data": source})
    result = train(
        TrainWork(model=model, checkpoint="v1", data=data),
        tmp_path / "v1",
        lambda message, *, done=None: None,
    )
    assert result.metrics["silhouette"] > 0.8
    clusters, distances = checkpoint.load(tmp_path / "v1").predict(
        pq.read_table(tmp_path / "my_data.parquet")
    )
    assert [len(set(clusters[kind == k].tolist())) for k in range(3)] == [1, 1, 1]
    assert set(clusters.tolist()) == {0, 1, 2}
    assert distances.max() < 1
