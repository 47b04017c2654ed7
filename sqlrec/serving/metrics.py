"""Counters of the predict server, in Prometheus' text format.

The server counts in plain Python numbers, and the Prometheus client reads them only when it is asked
for ``/metrics``: its own counters would take longer than a prediction. Request counts belong to the event
loop; batches are reported by two threads and are counted under a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client import PROCESS_COLLECTOR, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from sqlrec.serving.histogram import ROWS, SECONDS, Histogram, histogram_family
from sqlrec.serving.statistics import ModelStatistics, model_families
from sqlrec.spec.service import ServedModel, ServiceSpec

if TYPE_CHECKING:
    from sqlrec.serving.scorer import BatchReport

CONTENT_TYPE = CONTENT_TYPE_LATEST
PROTOCOL = "sqlrec"


class Metrics(Collector):
    """All figures of one server process, for one service.

    ``updates`` counts live updates by slot and result, ``statistics`` gives the figures of every loaded
    version.
    """

    def __init__(self, spec: ServiceSpec) -> None:
        self._spec = spec
        self.put_in_force(spec.models)
        self.updates: Mapping[tuple[str, str], int] = {}
        self.statistics: Callable[[], Sequence[ModelStatistics]] = tuple
        self._lock = Lock()
        self._codes: Counter[tuple[str, str, str, int]] = Counter()
        self._duration = Histogram(SECONDS)
        self._request_rows = Histogram(ROWS)
        self._stages = {name: Histogram(SECONDS) for name in ("decode", "predict", "encode")}
        self._batch_rows = Histogram(ROWS)
        self.in_flight = 0
        self.ready = False
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._registry.register(PROCESS_COLLECTOR)

    def put_in_force(self, models: Sequence[ServedModel]) -> None:
        """These versions answer from now on, the first one whatever is not known to be another's."""
        self._models = tuple(models)
        self._first = _labels(models[0])

    def request_started(self) -> None:
        """A prediction request has arrived."""
        self.in_flight += 1

    def request_done(
        self, code: int, seconds: float, rows: int, protocol: str = PROTOCOL, by: ServedModel | None = None
    ) -> None:
        """A prediction request was answered with status ``code``, ``seconds`` after its first byte."""
        self.in_flight -= 1
        self._codes[*(_labels(by) if by else self._first), protocol, code] += 1
        self._duration.add(seconds)
        if code == 200:
            self._request_rows.add(rows)

    def requests_done(self, seconds: Sequence[float], rows: Sequence[int]) -> None:
        """Prediction requests were answered with 200 that were not said to have arrived."""
        self._codes[*self._first, PROTOCOL, 200] += len(rows)
        self._duration.add_each(seconds)
        self._request_rows.add_each(rows)

    def request_refused(self, code: int) -> None:
        """A request was answered with an error before it was complete."""
        self._codes[*self._first, PROTOCOL, code] += 1

    def batch_done(self, report: BatchReport) -> None:
        """The model was called once; from any thread."""
        with self._lock:
            self._stages["predict"].add(report.predict)
            self._batch_rows.add(report.rows)

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
        for (model, version, protocol, code), count in sorted(self._codes.items()):
            requests.add_metric([spec.name, model, version, protocol, str(code)], count)
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
        for m in self._models:
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
        yield from model_families(self._spec.name, self.statistics())


def _labels(model: ServedModel) -> tuple[str, str]:
    return str(model.model.name), str(model.version)
