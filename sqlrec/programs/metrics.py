"""Counters of an API's server, in Prometheus' text format; all belong to the event loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import PROCESS_COLLECTOR, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sqlrec.serving.histogram import ROWS, SECONDS, Histogram, histogram_family


class ApiMetrics(Collector):
    """All figures of one server process of one API."""

    def __init__(self, api: str, function: str) -> None:
        self._api = api
        self._function = function
        self._codes: Counter[int] = Counter()
        self._duration = Histogram(SECONDS)
        self._rows_in = Histogram(ROWS)
        self._rows_out = Histogram(ROWS)
        self.in_flight = 0
        self.ready = False
        self.reloads = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._registry.register(PROCESS_COLLECTOR)

    def started(self) -> None:
        """A request has arrived."""
        self.in_flight += 1

    def done(self, code: int, seconds: float, rows_in: int, rows_out: int) -> None:
        """A request was answered with status ``code``, ``seconds`` after its first byte."""
        self.in_flight -= 1
        self._codes[code] += 1
        self._duration.add(seconds)
        if code == 200:
            self._rows_in.add(rows_in)
            self._rows_out.add(rows_out)

    def refused(self, code: int) -> None:
        """A request was answered with an error before it was complete."""
        self._codes[code] += 1

    def exposition(self) -> bytes:
        """The text of ``/metrics``."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Everything as metric families; called by the Prometheus client."""
        api = [self._api]
        requests = CounterMetricFamily(
            "sqlrec_api_requests", "Requests answered", labels=("api", "function", "code")
        )
        for code, count in sorted(self._codes.items()):
            requests.add_metric([self._api, self._function, str(code)], count)
        yield requests
        reloads = CounterMetricFamily(
            "sqlrec_api_reloads", "Times changed tables were loaded again", labels=("api",)
        )
        reloads.add_metric(api, self.reloads)
        yield reloads
        in_flight = GaugeMetricFamily("sqlrec_api_requests_in_flight", "Not answered yet", labels=("api",))
        in_flight.add_metric(api, self.in_flight)
        yield in_flight
        ready = GaugeMetricFamily("sqlrec_api_ready", "1 when /readyz answers 200", labels=("api",))
        ready.add_metric(api, self.ready)
        yield ready
        for name, doc, histogram in (
            ("request_duration_seconds", "First byte in to answer", self._duration),
            ("input_rows", "Rows of an answered request", self._rows_in),
            ("output_rows", "Rows of an answer", self._rows_out),
        ):
            yield histogram_family(f"sqlrec_api_{name}", doc, api, histogram, label="api")
