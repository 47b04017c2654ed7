"""Counters of the predict server, in Prometheus' text format.

The server counts in plain Python numbers, and the Prometheus client reads them only when it is asked
for ``/metrics``: its own counters would take longer than a prediction. Request counts belong to the event
loop; batches are reported by two threads and are counted under a lock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from prometheus_client import PROCESS_COLLECTOR, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from sqlrec.spec.service import ServiceSpec

if TYPE_CHECKING:
    from sqlrec.serving.frame import Array
    from sqlrec.serving.scorer import BatchReport

CONTENT_TYPE = CONTENT_TYPE_LATEST
PROTOCOL = "sqlrec"

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


FEW = 16
"""Up to so many values are counted one by one: numpy's fixed costs are higher."""


class Histogram:
    """How many values fell up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_each(self, values: Sequence[float]) -> None:
        """Count some values."""
        bounds, counts = self.bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.total += sum(values)

    def add_all(self, values: Array) -> None:
        """Count every value of an array ``[rows]`` but NaN."""
        if len(values) <= FEW:
            for value in values.tolist():
                if value == value:
                    self.add(value)
            return
        values = values[values == values]
        places = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.counts = [old + new for old, new in zip(self.counts, places.tolist(), strict=True)]
        self.total += float(values.sum(dtype=np.float64))

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str]) -> None:
        """Write the cumulative counts."""
        cumulative = np.cumsum(self.counts).tolist()
        names = [str(float(bound)) for bound in self.bounds] + ["+Inf"]
        family.add_metric(labels, list(zip(names, cumulative, strict=True)), self.total)


class Metrics(Collector):
    """All figures of one server process, for one service.

    ``models`` are those in force, ``updates`` counts live updates by slot and result.
    """

    def __init__(self, spec: ServiceSpec) -> None:
        self._spec = spec
        self.models = spec.models
        self.updates: Mapping[tuple[str, str], int] = {}
        self._lock = Lock()
        self._codes: Counter[tuple[str, int]] = Counter()
        self._duration = Histogram(SECONDS)
        self._request_rows = Histogram(ROWS)
        self._stages = {name: Histogram(SECONDS) for name in ("decode", "predict", "encode")}
        self._batch_rows = Histogram(ROWS)
        self._nulls: Counter[str] = Counter()
        self._unknown = 0
        self._scores: dict[str, Histogram] = {}
        self.in_flight = 0
        self.ready = False
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._registry.register(PROCESS_COLLECTOR)

    def request_started(self) -> None:
        """A prediction request has arrived."""
        self.in_flight += 1

    def request_done(self, code: int, seconds: float, rows: int, protocol: str = PROTOCOL) -> None:
        """A prediction request was answered with status ``code``, ``seconds`` after its first byte."""
        self.in_flight -= 1
        self._codes[protocol, code] += 1
        self._duration.add(seconds)
        if code == 200:
            self._request_rows.add(rows)

    def requests_done(self, seconds: Sequence[float], rows: Sequence[int]) -> None:
        """Prediction requests were answered with 200 that were not said to have arrived."""
        self._codes[PROTOCOL, 200] += len(rows)
        self._duration.add_each(seconds)
        self._request_rows.add_each(rows)

    def request_refused(self, code: int) -> None:
        """A request was answered with an error before it was complete."""
        self._codes[PROTOCOL, code] += 1

    def batch_done(self, report: BatchReport) -> None:
        """The model was called once; from any thread."""
        with self._lock:
            self._stages["predict"].add(report.predict)
            self._batch_rows.add(report.rows)
            self._unknown += report.unknown
            self._nulls.update(report.nulls)
            for name, array in report.outputs.items():
                if array.ndim == 1 and array.dtype.kind == "f":
                    self._scores.setdefault(name, Histogram(SCORES)).add_all(array)

    def stage_done(self, name: str, seconds: float) -> None:
        """Requests were read or answers written; from any thread."""
        with self._lock:
            self._stages[name].add(seconds)

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Everything as metric families; called by the Prometheus client."""
        with self._lock:
            yield from self._requests()
            yield from self._batches()

    def _requests(self) -> Iterator[Metric]:
        spec, service = self._spec, [self._spec.name]
        labels = ("service", "model", "version", "protocol", "code")
        requests = CounterMetricFamily("sqlrec_requests", "Prediction requests answered", labels=labels)
        for (protocol, code), count in sorted(self._codes.items()):
            requests.add_metric(
                [spec.name, str(self.models[0].model.name), str(self.models[0].version), protocol, str(code)],
                count,
            )
        yield requests
        yield histogram_family(
            "sqlrec_request_duration_seconds", "First byte in to answer", service, self._duration
        )
        yield histogram_family(
            "sqlrec_request_rows", "Rows of an answered request", service, self._request_rows
        )
        in_flight = GaugeMetricFamily(
            "sqlrec_requests_in_flight", "Prediction requests not answered yet", labels=("service",)
        )
        in_flight.add_metric(service, self.in_flight)
        yield in_flight
        ready = GaugeMetricFamily("sqlrec_ready", "1 when /readyz answers 200", labels=("service",))
        ready.add_metric(service, self.ready)
        yield ready
        info = GaugeMetricFamily(
            "sqlrec_model_info",
            "What is served",
            labels=("service", "model", "version", "checkpoint", "variant", "digest"),
        )
        for m in self.models:
            facts = [spec.name, str(m.model.name), str(m.version), m.checkpoint, m.variant, m.digest]
            info.add_metric(facts, 1)
        yield info
        updates = CounterMetricFamily(
            "sqlrec_model_updates", "Live updates by result", labels=("service", "slot", "result")
        )
        for (slot, result), count in sorted(self.updates.items()):
            updates.add_metric([spec.name, slot, result], count)
        yield updates

    def _batches(self) -> Iterator[Metric]:
        service = [self._spec.name]
        for name, histogram in self._stages.items():
            yield histogram_family(f"sqlrec_{name}_seconds", f"Time to {name} one batch", service, histogram)
        yield histogram_family("sqlrec_batch_rows", "Rows of one model call", service, self._batch_rows)
        missing = CounterMetricFamily(
            "sqlrec_input_missing", "Null values of an input", labels=("service", "column")
        )
        for column, count in sorted(self._nulls.items()):
            missing.add_metric([*service, column], count)
        yield missing
        unknown = CounterMetricFamily(
            "sqlrec_input_unknown", "Values sent for no input of the model", labels=("service",)
        )
        unknown.add_metric(service, self._unknown)
        yield unknown
        scores = HistogramMetricFamily(
            "sqlrec_prediction", "Values of a numeric output", labels=("service", "output")
        )
        for name, histogram in sorted(self._scores.items()):
            histogram.add_to(scores, [*service, name])
        yield scores


def histogram_family(
    name: str, doc: str, of: Sequence[str], histogram: Histogram, *, label: str = "service"
) -> Metric:
    """One histogram of one service or API."""
    family = HistogramMetricFamily(name, doc, labels=(label,))
    histogram.add_to(family, of)
    return family
