"""Spans of requests for OpenTelemetry, sent by OTLP over HTTP. Needs the extra ``otel``.

Where they go is told by OpenTelemetry's own variables, such as ``OTEL_EXPORTER_OTLP_ENDPOINT``; so are
sampling and headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlrec.errors import SetupError
from sqlrec.serving.tracing import Trace


class OtelTracer:
    """See :class:`sqlrec.serving.tracing.Tracer`."""

    def __init__(self, service: str) -> None:
        """Raises ``SetupError`` SR675 when OpenTelemetry is not installed."""
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            message = f"traces need OpenTelemetry: {error}"
            raise SetupError("SR675", message, hint="pip install 'sqlrec[otel]'") from None
        self._trace: Any = trace
        self._provider: Any = TracerProvider(resource=Resource.create({"service.name": service}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer: Any = self._provider.get_tracer("sqlrec.serving")

    def begin(self, name: str, parent: Trace | None) -> Trace:
        """See :class:`sqlrec.serving.tracing.Tracer`."""
        api = self._trace
        context = None
        if parent is not None:
            caller = api.SpanContext(
                int(parent.trace_id, 16),
                int(parent.span_id, 16),
                is_remote=True,
                trace_flags=api.TraceFlags(int(parent.flags, 16)),
            )
            context = api.set_span_in_context(api.NonRecordingSpan(caller))
        span = self._tracer.start_span(name, context=context, kind=api.SpanKind.SERVER)
        own = span.get_span_context()
        return Trace(f"{own.trace_id:032x}", f"{own.span_id:016x}", f"{int(own.trace_flags):02x}", span)

    def end(self, trace: Trace, facts: Mapping[str, str | int], *, failed: bool) -> None:
        """See :class:`sqlrec.serving.tracing.Tracer`."""
        trace.span.set_attributes(facts)
        if failed:
            trace.span.set_status(self._trace.StatusCode.ERROR)
        trace.span.end()

    def close(self) -> None:
        """Send what is left; waits a few seconds at most."""
        self._provider.shutdown()
