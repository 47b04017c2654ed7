"""Reports of every objective agree with scikit-learn's figures, ties and all."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from sqlrec.errors import JobError
from sqlrec.models.measuring import classes as several
from sqlrec.models.measuring import clusters, ranking, residuals, retrieval
from sqlrec.models.measuring.measures import METRICS, PRIMARY
from sqlrec.models.measuring.objectives import Report, report_of, retrieval_report
from sqlrec.models.objective import Objective

GRADED = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(0, 3), st.sampled_from([0.0, 0.2, 0.5, 0.9])),
    min_size=1,
    max_size=40,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _binary(labels: object = None, **more: object) -> Report:
    truth = np.array([0, 1, 1, 0, 1], np.uint8) if labels is None else labels
    scores = np.array([0.1, 0.8, 0.5, 0.5, 0.9], np.float32)
    return report_of(Objective.BINARY, truth, (scores,), **more)  # type: ignore[arg-type]


def test_binary_has_all_its_metrics_and_curves() -> None:
    report = _binary(groups=np.array([0, 0, 1, 1, -1]))
    assert set(report.numbers) == set(METRICS[Objective.BINARY])
    assert report.numbers["auc"] == report.primary == pytest.approx(11 / 12)
    assert report.numbers["gauc"] == 0.75
    assert set(report.curves) == {"roc", "precision_recall", "calibration", "scores"}


def test_one_class_leaves_out_what_it_does_not_define() -> None:
    report = _binary(np.zeros(5))
    assert "auc" not in report.numbers
    assert report.primary is None
    assert set(report.curves) == {"calibration", "scores"}


def test_several_labels_are_measured_one_by_one_and_in_the_mean() -> None:
    labels = np.array([[0, 1], [1, math.nan], [1, 0], [0, math.nan]])
    outputs = (np.array([0.2, 0.3, 0.9, 0.25]), np.array([0.7, 0.1, 0.6, 0.2]))
    report = report_of(Objective.BINARY, labels, outputs, label_names=("click", "buy"))
    assert report.numbers["auc.click"] == reference.roc_auc_score(labels[:, 0], outputs[0])
    assert report.numbers["auc.buy"] == 1.0
    assert report.numbers["auc"] == np.mean([report.numbers["auc.click"], report.numbers["auc.buy"]])
    assert {"roc.click", "roc.buy"} <= set(report.curves)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_multiclass_agrees_with_scikit_learn(width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(width), rng.integers(0, width, 30)])
    raw = rng.integers(1, 4, (len(labels), width)).astype(np.float64)  # few values: many ties
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    found = report_of(Objective.MULTICLASS, labels, (probabilities,)).numbers
    assert found["logloss"] == pytest.approx(reference.log_loss(labels, probabilities))
    expected = (
        reference.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
        if width > 2
        else reference.roc_auc_score(labels, probabilities[:, 1])
    )
    assert found["auc"] == pytest.approx(expected)
    guess = probabilities.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, guess))
    assert found["recall"] == pytest.approx(reference.recall_score(labels, guess, average="macro"))
    counts = report_of(Objective.MULTICLASS, labels, (probabilities,)).curves["confusion"]["counts"]
    assert np.array_equal(counts, reference.confusion_matrix(labels, guess))


def test_top_k_counts_a_tie_at_the_edge_in_part(rng: np.random.Generator) -> None:
    probabilities = np.array([[0.4, 0.2, 0.2, 0.2]])
    assert several.top(np.array([0]), probabilities, 3) == 1
    assert several.top(np.array([3]), probabilities, 3) == pytest.approx(2 / 3)
    distinct = rng.permuted(np.tile(np.linspace(0, 1, 6), (50, 1)), axis=1)
    labels = rng.integers(0, 6, 50)
    expected = reference.top_k_accuracy_score(labels, distinct, k=3)
    assert several.top(labels, distinct, 3) == pytest.approx(expected)


def test_a_class_that_the_model_does_not_know_is_wrong() -> None:
    probabilities = np.array([[0.5, 0.25, 0.25], [0.2, 0.4, 0.4]])
    report = report_of(Objective.MULTICLASS, np.array([0, -1]), (probabilities,), classes=("a", "b", "c"))
    assert report.numbers["accuracy"] == 0.5
    assert report.numbers["logloss"] > 8
    assert report.curves["confusion"]["classes"] == ["a", "b", "c", "other"]
    assert report.curves["confusion"]["counts"][3] == [0, 1, 0, 0]


def test_of_many_classes_the_frequent_are_shown() -> None:
    labels = np.repeat(np.arange(50), np.arange(1, 51))
    shown = several.confusion(labels, np.eye(50)[labels], [f"c{i}" for i in range(50)])
    assert shown["classes"] == [*(f"c{i}" for i in range(21, 50)), "other"]
    assert np.sum(shown["counts"]) == len(labels)
    assert shown["counts"][-1][-1] == sum(range(1, 22))


def test_regression_agrees_with_scikit_learn(rng: np.random.Generator) -> None:
    labels = rng.normal(10, 3, 3000)
    predicted = labels + rng.normal(0, 1, 3000)
    report = report_of(Objective.REGRESSION, labels, (predicted,))
    assert report.numbers["rmse"] == pytest.approx(reference.root_mean_squared_error(labels, predicted))
    assert report.numbers["mae"] == pytest.approx(reference.mean_absolute_error(labels, predicted))
    assert report.numbers["r2"] == pytest.approx(reference.r2_score(labels, predicted))
    assert sum(report.curves["residuals"]["rows"]) == 3000
    assert report.curves["residual_quantiles"]["residual"][4] == pytest.approx(np.median(labels - predicted))
    assert len(report.curves["predicted"]["actual"]) == residuals.SHOWN_ROWS


def test_a_perfect_regression_has_one_bin() -> None:
    report = report_of(Objective.REGRESSION, [1.0, 2.0], (np.array([1.0, 2.0]),))
    assert report.curves["residuals"] == {"edges": [-0.5, 0.5], "rows": [2.0]}


@settings(max_examples=80, deadline=None)
@given(GRADED, st.integers(1, 12))
def test_ranking_agrees_with_scikit_learn_group_by_group(rows: list[tuple[int, int, float]], k: int) -> None:
    groups, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    ranked = ranking.Ranked.of(labels, scores, groups)
    ndcg, precision = [], []
    for group in {g for g in groups.tolist() if g >= 0}:
        own = groups == group
        if not labels[own].any():
            continue
        pair = (2.0 ** labels[own] - 1, scores[own])
        ndcg.append(reference.ndcg_score([pair[0]], [pair[1]], k=k) if own.sum() > 1 else 1.0)
        precision.append(reference.average_precision_score(labels[own] > 0, scores[own]))
    if not ndcg:
        assert math.isnan(ranked.ndcg(k))
        assert math.isnan(ranked.average_precision())
        return
    assert ranked.ndcg(k) == pytest.approx(np.mean(ndcg))
    assert ranked.average_precision() == pytest.approx(np.mean(precision))
    assert 0 < ranked.reciprocal_rank() <= 1


def test_recall_and_reciprocal_rank_of_ties_are_expected_ones() -> None:
    ranked = ranking.Ranked.of([0, 0, 1, 1, 0], [0.9, 0.5, 0.5, 0.5, 0.1], np.zeros(5, int))
    assert ranked.recall(2) == pytest.approx(1 / 3)
    assert ranked.recall(4) == 1
    assert ranked.reciprocal_rank() == pytest.approx(1 / (1 + 4 / 3))


def test_ranking_report_has_all_metrics_and_needs_groups() -> None:
    labels, scores = np.array([1, 0, 2, 0]), np.array([0.9, 0.1, 0.3, 0.8])
    report = report_of(Objective.RANKING, labels, (scores,), groups=np.array([0, 0, 1, 1]))
    assert set(report.numbers) == set(METRICS[Objective.RANKING])
    assert report.curves["ndcg_at_k"]["k"] == [1, 2]
    with pytest.raises(JobError, match=r"SR561.*group"):
        report_of(Objective.RANKING, labels, (scores,))
    nothing = report_of(Objective.RANKING, labels * 0, (scores,), groups=np.array([0, 0, 1, 1]))
    assert (nothing.numbers, nothing.curves) == ({}, {})


@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 10_000))
def test_ranks_are_those_of_sorting(queries: int, items: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left = rng.integers(-2, 3, (queries, 3)).astype(np.float32)
    right = rng.integers(-2, 3, (items, 3)).astype(np.float32)
    truth = rng.integers(0, items, queries)
    found = retrieval.ranks(left, right, truth)
    for query, true, rank in zip(left, truth, found, strict=True):
        scores = right @ query
        places = np.flatnonzero(np.sort(-scores) == -scores[true]) + 1
        assert rank == places.mean()


def test_ranks_do_not_depend_on_the_blocks(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(20, 4)).astype(np.float32)
    truth = rng.integers(0, 20, 50)
    whole = retrieval.ranks(left, right, truth)
    monkeypatch.setattr(retrieval, "BLOCK_BYTES", 4 * 20 * 7)
    assert np.array_equal(retrieval.ranks(left, right, truth), whole)


def test_retrieval_counts_positive_rows_among_all_items() -> None:
    items = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]
    queries = np.eye(4, dtype=np.float32)[[0, 2, 2, 3, 1]]
    labels, numbers = np.array([1, 0, 1, 0, 1]), np.array([7, 8, 9, 10, 7])
    report = report_of(Objective.RETRIEVAL, labels, (queries, items), groups=numbers)
    assert report.rows == 3
    assert report.numbers["mrr"] == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert report.curves["recall_at_k"]["recall"][-1] == 1
    assert set(report.numbers) == set(METRICS[Objective.RETRIEVAL])


def test_items_of_one_embedding_are_not_found() -> None:
    same = np.ones((200, 2), np.float32)
    report = report_of(Objective.RETRIEVAL, None, (same, same), groups=np.arange(200))
    assert report.numbers["recall_100"] == 0
    assert report.numbers["mrr"] == pytest.approx(1 / 100.5)


@pytest.mark.parametrize("rows", [40, clusters.SAMPLE_ROWS])
def test_clusters_agree_with_scikit_learn(rng: np.random.Generator, rows: int) -> None:
    matrix = rng.normal(size=(rows, 3)) + rng.integers(0, 3, (rows, 1)) * 4
    own = rng.integers(0, 3, rows)
    own[0] = 5  # a cluster of one row
    distances = np.abs(rng.normal(size=rows))
    found = report_of(Objective.CLUSTERING, None, (own, distances), matrix=matrix).numbers
    assert found["silhouette"] == pytest.approx(reference.silhouette_score(matrix, own))
    assert found["davies_bouldin"] == pytest.approx(reference.davies_bouldin_score(matrix, own))
    assert found["inertia"] == pytest.approx(float(np.sum(distances**2)))


def test_one_cluster_has_only_its_inertia() -> None:
    report = report_of(Objective.CLUSTERING, None, (np.zeros(4), np.ones(4)), matrix=np.eye(4))
    assert report.numbers == {"inertia": 4.0}
    assert report.curves["cluster_sizes"] == {"cluster": [0.0], "rows": [4.0]}


def test_a_projection_keeps_part_of_the_variance(rng: np.random.Generator) -> None:
    matrix = rng.normal(size=(500, 3)) * [3, 2, 1]
    report = report_of(Objective.TRANSFORM, None, (matrix[:, :2],), matrix=matrix)
    share = np.var(matrix[:, :2], axis=0).sum() / np.var(matrix, axis=0).sum()
    assert report.numbers == {"explained_variance": pytest.approx(share)}


@pytest.mark.parametrize("objective", list(Objective))
def test_every_report_is_json_and_has_its_primary(rng: np.random.Generator, objective: Objective) -> None:
    rows = 60
    labels = rng.integers(0, 3, rows) if objective is Objective.MULTICLASS else rng.integers(0, 2, rows)
    two = rng.random((rows, 3)).astype(np.float32)
    outputs = {
        Objective.MULTICLASS: (two / two.sum(axis=1, keepdims=True),),
        Objective.RETRIEVAL: (two, two[::-1]),
        Objective.CLUSTERING: (labels, two[:, 0]),
        Objective.TRANSFORM: (two,),
    }.get(objective, (two[:, 0],))
    report = report_of(objective, labels, outputs, groups=np.arange(rows) % 20, matrix=two)
    assert json.loads(json.dumps(asdict(report), allow_nan=False))["rows"] == report.rows
    assert report.primary is not None
    assert set(report.numbers) <= set(METRICS[objective])
    assert PRIMARY[objective] in report.numbers


def test_outputs_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(JobError, match=r"SR561.*output 1 holds 1 values"):
        report_of(Objective.BINARY, [0, 1], (np.array([0.5, math.nan]),))
    with pytest.raises(JobError, match=r"SR561.*both towers"):
        report_of(Objective.RETRIEVAL, None, (np.ones((2, 2)),), groups=np.arange(2))
    with pytest.raises(JobError, match=r"SR561.*each class"):
        report_of(Objective.MULTICLASS, [0], (np.array([0.5]),))


def test_a_retrieval_without_queries_has_no_numbers() -> None:
    assert retrieval_report(np.empty(0), 5).numbers == {}
