"""One entry to measuring: labels and outputs in, the figures and curves of the model's objective out.

Training, EVALUATE MODEL and the variants of an export all measure here, so their numbers agree. Every row
counts once, whatever its weight in training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from sqlrec.errors import JobError
from sqlrec.models.measuring import classes as several
from sqlrec.models.measuring import clusters, metrics, ranking, residuals, retrieval
from sqlrec.models.measuring.measures import METRICS, PRIMARY
from sqlrec.models.objective import Objective
from sqlrec.scoring.quality import classification, regression

Array = npt.NDArray[Any]
Outputs = Sequence[Array]
"""One array per output column, ``[rows]`` or ``[rows, width]``."""
Curve = Mapping[str, Sequence[Any]]
"""Columns of a curve, by name; what JSON can hold."""
Parts = tuple[dict[str, float], dict[str, Curve]]

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was measured of some scored rows.

    ``numbers`` are the metrics that are defined, by the names of :mod:`sqlrec.models.measuring.measures`; of
    several labels also ``auc.<label>`` beside their mean ``auc``. ``curves`` are what plots show:
    ``roc``, ``calibration``, ``confusion`` … of several labels ``roc.<label>``.
    """

    objective: Objective
    rows: int
    numbers: Mapping[str, float]
    curves: Mapping[str, Curve] = field(default_factory=dict)

    @property
    def primary(self) -> float | None:
        """Value of the metric that decides; None where it is undefined, as the AUC of one class."""
        return self.numbers.get(PRIMARY[self.objective])


def report_of(
    objective: Objective,
    labels: npt.ArrayLike | None,
    outputs: Outputs,
    *,
    groups: Array | None = None,
    classes: Sequence[str] = (),
    label_names: Sequence[str] = (),
    threshold: float = THRESHOLD,
    matrix: Array | None = None,
) -> Report:
    """Measure ``outputs``, those of :class:`Objective`, of at least one row.

    ``labels`` are, by objective: BINARY 0 or 1 ``[rows]``, or ``[rows, labels]`` with an output each, named
    by ``label_names``, NaN where a row has no such label; MULTICLASS class numbers, named by ``classes``
    (below 0: a class that the model does not know); REGRESSION numbers; RANKING relevance from 0 on;
    RETRIEVAL None, or 1 in the rows that count; CLUSTERING and TRANSFORM None.

    ``groups`` are numbers ``[rows]``, below 0 for none; of RETRIEVAL they tell the items apart: outputs are
    queries and items, all items of the rows are the candidates (:func:`retrieval_report` takes others).
    ``threshold`` is the smallest probability taken for label 1. ``matrix`` ``[rows, width]`` is what clusters
    and projections are of; without it only what outputs tell is measured.

    Raises ``JobError`` SR561 for RANKING and RETRIEVAL without groups and for outputs that are not the
    objective's.
    """
    _require_finite(outputs)
    match objective:
        case Objective.BINARY:
            numbers, curves = _binary(labels, outputs, groups, label_names, threshold)
        case Objective.MULTICLASS:
            numbers, curves = _multiclass(np.asarray(labels), outputs, classes)
        case Objective.REGRESSION:
            numbers, curves = _regression(np.asarray(labels, np.float64), outputs[0])
        case Objective.RANKING:
            numbers, curves = _ranking(labels, outputs[0], groups)
        case Objective.RETRIEVAL:
            return _retrieval(labels, outputs, groups)
        case Objective.CLUSTERING:
            numbers, curves = _clustering(outputs, matrix)
        case Objective.TRANSFORM:
            numbers, curves = _transform(outputs[0], matrix)
        case _:
            assert_never(objective)
    return Report(objective=objective, rows=len(outputs[0]), numbers=_defined(numbers), curves=curves)


def retrieval_report(places: npt.NDArray[np.float64], candidates: int) -> Report:
    """The report of ranks (:func:`sqlrec.models.measuring.retrieval.ranks`) among ``candidates`` items."""
    return Report(
        objective=Objective.RETRIEVAL,
        rows=len(places),
        numbers=retrieval.numbers(places),
        curves={"recall_at_k": retrieval.by_cut(places, candidates)} if len(places) else {},
    )


