"""The metrics of EVALUATE by name; groups agree with scikit-learn's AUC of each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from sqlrec.models.measuring import metrics, quality
from sqlrec.models.measuring.measures import METRICS
from sqlrec.models.measuring.quality import Scored
from sqlrec.models.objective import Objective

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


def test_every_metric_with_a_name_is_measured() -> None:
    labels = np.array([0, 1, 1, 0], np.uint8)
    scores = np.array([0.1, 0.8, 0.4, 0.6], np.float32)
    scored = Scored(labels=labels, scores=scores, groups=np.array([0, 0, 1, 1], np.int32))
    found = quality.measured(METRICS[Objective.BINARY], scored, metrics.evaluate(labels, scores), threshold=0.5)
    assert set(found) == set(METRICS[Objective.BINARY])
    assert (found["gauc"], found["accuracy"]) == (0.5, 0.5)
    later = quality.measured(["accuracy"], scored, metrics.evaluate(labels, scores), threshold=0.3)
    assert later == {"accuracy": 0.75}


def test_what_is_not_defined_is_left_out() -> None:
    scored = Scored(labels=np.array([1], np.uint8), scores=np.array([0.5], np.float32))
    evaluation = metrics.evaluate(scored.labels, scored.scores)
    found = quality.measured(["auc", "gauc", "r2", "rmse"], scored, evaluation, threshold=0.5)
    assert found == {"rmse": 0.5}
