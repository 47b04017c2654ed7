"""Classic learners on matrices: as scikit-learn answers, exact continuation, moments, forests as arrays."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge

from sqlrec.models.classic.kmeans import Centres
from sqlrec.models.classic.moments import Moments
from sqlrec.models.lookup import get_controller, load
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.estimator import Estimator, Examples, Floats, Learner, Lesson
from sqlrec.models.tabular.kind import TabularController
from sqlrec.spec.options import Parsed, Scope


def silent(message: str, *, done: float | None = None) -> None:
    del message, done


def learner_of(algorithm: str) -> tuple[Learner, dict[str, Parsed]]:
    controller: Any = get_controller(f"training.{algorithm}")
    known: TabularController = controller
    defaults = {k: e.value for k, e in known.options.effective(Scope.TRAIN).items()}
    learner: Any = load(known.learner)
    return learner, defaults


def lesson(
    defaults: dict[str, Parsed],
    objective: Objective,
    train: Examples,
    *,
    base: Path | None = None,
    classes: int = 0,
    **options: Parsed,
) -> Lesson:
    return Lesson(
        objective=objective,
        names=tuple(f"c{i}" for i in range(train.matrix.shape[1])),
        categorical=(),
        train=train,
        validation=None,
        classes=classes,
        options={**defaults, **options},
        threads=1,
        base=base,
        progress=silent,
    )


def fit(
    algorithm: str, objective: Objective, train: Examples, *, base: Path | None = None, **options: Any
) -> Estimator:
    learner, defaults = learner_of(algorithm)
    return learner.fit(lesson(defaults, objective, train, base=base, **options)).estimator


def numbers(rows: int, seed: int, width: int = 5) -> Examples:
    """A linear target over columns of which two are collinear."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, width)).astype(np.float32)
    matrix[:, -1] = matrix[:, 0]
    labels = matrix @ np.arange(1, width + 1) + 7 + rng.normal(0, 0.1, rows)
    return Examples(matrix=matrix, labels=labels.astype(np.float32))


def onnx(estimator: Estimator, matrix: Floats, *outputs: str) -> list[npt.NDArray[Any]]:
    model = estimator.graph(outputs)
    assert model is not None
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[npt.NDArray[Any]] = session.run(None, {"matrix": matrix})
    return found


@pytest.mark.parametrize("penalty", [0.0, 10.0])
def test_linear_regression_answers_as_scikit_learn(penalty: float) -> None:
    train = numbers(200, 0)
    fitted = fit("linear_reg", Objective.REGRESSION, train, l2_regularization=penalty)
    reference = Ridge(alpha=penalty) if penalty else LinearRegression()
    wanted = reference.fit(train.matrix.astype(np.float64), train.labels).predict(train.matrix)
    np.testing.assert_allclose(fitted.predict(train.matrix)[0], wanted, rtol=1e-4)


def test_components_are_those_of_scikit_learn() -> None:
    train = numbers(200, 0)
    fitted = fit("pca", Objective.TRANSFORM, train, n_components=3)
    wanted = PCA(3).fit_transform(train.matrix.astype(np.float64))
    found = fitted.predict(train.matrix)[0]
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), rtol=1e-3, atol=1e-4)
    white = fit("pca", Objective.TRANSFORM, train, n_components=3, whiten=True).predict(train.matrix)[0]
    np.testing.assert_allclose(white.std(axis=0), 1, rtol=1e-3)


def test_a_component_without_spread_is_zero() -> None:
    still = Examples(matrix=np.ones((4, 2), np.float32), labels=np.empty(0, np.float32))
    fitted = fit("pca", Objective.TRANSFORM, still, n_components=2, whiten=True)
    assert fitted.predict(still.matrix)[0].tolist() == [[0, 0]] * 4


