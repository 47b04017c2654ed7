"""Definitions of gbdt models: options, outputs and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrec.models.gbdt.controllers import CATBOOST_TREES, LIGHTGBM_TREES, XGBOOST_TREES, BoostedTrees
from sqlrec.models.gbdt.metrics import metric_of
from sqlrec.models.gbdt.options import catboost_value
from sqlrec.models.lookup import get_controller
from sqlrec.models.objective import Objective
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Scope
from sqlrec.spec.schema import DataType, Field, Schema

TYPES = (LIGHTGBM_TREES, XGBOOST_TREES, CATBOOST_TREES)


def model(columns: str, **options: Any) -> ModelSpec:
    pairs = [pair.rsplit(" ", 1) for pair in columns.split("; ")]
    fields = tuple(Field(name=name, type=DataType.parse(text)) for name, text in pairs)
    return ModelSpec(
        name=ModelName.of("m"),
        type=str(options.get("model", "gbdt.lightgbm")),
        columns=Schema(fields),
        outputs=Schema(),
        options={"model": "gbdt.lightgbm", "label_columns": "y", **options},
    )


def codes(definition: ModelSpec) -> list[str]:
    return [problem.code for problem in LIGHTGBM_TREES.check(definition)]


@pytest.mark.parametrize("controller", TYPES)
def test_types_are_known_by_name(controller: BoostedTrees) -> None:
    assert get_controller(controller.type.upper()) is controller
    assert controller.exports("v1") == ("v1_export",)
    assert controller.topology({}).nodes == 1
    assert controller.resources({}).cpu == "1"


def test_defaults_are_those_that_scripts_rely_on() -> None:
    lightgbm, xgboost, catboost = (
        {k: e.value for k, e in t.options.effective(Scope.TRAIN).items()} for t in TYPES
    )
    shared = {
        "objective": "binary",
        "metric": "auc",
        "learning_rate": 0.1,
        "seed": 0,
        "validation_fraction": 0.1,
    }
    trees = {"num_iterations": 300, "max_depth": 6, "feature_fraction": 0.8, "bagging_fraction": 0.8}
    own = {"num_leaves": 63, "bagging_freq": 5, "min_data_in_leaf": 20, "l2_regularization": 1.0}
    assert {**shared, **trees, **own, "categorical_features": "none"}.items() <= lightgbm.items()
    assert {**shared, **trees, "min_child_weight": 1, "l2_regularization": 1.0}.items() <= xgboost.items()
    assert {**shared, "cb_iterations": None, "categorical_features": "auto"}.items() <= catboost.items()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (1000, 6, 3.0)),
        ({"num_iterations": 50, "max_depth": 4, "l2_regularization": 0.5}, (50, 4, 0.5)),
        ({"num_iterations": 50, "cb_iterations": 70, "cb_depth": 2, "cb_l2_leaf_reg": 0.0}, (70, 2, 0.0)),
    ],
)
def test_catboosts_own_names_come_first(options: dict[str, Any], expected: tuple[float, ...]) -> None:
    keys = ("cb_iterations", "cb_depth", "cb_l2_leaf_reg")
    assert tuple(catboost_value(options, key) for key in keys) == expected


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("n_estimators", "num_iterations"),
        ("num-boost-round", "num_iterations"),
        ("eta", "learning_rate"),
        ("reg_lambda", "l2_regularization"),
        ("subsample", "bagging_fraction"),
        ("colsample_bytree", "feature_fraction"),
        ("scale_pos_weight", "positive_weight"),
    ],
)
def test_names_of_the_libraries_are_understood(key: str, meant: str) -> None:
    assert XGBOOST_TREES.options.canonical(key) == meant


def test_outputs_follow_the_objective() -> None:
    for objective in ("binary", "regression", "ranking"):
        (column,) = LIGHTGBM_TREES.outputs(Schema(), {"objective": objective})
        assert (column.name, str(column.type)) == ("probs", "FLOAT")
    (column,) = LIGHTGBM_TREES.outputs(Schema(), {"objective": "multiclass"})
    assert str(column.type) == "ARRAY<FLOAT>"
    assert LIGHTGBM_TREES.objective({"objective": "ranking"}) is Objective.RANKING


def test_any_plain_column_is_a_feature() -> None:
    kinds = ["INT", "BIGINT", "TINYINT", "FLOAT", "DOUBLE", "STRING", "BOOLEAN", "DATE", "TIMESTAMP"]
    columns = "; ".join(f"c{i} {kind}" for i, kind in enumerate(kinds))
    for controller in TYPES:
        assert not list(controller.check(model(f"{columns}; d DECIMAL(9,2); y INT", model=controller.type)))


def test_arrays_are_refused_in_sqlrecs_words() -> None:
    for controller in TYPES:
        definition = model("a ARRAY<INT>; b ARRAY<FLOAT>; y INT", model=controller.type)
        problems = list(controller.check(definition))
        assert [p.code for p in problems] == ["SR423", "SR423"]
        words = f"{controller.type} does not support array-type features, but 'a' is ARRAY<INT>"
        assert problems[0].message == words


@pytest.mark.parametrize(
    ("columns", "options", "expected"),
    [
        ("a INT; y INT", {}, []),
        ("a INT; y INT; z INT", {"label_columns": "y, z"}, ["SR420"]),
        ("a INT; b INT", {}, ["SR547"]),
        ("y INT", {}, ["SR422"]),
        ("a INT; y STRING", {}, ["SR421"]),
        ("a INT; y STRING", {"objective": "multiclass"}, []),
        ("a INT; y DOUBLE", {"objective": "multiclass"}, ["SR421"]),
        ("a INT; y DOUBLE", {"objective": "Regression"}, []),
        ("a INT; y STRING", {"objective": "regression"}, ["SR421"]),
        ("a INT; y STRING", {"objective": "nonsense"}, []),
        ("a BYTES; y INT", {}, ["SR423"]),
        ("a INT; y INT", {"categorical_features": "a"}, []),
        ("a INT; y INT", {"categorical-features": "b"}, ["SR418"]),
        ("a DOUBLE; y INT", {"categorical_features": "a"}, ["SR546"]),
        ("a INT; y INT", {"categorical_features": "auto"}, []),
        ("a INT; y INT", {"metric": "rmse"}, ["SR548"]),
        ("a INT; y INT", {"metric": "LOGLOSS"}, []),
        ("a INT; y DOUBLE", {"objective": "regression", "metric": "rmse"}, []),
    ],
)
def test_what_is_wrong_with_a_definition(columns: str, options: dict[str, Any], expected: list[str]) -> None:
    assert codes(model(columns, **options)) == expected


def test_weights_and_groups_are_no_features() -> None:
    definition = model("a INT; w FLOAT; q INT; y INT", sample_weight_column="W", group_column="q")
    assert definition.features.names == ("a",)
    assert codes(model("w FLOAT; y INT", sample_weight_column="w")) == ["SR422"]


def test_an_unfit_metric_is_replaced() -> None:
    assert metric_of(Objective.MULTICLASS, "auc") == "multi_logloss"
    assert metric_of(Objective.REGRESSION, "auc") == "rmse"
    assert metric_of(Objective.RANKING, "auc") == "ndcg"
    assert metric_of(Objective.BINARY, "logloss") == "logloss"
