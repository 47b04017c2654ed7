"""What one loaded version of a model has done since it was loaded, under the names of FLIP-23's statistics.

A scoring is one call of the model, of one row or of a batch; durations are of these calls, in milliseconds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock

import numpy as np
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from sqlrec.serving.drift import Drift
from sqlrec.serving.frame import Array
from sqlrec.serving.histogram import SCORES, SECONDS, Histogram
from sqlrec.serving.scorer import BatchReport
from sqlrec.spec.profile import Profile
from sqlrec.spec.service import ServedModel
from sqlrec.spec.signature import Signature

Figures = dict[str, object]
PERCENTILES = (50, 95, 99)
LATER_ROWS = 2048
"""Rows whose outputs may wait to be counted."""


class ModelStatistics:
    """Counts of one lane; from any thread. ``type`` and ``description`` are those of the model."""

    def __init__(self, model: ServedModel, signature: Signature, profile: Profile) -> None:
        self._model = model
        self._type = signature.type
        self._lock = Lock()
        self._since = time.time()
        self._seconds = Histogram(SECONDS)
        self._least = float("inf")
        self._greatest = 0.0
        self._rows = 0
        self._nulls: Counter[str] = Counter()
        self._unknown = 0
        self._scores: dict[str, Histogram] = {}
        self._later: list[Mapping[str, Array]] = []
        self._later_rows = 0
        self.drift = Drift(signature.inputs, profile)

    def batch_done(self, report: BatchReport) -> None:
        """The model was called once."""
        with self._lock:
            self._seconds.add(report.predict)
            self._least = min(self._least, report.predict)
            self._greatest = max(self._greatest, report.predict)
            self._rows += report.rows
            self._unknown += report.unknown
            if report.nulls:
                self._nulls.update(report.nulls)
            self._later.append(report.outputs)
            self._later_rows += report.rows
            if self._later_rows >= LATER_ROWS:
                self._count_scores()
            self.drift.look(report.tensors, report.rows)

    def _count_scores(self) -> None:
        """Count the outputs of the last scorings; done for many at once, because a batch is often small."""
        later, self._later, self._later_rows = self._later, [], 0
        for name in later[0] if later else ():
            arrays = [outputs[name] for outputs in later]
            if arrays[0].ndim == 1 and arrays[0].dtype.kind == "f":
                self._scores.setdefault(name, Histogram(SCORES)).add_all(np.concatenate(arrays))

    def figures(self) -> Figures:
        """All of it as plain values; ``min`` … are None before the first scoring."""
        with self._lock:
            self._count_scores()
            calls = sum(self._seconds.counts)
            spread = percentiles(self._seconds, PERCENTILES) if calls else dict.fromkeys(PERCENTILES)
            return {
                "name": str(self._model.model.name),
                "description": self._model.model.comment,
                "type": self._type,
                "checkpoint": self._model.checkpoint,
                "version": self._model.version,
                "variant": self._model.variant,
                "since": self._since,
                "usage": calls,
                "rows": self._rows,
                "duration": self._seconds.total * 1000,
                "min": self._least * 1000 if calls else None,
                "max": self._greatest * 1000 if calls else None,
                "mean": self._seconds.total * 1000 / calls if calls else None,
                **{f"p{p}": None if v is None else self._within(v) * 1000 for p, v in spread.items()},
                "missing": dict(self._nulls),
                "unknown_inputs": self._unknown,
                "looked_at": self.drift.rows,
                "unseen": dict(self.drift.unseen),
                "out_of_range": dict(self.drift.out_of_range),
                "scores": {name: _shown(histogram) for name, histogram in self._scores.items()},
            }

    def _within(self, seconds: float) -> float:
        """A percentile as far as the least and the greatest allow it."""
        return min(max(seconds, self._least), self._greatest)

    def families(self, service: str, into: Families) -> None:
        """Add the counts to Prometheus' families."""
        labels = [service, str(self._model.model.name), str(self._model.version)]
        with self._lock:
            self._count_scores()
            into.unknown.add_metric(labels, self._unknown)
            into.looked_at.add_metric(labels, self.drift.rows)
            for family, counts in (
                (into.missing, self._nulls),
                (into.unseen, self.drift.unseen),
                (into.out_of_range, self.drift.out_of_range),
            ):
                for column, count in sorted(counts.items()):
                    family.add_metric([*labels, column], count)
            for name, histogram in sorted(self._scores.items()):
                histogram.add_to(into.scores, [*labels, name])


class Families:
    """What Prometheus is told of every loaded version."""

    def __init__(self) -> None:
        of_model = ("service", "model", "version")
        of_column = (*of_model, "column")
        self.unknown = CounterMetricFamily(
            "sqlrec_input_unknown", "Values sent for no input of the model", labels=of_model
        )
        self.missing = CounterMetricFamily(
            "sqlrec_input_missing", "Null values of an input", labels=of_column
        )
        self.looked_at = CounterMetricFamily(
            "sqlrec_input_looked_at", "Rows looked at for unseen values and ranges", labels=of_model
        )
        self.unseen = CounterMetricFamily(
            "sqlrec_input_unseen", "Values that training did not have, of rows looked at", labels=of_column
        )
        self.out_of_range = CounterMetricFamily(
            "sqlrec_input_out_of_range",
            "Quantities beyond training's, of rows looked at",
            labels=of_column,
        )
        self.scores = HistogramMetricFamily(
            "sqlrec_prediction", "Values of a numeric output", labels=(*of_model, "output")
        )


def model_families(service: str, loaded: Iterable[ModelStatistics]) -> Iterator[Metric]:
    """The figures of every loaded version for Prometheus."""
    families = Families()
    for statistics in loaded:
        statistics.families(service, families)
    yield from vars(families).values()


def percentiles(histogram: Histogram, wanted: Sequence[int]) -> Mapping[int, float]:
    """Percentiles of a histogram that is not empty, linear within a bucket as Prometheus does it.

    Values beyond the last bound count as that bound.
    """
    total, found = sum(histogram.counts), {}
    for percent in wanted:
        due, before, low = total * percent / 100, 0, 0.0
        for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
            if count and before + count >= due:
                found[percent] = low + (bound - low) * (due - before) / count
                break
            before, low = before + count, bound
        else:
            found[percent] = histogram.bounds[-1]
    return found


def _shown(histogram: Histogram) -> Figures:
    """A histogram by its upper bounds, and the mean."""
    count = sum(histogram.counts)
    names = [*(f"{bound:g}" for bound in histogram.bounds), "inf"]
    return {
        "count": count,
        "mean": histogram.total / count if count else None,
        "buckets": dict(zip(names, histogram.counts, strict=True)),
    }
