"""Histograms in plain Python numbers, which the Prometheus client reads when it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from prometheus_client.core import HistogramMetricFamily, Metric

if TYPE_CHECKING:
    from sqlrec.serving.frame import Array

SECONDS = (
    0.00005,
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    10,
)
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)
SCORES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1)


LATER = 512
"""Values that may wait to be counted: many at once take a third of the time that one by one take."""


class Histogram:
    """How many values fell up to each bound, and their sum."""

    __slots__ = ("_counts", "_edges", "_later", "_total", "bounds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._edges = np.array(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0
        self._later: list[float] = []

    @property
    def counts(self) -> Sequence[int]:
        """Values up to each bound and above the one before; the last are beyond all bounds."""
        self._count()
        return self._counts

    @property
    def total(self) -> float:
        """The sum of all values."""
        self._count()
        return self._total

    def add(self, value: float) -> None:
        """Count one value."""
        self._later.append(value)
        if len(self._later) >= LATER:
            self._count()

    def add_each(self, values: Sequence[float]) -> None:
        """Count some values."""
        self._later += values
        if len(self._later) >= LATER:
            self._count()

    def add_all(self, values: Array) -> None:
        """Count every value of an array ``[rows]`` but NaN."""
        total = float(values.sum(dtype=np.float64))
        if total != total:
            values = values[values == values]
            total = float(values.sum(dtype=np.float64))
        places = np.bincount(np.searchsorted(self._edges, values), minlength=len(self._counts))
        self._counts = [old + new for old, new in zip(self._counts, places.tolist(), strict=True)]
        self._total += total

    def _count(self) -> None:
        if self._later:
            later, self._later = self._later, []
            self.add_all(np.array(later, dtype=np.float64))

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str]) -> None:
        """Write the cumulative counts."""
        cumulative = np.cumsum(self.counts).tolist()
        names = [str(float(bound)) for bound in self.bounds] + ["+Inf"]
        family.add_metric(labels, list(zip(names, cumulative, strict=True)), self.total)


def histogram_family(
    name: str, doc: str, of: Sequence[str], histogram: Histogram, *, label: str = "service"
) -> Metric:
    """One histogram of one service or API."""
    family = HistogramMetricFamily(name, doc, labels=(label,))
    histogram.add_to(family, of)
    return family