def _binary(
    labels: npt.ArrayLike | None,
    outputs: Outputs,
    groups: Array | None,
    names: Sequence[str],
    threshold: float,
) -> Parts:
    truth = np.asarray(labels)
    if truth.ndim == 1:
        return _one_label(truth, outputs[0], groups, threshold)
    numbers: dict[str, list[float]] = {}
    all_numbers, curves = {}, {}
    for position, output in enumerate(outputs):
        name = names[position] if position < len(names) else str(position)
        known = ~np.isnan(truth[:, position].astype(np.float64))
        if not known.any():
            continue
        own = None if groups is None else groups[known]
        found, drawn = _one_label(truth[known, position], output[known], own, threshold)
        curves.update({f"{curve}.{name}": values for curve, values in drawn.items()})
        all_numbers.update({f"{metric}.{name}": value for metric, value in found.items()})
        for metric, value in found.items():
            numbers.setdefault(metric, []).append(value)
    means = {metric: float(np.mean(values)) for metric, values in numbers.items()}
    return {**means, **all_numbers}, curves


def _one_label(labels: Array, scores: Array, groups: Array | None, threshold: float) -> Parts:
    confusion, bins = metrics.Confusion.of(labels, scores), metrics.calibration(labels, scores)
    guessed = classification(labels.astype(np.int8), (scores >= threshold).astype(np.int8))
    flink = {name.casefold(): value for name, value in {**guessed, **regression(labels, scores)}.items()}
    numbers = {
        "logloss": metrics.logloss(labels, scores),
        "calibration_error": metrics.calibration_error(bins),
        **{name: value for name, value in flink.items() if name in METRICS[Objective.BINARY]},
    }
    curves: dict[str, Curve] = {"calibration": bins, "scores": metrics.histogram(labels, scores)}
    if confusion.has_both_classes:
        numbers = {"auc": confusion.auc(), "average_precision": confusion.average_precision(), **numbers}
        curves |= {"roc": confusion.roc(), "precision_recall": confusion.precision_recall()}
    if groups is not None:
        numbers["gauc"] = metrics.gauc(labels, scores, groups)
    return numbers, curves


def _multiclass(labels: Array, outputs: Outputs, names: Sequence[str]) -> Parts:
    probabilities = next((output for output in outputs if output.ndim == 2), None)
    if probabilities is None:
        raise _unfit("no output holds a probability for each class")
    codes = labels.astype(np.int64)
    codes[codes >= probabilities.shape[1]] = -1
    confusion = several.confusion(codes, probabilities, names)
    return several.numbers(codes, probabilities), {"confusion": confusion}


def _regression(labels: Array, predicted: Array) -> Parts:
    numbers = {name.casefold(): value for name, value in regression(labels, predicted).items()}
    return numbers, {
        "residuals": residuals.histogram(labels, predicted),
        "residual_quantiles": residuals.quantiles(labels, predicted),
        "predicted": residuals.pairs(labels, predicted),
    }


def _ranking(labels: npt.ArrayLike | None, scores: Array, groups: Array | None) -> Parts:
    if groups is None:
        raise _unfit("rows are ranked within groups, and there are none", "add the option group_column")
    ranked = ranking.Ranked.of(np.asarray(labels), scores, groups)
    numbers = ranking.numbers(ranked)
    return numbers, {"ndcg_at_k": ranking.by_cut(ranked)} if math.isfinite(numbers["mrr"]) else {}


def _retrieval(labels: npt.ArrayLike | None, outputs: Outputs, groups: Array | None) -> Report:
    if len(outputs) != 2:
        raise _unfit("it takes the outputs of both towers", "evaluate the trained checkpoint")
    if groups is None:
        raise _unfit("nothing tells items apart")
    queries, items = (np.asarray(output, np.float32) for output in outputs)
    candidates, truth = retrieval.candidates(items, groups)
    counted = np.full(len(items), True) if labels is None else np.asarray(labels) == 1
    return retrieval_report(retrieval.ranks(queries[counted], candidates, truth[counted]), len(candidates))


def _clustering(outputs: Outputs, matrix: Array | None) -> Parts:
    numbers = clusters.numbers(outputs[0], outputs[1] if len(outputs) > 1 else None, matrix)
    return numbers, {"cluster_sizes": clusters.sizes(outputs[0])}


def _transform(outputs: Array, matrix: Array | None) -> Parts:
    numbers = {} if matrix is None else {"explained_variance": clusters.explained_variance(outputs, matrix)}
    return numbers, {"components": clusters.spread(outputs)}


def _defined(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}


def _require_finite(outputs: Outputs) -> None:
    if not outputs:
        raise _unfit("there is no output")
    for position, output in enumerate(outputs):
        wrong = np.count_nonzero(~np.isfinite(output)) if np.issubdtype(output.dtype, np.floating) else 0
        if wrong:
            raise _unfit(f"output {position + 1} holds {wrong:,} values that are no numbers")


def _unfit(what: str, hint: str = "") -> JobError:
    return JobError("SR561", f"the model cannot be measured: {what}", hint=hint or "train the model again")
