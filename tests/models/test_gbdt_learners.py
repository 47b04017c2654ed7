"""Boosted trees over a matrix: each objective is learnt, their ONNX is exact, training goes on and stops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqlrec.errors import DataError, StateError
from sqlrec.models.exporting.session import open_session
from sqlrec.models.gbdt import lightgbm, xgboost
from sqlrec.models.gbdt.lightgbm import group_sizes
from sqlrec.models.gbdt.watch import Watch
from sqlrec.models.gbdt.xgboost import group_weights
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.estimator import MATRIX, Examples, Floats, Learner, Lesson
from sqlrec.spec.options import Parsed

pytestmark = pytest.mark.ml

ROWS, GROUP = 2000, 10
LEARNERS: dict[str, Learner] = {"lightgbm": lightgbm.LEARNER, "xgboost": xgboost.LEARNER}
OPTIONS: dict[str, Parsed] = {
    "metric": "auc",
    "early_stopping_rounds": 0,
    "seed": 3,
    "num_iterations": 6,
    "learning_rate": 0.3,
    "max_depth": 4,
    "num_leaves": 12,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.9,
    "bagging_fraction": 0.9,
    "bagging_freq": 1,
    "l2_regularization": 1.0,
    "min_child_weight": 1,
}


def matrix(rows: int, seed: int) -> Floats:
    """Numbers with gaps, numbers without, few distinct numbers, and codes of a category with gaps."""
    rng = np.random.default_rng(seed)
    gaps, whole = rng.normal(size=rows), rng.normal(size=rows)
    gaps[rng.random(rows) < 0.1] = np.nan
    codes = rng.integers(0, 40, rows).astype(np.float64)
    codes[::17] = np.nan
    return np.stack([gaps, whole, np.round(rng.normal(size=rows), 1), codes], axis=1).astype(np.float32)


def lesson(objective: Objective, **changes: Any) -> Lesson:
    def examples(rows: int, seed: int) -> Examples:
        x = matrix(rows, seed)
        score = np.nan_to_num(x[:, 0]) + x[:, 1] + 1.5 * (x[:, 3] % 3 == 0)
        labels = {
            Objective.BINARY: score > 0.5,
            Objective.MULTICLASS: np.digitize(score, (-0.5, 0.5, 1.5)),
            Objective.REGRESSION: 1000 * score + 50_000,
            Objective.RANKING: np.digitize(score, (-0.5, 0.5, 1.5)),
        }[objective]
        groups = np.arange(rows) // GROUP if objective is Objective.RANKING else None
        return Examples(matrix=x, labels=labels.astype(np.float32), groups=groups)

    made = Lesson(
        objective=objective,
        names=("gaps", "whole", "few", "code"),
        categorical=(),
        train=examples(ROWS, 1),
        validation=examples(100, 2),
        classes=4 if objective is Objective.MULTICLASS else 0,
        options=OPTIONS,
        threads=1,
        base=None,
        progress=lambda message, done=None: None,
    )
    return replace(made, **changes)


def onnx(estimator: Any, rows: Floats) -> Any:
    session = open_session(estimator.graph(("probs",)).SerializeToString())
    return session.run(None, {MATRIX: rows})[0]


def hard_rows() -> Floats:
    """Known, missing, unknown and huge values."""
    rows = matrix(600, 9)
    rows[:20] = np.nan
    rows[20:60, 3] = np.arange(40) + 20
    rows[60:64], rows[64:68] = np.finfo(np.float32).max, -np.finfo(np.float32).max
    rows[68:70] = 0
    return rows


@pytest.mark.parametrize("categorical", [(), (3,)], ids=["codes", "categories"])
@pytest.mark.parametrize("objective", [*Objective][:4])
@pytest.mark.parametrize("name", LEARNERS)
def test_onnx_answers_as_the_library(name: str, objective: Objective, categorical: tuple[int, ...]) -> None:
    learned = LEARNERS[name].fit(lesson(objective, categorical=categorical))
    rows = hard_rows()
    (expected,) = learned.estimator.predict(rows)
    found = onnx(learned.estimator, rows)
    assert found.dtype == expected.dtype == np.float32
    assert found.shape == expected.shape == ((600, 4) if objective is Objective.MULTICLASS else (600,))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert len(np.unique(expected.round(5))) > 10
    uses = learned.estimator.importance()
    assert uses[1] > uses[3 if not categorical else 2]
    assert not categorical or uses[3] > 0, "no set of categories was split"
    assert {point.name for point in learned.curves} >= {p.name for p in learned.curves if "train" in p.name}


@pytest.mark.parametrize("name", LEARNERS)
def test_rows_at_every_threshold_go_the_same_way(name: str) -> None:
    """``x <= t`` in doubles, and in the floats of the graph, differ when a threshold is rounded up."""
    learned = LEARNERS[name].fit(lesson(Objective.BINARY))
    thresholds = _thresholds(learned.estimator)
    near = np.concatenate([np.nextafter(thresholds, t) for t in (np.float32(-np.inf), np.float32(np.inf))])
    values = np.concatenate([thresholds, near])
    rows = np.concatenate([matrix(len(values), 5) for _ in range(4)])
    for column in range(4):
        rows[column * len(values) : (column + 1) * len(values), column] = values
    np.testing.assert_allclose(
        onnx(learned.estimator, rows), learned.estimator.predict(rows)[0], rtol=1e-6, atol=1e-6
    )


def _thresholds(estimator: Any) -> Any:
    node = next(n for n in estimator.graph(("p",)).graph.node if n.op_type == "TreeEnsemble")
    splits = next(a.t for a in node.attribute if a.name == "nodes_splits")
    return np.unique(np.frombuffer(splits.raw_data, np.float32))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_saved_estimator_is_the_same(name: str, tmp_path: Path) -> None:
    learner, rows = LEARNERS[name], hard_rows()
    first, again = (learner.fit(lesson(Objective.MULTICLASS)).estimator for _ in range(2))
    for estimator, folder in ((first, tmp_path / "a"), (again, tmp_path / "b")):
        folder.mkdir()
        estimator.save(folder)
    loaded = learner.load(tmp_path / "a")
    (tmp_path / "c").mkdir()
    loaded.save(tmp_path / "c")
    np.testing.assert_array_equal(loaded.predict(rows)[0], first.predict(rows)[0])
    contents = [next(folder.iterdir()).read_bytes() for folder in sorted(tmp_path.iterdir())]
    assert contents[0] == contents[1] == contents[2]


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("damage", [b"", b"tree\nversion=v4", b"garbage"])
def test_a_damaged_file_is_an_error(name: str, damage: bytes, tmp_path: Path) -> None:
    learner = LEARNERS[name]
    with pytest.raises(StateError, match="training checkpoint"):
        learner.load(tmp_path)
    learner.fit(lesson(Objective.BINARY)).estimator.save(tmp_path)
    next(tmp_path.iterdir()).write_bytes(damage)
    with pytest.raises(StateError) as caught:
        learner.load(tmp_path)
    assert caught.value.code == "SR521"


@pytest.mark.parametrize("name", LEARNERS)
def test_training_goes_on_from_its_base(name: str, tmp_path: Path) -> None:
    learner = LEARNERS[name]
    base = learner.fit(lesson(Objective.BINARY))
    base.estimator.save(tmp_path)
    more = learner.fit(lesson(Objective.BINARY, base=tmp_path))
    assert (base.params["trees"], more.params["trees"]) == ("6", "12")
    losses = [next(p.value for p in reversed(x.curves) if p.name == "train_auc") for x in (base, more)]
    assert losses[1] > losses[0]
    assert {p.step for p in more.curves} <= set(range(1, 7))


@pytest.mark.parametrize("name", LEARNERS)
def test_early_stopping_keeps_the_best_round(name: str) -> None:
    options = {**OPTIONS, "num_iterations": 200, "early_stopping_rounds": 5, "metric": "logloss"}
    rng = np.random.default_rng(0)
    noise = lesson(Objective.BINARY, options=options)
    assert noise.validation is not None
    validation = replace(noise.validation, labels=rng.integers(0, 2, 100).astype(np.float32))
    learned = LEARNERS[name].fit(replace(noise, validation=validation))
    best = int(learned.params["best_round"])
    values = [p.value for p in learned.curves if p.name == "logloss"]
    assert best < 30
    assert values.index(min(values)) + 1 == best
    assert learned.passes == best + 5


@pytest.mark.parametrize("name", LEARNERS)
def test_weights_count(name: str) -> None:
    """Rows of weight 3 are learnt as rows that stand there three times; in rankings groups are."""
    once = lesson(Objective.BINARY)
    heavy = np.where(once.train.matrix[:, 1] > 0, 5.0, 0.2).astype(np.float32)
    weighed = replace(once, train=replace(once.train, weights=heavy))
    plain, other = (LEARNERS[name].fit(x).estimator.predict(hard_rows())[0] for x in (once, weighed))
    assert np.abs(plain - other).max() > 0.01
    ranked = lesson(Objective.RANKING)
    ranked = replace(ranked, train=replace(ranked.train, weights=heavy))
    assert np.isfinite(LEARNERS[name].fit(ranked).estimator.predict(hard_rows())[0]).all()


def test_what_a_library_refuses_is_said() -> None:
    bad = lesson(Objective.REGRESSION, options={**OPTIONS, "bagging_fraction": 7.0})
    for learner, words in zip(LEARNERS.values(), ("LightGBM", "XGBoost"), strict=True):
        with pytest.raises(DataError, match=words) as caught:
            learner.fit(bad)
        assert caught.value.code == "SR545"


def test_groups_stand_side_by_side() -> None:
    groups = np.array([4, 4, 9, 2, 2, 2])
    sizes = group_sizes(groups)
    assert sizes is not None
    assert sizes.tolist() == [2, 1, 3]
    assert group_sizes(None) is None
    assert group_weights(np.array([1, 3, 5, 1, 1, 4], np.float32), groups).tolist() == [2, 5, 2]


def test_a_watch_tells_some_rounds_and_draws_more() -> None:
    lines: list[str] = []
    watch = Watch("auc", "auc", 1000, 10, lambda message, done=None: lines.append(message))
    for done in range(1, 1001):
        watch(done, float("nan") if done == 5 else 0.5, lambda: 0.6)
    assert len(lines) == len([p for p in watch.curves if p.name == "train_auc"]) == 21
    assert lines[-1].startswith("round 1000/1000  training auc 0.60000  validation auc 0.50000")
    assert len([p for p in watch.curves if p.name == "auc"]) == 200
