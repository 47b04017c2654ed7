"""The measures agree with scikit-learn's, ties and all."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from sqlrec.models.measuring import metrics

SCORED = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.500001, 0.9, 1.0])),
    min_size=2,
    max_size=60,
)


ROWS = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(0, 1), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])),
    min_size=1,
    max_size=60,
)


@given(ROWS)
def test_gauc_is_the_mean_of_the_groups_aucs_by_their_rows(rows: list[tuple[int, int, float]]) -> None:
    total = weight = 0.0
    for group in {g for g, _, _ in rows if g >= 0}:
        labels = [label for g, label, _ in rows if g == group]
        scores = [score for g, _, score in rows if g == group]
        if len(set(labels)) == 2:
            total += len(labels) * float(reference.roc_auc_score(labels, scores))
            weight += len(labels)
    groups, labels, scores = (list(column) for column in zip(*rows, strict=True))
    found = metrics.gauc(labels, scores, groups)
    assert math.isnan(found) if not weight else found == pytest.approx(total / weight, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(SCORED)
def test_auc_and_average_precision_agree_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    if len(set(labels)) < 2:
        assert math.isnan(metrics.auc(labels, scores))
        return
    confusion = metrics.Confusion.of(labels, scores)
    assert metrics.auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)
    assert confusion.average_precision() == pytest.approx(
        reference.average_precision_score(labels, scores), abs=1e-12
    )


def test_logloss_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 500), rng.random(500)
    assert metrics.logloss(labels, scores) == pytest.approx(reference.log_loss(labels, scores), rel=1e-9)


def test_logloss_of_a_wrong_certainty_is_large_but_finite() -> None:
    assert 15 < metrics.logloss([1], [0.0]) < 17


def test_curves_run_from_corner_to_corner_and_are_short() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(5000)
    labels = (rng.random(5000) < scores).astype(int)
    confusion = metrics.Confusion.of(labels, scores)
    roc, pr = confusion.roc(), confusion.precision_recall()
    assert (roc["fpr"][0], roc["tpr"][0], roc["fpr"][-1], roc["tpr"][-1]) == (0, 0, 1, 1)
    assert len(roc["fpr"]) == metrics.CURVE_POINTS
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(confusion.auc(), abs=2e-3)
    assert pr["recall"] == sorted(pr["recall"])
    assert pr["precision"][-1] == pytest.approx(labels.mean())


def error_of(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    return metrics.calibration_error(metrics.calibration(labels, scores))


def test_calibrated_scores_have_a_small_calibration_error() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random(50_000)
    labels = rng.random(50_000) < scores
    assert error_of(labels, scores) < 0.01
    assert error_of(labels, np.full(50_000, 0.9)) == pytest.approx(0.4, abs=0.01)


def test_histogram_counts_every_row_once() -> None:
    bins = metrics.histogram([0, 1, 1, 0], [0.0, 1.0, 0.999, 0.5])
    assert (sum(bins["negatives"]), sum(bins["positives"])) == (2, 2)
    assert len(bins["edges"]) == len(bins["negatives"]) + 1
