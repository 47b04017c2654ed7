"""What goes with every request of a service, model or API: request id, trace, deadline, log line."""

from __future__ import annotations

import time
from http import HTTPStatus

from sqlrec.serving.config import AnyConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError
from sqlrec.serving.logs import log
from sqlrec.serving.otel import OtelTracer
from sqlrec.serving.tracing import Trace, Tracer, begun, given_back, parent_of
from sqlrec.serving.wire import Headers

TIMEOUT = b"x-request-timeout-ms"
_QUOTING = frozenset(("SR651", "SR653", "SR667"))
"""Errors whose message quotes the body, for the caller; the log does not hold what callers send."""
CLIENT_GONE = 499
"""Counted, never sent: the status nginx gave to this case."""


class Exchanges:
    """Begins and ends the exchanges of one server."""

    def __init__(self, config: AnyConfig) -> None:
        """Raises ``SetupError`` SR675 when traces are wanted and cannot be made."""
        self._access_log = config.access_log
        self._timeout = config.limits.request_timeout
        self._tracer: Tracer | None = OtelTracer(config.spec.name) if config.tracing else None

    def begin(self, request: Request) -> Trace | None:
        """The request's trace; None when nobody asks for one."""
        header = request.header(b"traceparent")
        if not header and not self._access_log and self._tracer is None:
            return None
        parent = parent_of(header)
        if self._tracer is None:
            return begun(parent)
        return self._tracer.begin(f"{request.method} {request.path[:100]}", parent)

    def deadline(self, request: Request) -> float:
        """When the client stops waiting, by the monotonic clock; ``RequestError`` SR668.

        Its ``X-Request-Timeout-Ms`` counts from the first byte, and can only shorten the server's own.
        """
        text = request.header(TIMEOUT)
        if not text:
            return request.started + self._timeout
        if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9):
            hint = "send how many milliseconds you wait, such as 150"
            raise RequestError("SR668", f"X-Request-Timeout-Ms is {text[:20]!r}", hint=hint)
        return request.started + min(int(text) / 1000, self._timeout)

    def headers(self, request: Request, trace: Trace | None) -> Headers:
        """The request id and the trace, given back."""
        return given_back(request.request_id, trace)

    def end(
        self,
        event: str,
        request: Request,
        trace: Trace | None,
        *,
        code: int,
        rows: int,
        sent: int,
        error: RequestError | None,
        **facts: str | int,
    ) -> None:
        """Log the exchange if all are logged or the server failed, and end its span."""
        failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR
        if self._access_log or failed:
            told = {"error": _logged(error)} if error else {}
            log(
                event,
                id=request.request_id,
                trace=trace.trace_id if trace else None,
                client=request.client,
                method=request.method,
                path=request.path[:200],
                code=code,
                rows=rows,
                ms=(time.monotonic() - request.started) * 1000,
                received=len(request.body),
                sent=sent,
                **facts,
                **told,
            )
        if trace is not None and self._tracer is not None:
            about = {"http.request.method": request.method, "url.path": request.path[:200]}
            status = {"http.response.status_code": code, "sqlrec.rows": rows}
            more = {f"sqlrec.{name}": value for name, value in facts.items()}
            self._tracer.end(trace, {**about, **status, **more}, failed=failed)

    def close(self) -> None:
        """Send the spans that are left."""
        if self._tracer is not None:
            self._tracer.close()


def _logged(error: RequestError) -> str:
    if error.code not in _QUOTING:
        return str(error)
    place = [f"row {error.row}"] if error.row is not None else []
    if error.column is not None and error.code == "SR653":  # one of the model's own
        place.append(f"column {error.column}")
    return " ".join([f"[{error.code}]", ", ".join(place)]).strip()


def code_of(request: Request, error: RequestError | None) -> int:
    """The status to count: that of the answer, unless nobody is there to get it."""
    if request.abandoned:
        return CLIENT_GONE
    return (error.status if error else HTTPStatus.OK).value