@pytest.mark.parametrize(
    ("algorithm", "objective", "options"),
    [("linear_reg", Objective.REGRESSION, {}), ("pca", Objective.TRANSFORM, {"n_components": 3})],
)
def test_going_on_is_the_same_as_all_rows_at_once(
    algorithm: str, objective: Objective, options: dict[str, Any], tmp_path: Path
) -> None:
    whole = numbers(300, 1)
    parts = [Examples(matrix=whole.matrix[s], labels=whole.labels[s]) for s in (slice(100), slice(100, 300))]
    fit(algorithm, objective, parts[0], **options).save(tmp_path)
    resumed = fit(algorithm, objective, parts[1], base=tmp_path, **options)
    at_once = fit(algorithm, objective, whole, **options)
    found, wanted = (e.predict(whole.matrix)[0] for e in (resumed, at_once))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_two_classes_and_a_probability_are_the_same_model(tmp_path: Path) -> None:
    train = numbers(200, 2)
    train = Examples(matrix=train.matrix, labels=(train.labels > 7).astype(np.float32))
    one = fit("logistic_reg", Objective.BINARY, train)
    both = fit("logistic_reg", Objective.MULTICLASS, train, classes=2)
    probs, pairs = one.predict(train.matrix)[0], both.predict(train.matrix)[0]
    np.testing.assert_allclose(pairs[:, 1], probs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(pairs.sum(axis=1), 1, rtol=1e-5)
    both.save(tmp_path)
    learner, defaults = learner_of("logistic_reg")
    again = learner.fit(lesson(defaults, Objective.MULTICLASS, train, base=tmp_path, classes=2))
    assert int(again.params["iterations"]) < 5, "it begins where the base ended"


def test_a_regression_that_has_not_converged_says_so() -> None:
    train = numbers(200, 2)
    train = Examples(matrix=train.matrix, labels=(train.labels > 7).astype(np.float32))
    learner, defaults = learner_of("logistic_reg")
    learned = learner.fit(lesson(defaults, Objective.BINARY, train, max_iter=1))
    assert learned.warnings == ("not converged after 1 rounds: raise max_iter",)


def test_fewer_distinct_rows_than_clusters_is_a_warning() -> None:
    learner, defaults = learner_of("kmeans")
    same = Examples(matrix=np.repeat(np.eye(2, dtype=np.float32), 5, axis=0), labels=np.empty(0, np.float32))
    learned = learner.fit(lesson(defaults, Objective.CLUSTERING, same, n_clusters=3))
    assert "distinct" in learned.warnings[0]
    assert set(learned.estimator.predict(same.matrix)[1].tolist()) == {0.0}


def test_ties_fall_to_the_first_centre_everywhere() -> None:
    centres = Centres(np.array([[0.1, 0.3], [0.3, 0.1], [0.7, 0.7]]))
    grid = np.linspace(-50, 50, 2001, dtype=np.float32)
    matrix = np.column_stack([grid, grid])
    found = onnx(centres, matrix, "cluster_id", "cluster_distance")
    for wanted, shown in zip(centres.predict(matrix), found, strict=True):
        assert wanted.dtype == shown.dtype
        np.testing.assert_array_equal(wanted, shown)
    assert 1 not in found[0]


def rough(rows: int, seed: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    matrix = np.round(rng.normal(size=(rows, 4)), 1).astype(np.float32)
    classes = (np.digitize(matrix[:, 0], [-0.5, 0.5]) + (matrix[:, 1] > 1)) % 3
    matrix[rng.random(matrix.shape) < 0.15] = np.nan
    return matrix, classes


@pytest.mark.parametrize("objective", [Objective.BINARY, Objective.MULTICLASS, Objective.REGRESSION])
def test_forests_answer_as_scikit_learn_and_as_onnx(objective: Objective, tmp_path: Path) -> None:
    matrix, classes = rough(300, 3)
    codes = np.minimum(classes, 1) if objective is Objective.BINARY else classes
    train = Examples(matrix=matrix, labels=codes.astype(np.float32))
    forest = fit("random_forest", objective, train, classes=3, n_estimators=7, max_features=1.0)
    settings: dict[str, Any] = {
        "n_estimators": 7,
        "min_samples_leaf": 5,
        "random_state": 0,
        "max_features": 1.0,
    }
    scored, _ = rough(500, 4)
    if objective is Objective.REGRESSION:
        wanted = RandomForestRegressor(**settings).fit(matrix, train.labels).predict(scored)
    else:
        probabilities = RandomForestClassifier(**settings).fit(matrix, codes).predict_proba(scored)
        wanted = probabilities if objective is Objective.MULTICLASS else probabilities[:, 1]
    found = forest.predict(scored)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(onnx(forest, scored, "probs")[0], found, rtol=1e-5, atol=1e-6)
    assert set(forest.importance()) == set(range(4))
    forest.save(tmp_path)
    learner, _ = learner_of("random_forest")
    np.testing.assert_array_equal(learner.load(tmp_path).predict(scored)[0], found)


def test_thresholds_hold_for_the_values_next_to_them() -> None:
    first = np.nextafter(np.float32(3000), np.float32(4000))
    pair = np.array([first, np.nextafter(first, np.float32(4000))], np.float32)
    train = Examples(matrix=np.repeat(pair, 20)[:, None], labels=np.repeat([0, 1], 20).astype(np.float32))
    forest = fit("random_forest", Objective.BINARY, train, n_estimators=3)
    for answers in (forest.predict(pair[:, None])[0], onnx(forest, pair[:, None], "probs")[0]):
        assert answers[0] < 0.01 < 0.99 < answers[1]


def test_more_trees_are_other_trees(tmp_path: Path) -> None:
    matrix, classes = rough(200, 5)
    train = Examples(matrix=matrix, labels=classes.astype(np.float32))
    first = fit("random_forest", Objective.REGRESSION, train, n_estimators=3)
    first.save(tmp_path)
    both: Any = fit("random_forest", Objective.REGRESSION, train, base=tmp_path, n_estimators=3)
    assert len(both.roots) == 6
    halves = [both.value[both.roots[0] : both.roots[3]], both.value[both.roots[3] :]]
    assert not np.array_equal(*halves) if len(halves[0]) == len(halves[1]) else True


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 60), max_size=3), st.booleans(), st.integers(0, 2**31))
def test_moments_of_parts_add_up(cuts: list[int], weighted: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(60, 3)) * [1, 100, 1e-3] + [0, 1e4, 5]).astype(np.float32)
    weights = rng.integers(1, 4, 60).astype(np.float32) if weighted else None
    bounds = sorted({0, *cuts, 60})
    total = Moments.none(3)
    for start, end in itertools.pairwise(bounds):
        total = total.and_those(Moments.of(rows[start:end], None if weights is None else weights[start:end]))
    wide = rows.astype(np.float64)
    repeated = wide if weights is None else np.repeat(wide, weights.astype(int), axis=0)
    assert total.weight == len(repeated)
    np.testing.assert_allclose(total.mean, repeated.mean(axis=0), rtol=1e-9)
    spread = repeated - repeated.mean(axis=0)
    np.testing.assert_allclose(total.scatter, spread.T @ spread, rtol=1e-6, atol=1e-6)
    assert Moments.from_arrays(total.arrays).scatter.tobytes() == total.scatter.tobytes()
