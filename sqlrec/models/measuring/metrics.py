"""Quality of scores against 0/1 labels: numbers and the curves behind them.

NumPy only, one sort for all curves, ties handled exactly. scikit-learn gives the same values (tested)
but needs several passes and a heavy import.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CURVE_POINTS = 200
CALIBRATION_BINS = 20
HISTOGRAM_BINS = 50
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts above each distinct score, from the highest score down; the first entry is (0, 0)."""

    true_positives: Floats
    false_positives: Floats

    @classmethod
    def of(cls, labels: npt.ArrayLike, scores: npt.ArrayLike) -> Confusion:
        """Counts for ``labels`` (0 or 1) and finite ``scores``, both ``[rows]``."""
        labels, scores = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
        order = np.argsort(-scores, kind="stable")
        positives = np.cumsum(labels[order])
        last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
        true = np.concatenate([[0.0], positives[last_of_tie]]) if len(scores) else np.zeros(1)
        seen = np.concatenate([[0.0], last_of_tie + 1.0]) if len(scores) else np.zeros(1)
        return cls(true_positives=true, false_positives=seen - true)

    @property
    def positives(self) -> float:
        """Rows with label 1."""
        return float(self.true_positives[-1])

    @property
    def negatives(self) -> float:
        """Rows with label 0."""
        return float(self.false_positives[-1])

    @property
    def has_both_classes(self) -> bool:
        """Whether ranking means anything: AUC, ROC and precision-recall need both labels."""
        return self.positives > 0 and self.negatives > 0

    def auc(self) -> float:
        """Area under the ROC curve: the chance that a positive scores above a negative, ties half."""
        rectangles = np.diff(self.false_positives) * (self.true_positives[1:] + self.true_positives[:-1])
        return float(rectangles.sum() / 2 / (self.positives * self.negatives))

    def average_precision(self) -> float:
        """Area under the precision-recall curve as a step function, without interpolation."""
        return float(np.sum(np.diff(self.true_positives) * self._precision()) / self.positives)

    def roc(self) -> dict[str, list[float]]:
        """``fpr`` and ``tpr``, from (0, 0) to (1, 1), at most :data:`CURVE_POINTS` points."""
        kept = _thinned(len(self.true_positives))
        return {
            "fpr": _listed(self.false_positives[kept] / self.negatives),
            "tpr": _listed(self.true_positives[kept] / self.positives),
        }

    def precision_recall(self) -> dict[str, list[float]]:
        """``recall`` and ``precision``, recall ascending, at most :data:`CURVE_POINTS` points."""
        kept = _thinned(len(self.true_positives) - 1)
        return {
            "recall": _listed(self.true_positives[1:][kept] / self.positives),
            "precision": _listed(self._precision()[kept]),
        }

    def _precision(self) -> Floats:
        return self.true_positives[1:] / (self.true_positives[1:] + self.false_positives[1:])


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve; NaN when all labels are equal."""
    confusion = Confusion.of(labels, scores)
    return confusion.auc() if confusion.has_both_classes else float("nan")


def gauc(labels: npt.ArrayLike, scores: npt.ArrayLike, groups: npt.ArrayLike) -> float:
    """Mean AUC of the groups, weighted by their rows; NaN when no group has both labels.

    ``groups`` are numbers; rows whose number is below 0 have no group and, as those of groups with one
    label, do not count. Zhou et al. 2018 (Deep Interest Network), equation 11.
    """
    groups = np.asarray(groups)
    labels, scores, groups = (np.asarray(x)[groups >= 0] for x in (labels, scores, groups))
    order = np.lexsort((scores, groups))
    labels, scores, groups = labels[order].astype(np.float64), scores[order], groups[order]
    new_group = np.diff(groups, prepend=-1) != 0
    new_score = new_group | (np.diff(scores, prepend=np.nan) != 0)
    first = np.flatnonzero(new_group)
    group, tie = np.cumsum(new_group) - 1, np.cumsum(new_score) - 1
    edges = np.append(np.flatnonzero(new_score), len(scores))
    ranks = ((edges[:-1] + edges[1:] + 1) / 2)[tie] - first[group]
    rows, positives = np.bincount(group), np.bincount(group, weights=labels)
    pairs = positives * (rows - positives)
    won = np.bincount(group, weights=ranks * labels) - positives * (positives + 1) / 2
    ranked = pairs > 0
    return float(np.average(won[ranked] / pairs[ranked], weights=rows[ranked])) if ranked.any() else math.nan


def logloss(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean negative log-likelihood in nats of probabilities, bounded away from 0 and 1."""
    labels = np.asarray(labels, np.float64)
    bounded = np.clip(np.asarray(scores, np.float64), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return float(-np.mean(labels * np.log(bounded) + (1 - labels) * np.log1p(-bounded)))


def calibration(labels: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, list[float]]:
    """Mean score (``predicted``), share of positives (``observed``) and ``rows`` of equally filled bins."""
    labels, scores = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    order = np.argsort(scores, kind="stable")
    bins = [b for b in np.array_split(order, CALIBRATION_BINS) if len(b)]
    return {
        "predicted": [float(scores[b].mean()) for b in bins],
        "observed": [float(labels[b].mean()) for b in bins],
        "rows": [float(len(b)) for b in bins],
    }


def calibration_error(bins: dict[str, list[float]]) -> float:
    """Expected calibration error: mean |predicted - observed| over :func:`calibration` bins, by rows."""
    gaps = np.abs(np.subtract(bins["predicted"], bins["observed"]))
    return float(np.average(gaps, weights=bins["rows"]))


def histogram(labels: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, list[float]]:
    """Rows by score and label: ``edges`` of equal bins over [0, 1], ``negatives`` and ``positives``."""
    labels, scores = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    return {
        "edges": _listed(edges),
        "negatives": _listed(np.histogram(scores[labels == 0], edges)[0]),
        "positives": _listed(np.histogram(scores[labels == 1], edges)[0]),
    }


def _thinned(count: int) -> npt.NDArray[np.int64]:
    """At most :data:`CURVE_POINTS` positions over ``count``, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, CURVE_POINTS)).round().astype(np.int64))


def _listed(values: npt.NDArray[np.generic]) -> list[float]:
    return [float(v) for v in values]
