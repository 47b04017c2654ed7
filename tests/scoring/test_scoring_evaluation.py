"""Metrics of ML_EVALUATE against scikit-learn and values computed by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from sqlrec.errors import DataError, SchemaError
from sqlrec.scoring.evaluation import evaluate
from sqlrec.spec.task import Task


def measured(task: Task, actual: Any, predicted: Any) -> dict[str, float]:
    given = [values if isinstance(values, pa.Array) else pa.array(values) for values in (actual, predicted)]
    found = evaluate(task, *given)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_classification_agrees_with_sklearn(seed: int) -> None:
    random = np.random.default_rng(seed)
    actual, predicted = random.choice(["a", "b", "c", "d"], 200), random.choice(["a", "b", "c", "e"], 200)
    found = measured(Task.CLASSIFICATION, actual, predicted)
    labels = sorted(set(actual))
    shared: dict[str, Any] = {"labels": labels, "average": "macro", "zero_division": 0}
    precision = metrics.precision_score(actual, predicted, **shared)
    recall = metrics.recall_score(actual, predicted, **shared)
    assert found == pytest.approx(
        {
            "Accuracy": metrics.accuracy_score(actual, predicted),
            "Precision": precision,
            "Recall": recall,
            "F1": 2 * precision * recall / (precision + recall),
        }
    )


def test_classes_are_compared_without_regard_to_case() -> None:
    found = measured(Task.CLASSIFICATION, ["Yes", "no", "NO", "yes"], ["yes", "No", "yes", "maybe"])
    # yes: 1 of 2 found, 1 of 2 named is right; no: 1 of 2 found, 1 of 1
    assert found == pytest.approx(
        {"Accuracy": 0.5, "Precision": 0.75, "Recall": 0.5, "F1": 2 * 0.75 * 0.5 / 1.25}
    )


def test_f1_is_of_the_averages_and_zero_when_nothing_is_right() -> None:
    assert measured(Task.CLASSIFICATION, ["a", "b"], ["b", "a"]) == {
        "Accuracy": 0.0,
        "Precision": 0.0,
        "Recall": 0.0,
        "F1": 0.0,
    }


NUMBERS = [
    ([0, 1, 1, 0], [0.2, 0.5, 0.49, 0.7], 0.5),
    ([0, 1, 2], [0.0, 1.0, 2.0], 1.0),
    ([1.0, 2.5], [1.0, 2.0], 0.5),
    ([True, False], [1, 1], 0.5),
    (["1", "2"], [1, 3], 0.5),
]


@pytest.mark.parametrize(("actual", "predicted", "accuracy"), NUMBERS)
def test_numbers_are_classes_and_fractions_are_probabilities(
    actual: Any, predicted: Any, accuracy: float
) -> None:
    assert measured(Task.CLASSIFICATION, actual, predicted)["Accuracy"] == accuracy


@pytest.mark.parametrize("seed", range(5))
def test_regression_agrees_with_sklearn(seed: int) -> None:
    random = np.random.default_rng(seed)
    actual = random.normal(size=100) + 5
    predicted = actual + random.normal(size=100)
    mse = metrics.mean_squared_error(actual, predicted)
    assert measured(Task.REGRESSION, actual, predicted) == pytest.approx(
        {
            "MAE": metrics.mean_absolute_error(actual, predicted),
            "MSE": mse,
            "RMSE": math.sqrt(mse),
            "MAPE": metrics.mean_absolute_percentage_error(actual, predicted) * 100,
            "R2": metrics.r2_score(actual, predicted),
        }
    )


def test_a_row_of_zero_counts_but_adds_nothing_to_mape() -> None:
    found = measured(Task.REGRESSION, [0, 2, 4], [1.0, 1.0, 4.0])
    assert found == pytest.approx(
        {"MAE": 2 / 3, "MSE": 2 / 3, "RMSE": math.sqrt(2 / 3), "MAPE": 50 / 3, "R2": 1 - 2 / 8}
    )


def test_r2_of_equal_labels_is_no_number() -> None:
    assert math.isnan(measured(Task.REGRESSION, [3, 3], [1, 2])["R2"])


def test_vectors() -> None:
    found = measured(Task.EMBEDDING, [[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [0.0, 1.0]])
    assert found == pytest.approx(
        {
            "Mean Cosine Similarity": (24 / 25 + 0) / 2,
            "Mean Jaccard Similarity": (6 / 8 + 0) / 2,
            "Mean Euclidean Distance": math.sqrt(2),
        }
    )
    # shifted by 1: [0, 2] and [2, 3]
    assert measured(Task.EMBEDDING, [[-1.0, 1.0]], [[1.0, 2.0]])["Mean Jaccard Similarity"] == 2 / 5
    zero = measured(Task.EMBEDDING, [[0.0], [0.0]], [[0.0], [2.0]])
    assert (zero["Mean Cosine Similarity"], zero["Mean Jaccard Similarity"]) == (0.0, 0.5)


def test_vectors_of_unequal_length() -> None:
    with pytest.raises(DataError, match=r"SR436.*row 1: vectors of 1 and 2 values"):
        measured(Task.EMBEDDING, [[1.0], [1.0]], [[1.0], [1.0, 2.0]])


def test_texts() -> None:
    found = measured(Task.TEXT_GENERATION, ["the cat sat on the mat", "a b"], ["the the the cat", "c d e f"])
    # the first shares the, the, cat; it is 4 words to 6
    bleu = 3 / 4 * math.exp(1 - 6 / 4)
    assert found == pytest.approx(
        {"Mean BLEU": bleu / 2, "Mean ROUGE": 3 / 6 / 2, "Mean Semantic Similarity": 2 / 5 / 2}
    )
    longer = measured(Task.TEXT_GENERATION, ["x"], ["X x y"])
    assert longer == pytest.approx({"Mean BLEU": 1 / 3, "Mean ROUGE": 1.0, "Mean Semantic Similarity": 0.5})
    empty = measured(Task.TEXT_GENERATION, [""], [""])
    assert list(empty.values()) == [0.0, 0.0, 1.0]


def test_clusters_agree_with_sklearn() -> None:
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(c, 1, (30, 3)) for c in (0, 4, 9)])
    names = np.repeat([7, 8, 9], 30)
    found = measured(Task.CLUSTERING, pa.array(points.tolist()), names)
    assert found["Mean Davies-Bouldin Index"] == pytest.approx(metrics.davies_bouldin_score(points, names))


def test_one_cluster_has_no_index() -> None:
    assert math.isnan(measured(Task.CLUSTERING, [[1.0], [2.0]], ["a", "a"])["Mean Davies-Bouldin Index"])


def test_rows_without_a_label_or_a_prediction_are_left_out() -> None:
    assert measured(Task.CLASSIFICATION, ["a", None, "b", "c"], ["a", "a", None, "b"])["Accuracy"] == 0.5
    assert evaluate(Task.REGRESSION, pa.array([1.0, None]), pa.array([None, 1.0])) is None
    assert evaluate(Task.REGRESSION, pa.array([], pa.float64()), pa.array([], pa.float64())) is None


MISFITS = [
    (Task.REGRESSION, ["a"], [1.0], "string holds no numbers"),
    (Task.REGRESSION, [1], [[1.0]], "holds no numbers"),
    (Task.EMBEDDING, [1.0], [[1.0]], "double holds no vectors"),
    (Task.EMBEDDING, [["a"]], [[1.0]], "holds no vectors"),
]


@pytest.mark.parametrize(("task", "actual", "predicted", "message"), MISFITS)
def test_columns_that_a_task_cannot_compare(task: Task, actual: Any, predicted: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=f"SR432.*{message}"):
        measured(task, actual, predicted)
