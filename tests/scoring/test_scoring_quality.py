"""Classes and numbers predicted: as scikit-learn measures them, where it does as Flink says."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from sqlrec.scoring import quality

CLASSES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=40)


@given(CLASSES)
def test_precision_and_recall_are_means_over_the_actual_classes(rows: list[tuple[str, str]]) -> None:
    actual, predicted = [a for a, _ in rows], [p for _, p in rows]
    found = quality.classification(actual, predicted)
    labels = sorted(set(actual))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, about classes that are never predicted
        precision, recall, _, _ = reference.precision_recall_fscore_support(
            actual, predicted, labels=labels, average="macro", zero_division=0
        )
    assert found["Accuracy"] == pytest.approx(reference.accuracy_score(actual, predicted))
    assert found["Precision"] == pytest.approx(precision)
    assert found["Recall"] == pytest.approx(recall)
    both = precision + recall
    assert found["F1"] == pytest.approx(2 * precision * recall / both if both else 0)


def test_errors_agree_with_scikit_learn_and_a_zero_adds_nothing_to_mape() -> None:
    rng = np.random.default_rng(0)
    actual = rng.normal(size=200).round(1)
    predicted = actual + rng.normal(size=200)
    found = quality.regression(actual, predicted)
    assert found["MAE"] == pytest.approx(reference.mean_absolute_error(actual, predicted))
    assert found["MSE"] == pytest.approx(reference.mean_squared_error(actual, predicted))
    assert found["RMSE"] == pytest.approx(reference.root_mean_squared_error(actual, predicted))
    assert found["R2"] == pytest.approx(reference.r2_score(actual, predicted))
    assert quality.regression([2.0, 0.0], [1.0, 5.0])["MAPE"] == pytest.approx(25)
    assert math.isnan(quality.regression([2.0, 2.0], [1.0, 2.0])["R2"])
