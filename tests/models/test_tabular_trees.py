"""Trees as ONNX: single leaves, sets of categories, missing values, several sums; thresholds as floats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.models.exporting.session import open_session
from sqlrec.models.gbdt import lightgbm, xgboost
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.estimator import MATRIX, Examples, Floats, Lesson
from sqlrec.models.tabular.trees import Branch, Link, Tree, ensemble, rounded_down

LEAF = Tree(
    feature=np.empty(0, np.int64),
    threshold=np.empty(0, np.float32),
    on_true=np.empty(0, np.int64),
    on_false=np.empty(0, np.int64),
    missing_true=np.empty(0, np.bool_),
    leaves=np.array([0.5], np.float32),
)
STUMP = Tree(
    feature=np.array([0]),
    threshold=np.array([2.0], np.float32),
    on_true=np.array([-1]),
    on_false=np.array([-2]),
    missing_true=np.array([True]),
    leaves=np.array([1.0, 10.0], np.float32),
)


def answers(trees: list[Tree], rows: list[list[float]], base: list[float], link: Link) -> Floats:
    model = ensemble(trees, Branch.AT_MOST, base, link, "y")
    found: Floats = open_session(model.SerializeToString()).run(None, {MATRIX: np.array(rows, np.float32)})[0]
    return found


def test_leaves_missing_values_and_the_start_add_up() -> None:
    rows = [[2.0], [2.0000002], [np.nan], [-np.inf], [np.inf]]
    assert answers([LEAF, STUMP], rows, [100.0], Link.IDENTITY).tolist() == [
        101.5,
        110.5,
        101.5,
        101.5,
        110.5,
    ]
    assert answers([LEAF], rows, [0.0], Link.IDENTITY).tolist() == [0.5] * 5
    right = replace(STUMP, missing_true=np.array([False]))
    assert answers([right], [[np.nan]], [0.0], Link.IDENTITY).tolist() == [10.0]


def test_sets_of_categories_beside_thresholds() -> None:
    chosen = replace(STUMP, members={0: (1, 5, 70)}, missing_true=np.array([False]))
    rows = [[0.0], [1.0], [5.0], [70.0], [71.0], [np.nan]]
    assert answers([chosen], rows, [0.0], Link.IDENTITY).tolist() == [10, 1, 1, 1, 10, 10]
    assert answers([chosen, STUMP], rows, [0.0], Link.IDENTITY).tolist() == [11, 2, 11, 11, 20, 11]


def test_several_sums_and_links() -> None:
    other = replace(STUMP, target=1)
    sums = answers([STUMP, other, other], [[0.0], [3.0]], [0.0, 1.0, 0.0], Link.IDENTITY)
    assert sums.tolist() == [[1, 3, 0], [10, 21, 0]]
    assert answers([LEAF], [[0.0]], [0.0], Link.SIGMOID)[0] == pytest.approx(1 / (1 + np.exp(-0.5)))
    shares = answers([STUMP, other, other], [[0.0]], [0.0, 1.0, 0.0], Link.SOFTMAX)
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == 1


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(width=32, allow_nan=False))
def test_a_rounded_threshold_splits_floats_alike(threshold: float, value: float) -> None:
    (rounded,) = rounded_down(np.array([threshold]))
    assert (np.float32(value) <= rounded) == (float(np.float32(value)) <= threshold)


@pytest.mark.ml
@pytest.mark.parametrize("learner", [lightgbm.LEARNER, xgboost.LEARNER], ids=["lightgbm", "xgboost"])
def test_models_without_a_split_are_exported(learner: lightgbm.LightGBM | xgboost.XGBoost) -> None:
    x = np.ones((40, 1), np.float32)
    rows = Examples(matrix=x, labels=(np.arange(40) % 4 == 0).astype(np.float32))
    lesson = Lesson(
        objective=Objective.BINARY,
        names=("a",),
        categorical=(),
        train=rows,
        validation=None,
        classes=0,
        options={
            "metric": "auc",
            "early_stopping_rounds": 0,
            "seed": 0,
            "num_iterations": 3,
            "max_depth": 3,
            "learning_rate": 0.1,
            "num_leaves": 4,
            "min_data_in_leaf": 5,
            "bagging_freq": 0,
            "feature_fraction": 1.0,
            "bagging_fraction": 1.0,
            "l2_regularization": 0.0,
            "min_child_weight": 1,
        },
        threads=1,
        base=None,
        progress=lambda message, done=None: None,
    )
    estimator = learner.fit(lesson).estimator
    graph = estimator.graph(("probs",))
    assert graph is not None
    found = open_session(graph.SerializeToString()).run(None, {MATRIX: x})[0]
    np.testing.assert_allclose(found, estimator.predict(x)[0], rtol=1e-6)
    assert found[0] == pytest.approx(0.25, abs=0.02)
    assert all(value == 0 for value in estimator.importance().values())
