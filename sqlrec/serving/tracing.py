"""W3C Trace Context: which trace a request belongs to, and optionally its span.

A ``traceparent`` that comes in is answered with one of the same trace. Spans are made and sent only by a
:class:`Tracer`, such as :class:`sqlrec.serving.otel.OtelTracer`.

Specification: https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Trace:
    """A span of a trace, ids in lower-case hex; ``span`` is the tracer's own object."""

    trace_id: str
    span_id: str
    flags: str = "00"
    span: Any = None

    @property
    def header(self) -> str:
        """As ``traceparent``."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


class Tracer(Protocol):
    """Makes spans and sends them somewhere."""

    def begin(self, name: str, parent: Trace | None) -> Trace:
        """A span that begins now, below that of the caller if he told one."""

    def end(self, trace: Trace, facts: Mapping[str, str | int], *, failed: bool) -> None:
        """It is over."""

    def close(self) -> None:
        """Send what is left."""


def parent_of(header: str) -> Trace | None:
    """The caller's span by its ``traceparent``; None for none, and for one that is not well-formed."""
    match header.strip().split("-"):
        case [version, trace_id, span_id, flags, *more] if version != "00" or not more:
            sizes = (len(version), len(trace_id), len(span_id), len(flags)) == (2, 32, 16, 2)
            zeros = not trace_id.strip("0") or not span_id.strip("0")
            if (
                sizes
                and not zeros
                and version != "ff"
                and _HEX.issuperset(version + trace_id + span_id + flags)
            ):
                return Trace(trace_id, span_id, flags)
    return None


def begun(parent: Trace | None) -> Trace:
    """A new span of the caller's trace, or of a new one."""
    span_id = f"{random.getrandbits(64) or 1:016x}"
    if parent is not None:
        return Trace(parent.trace_id, span_id, parent.flags)
    return Trace(f"{random.getrandbits(128) or 1:032x}", span_id)


def given_back(request_id: str, trace: Trace | None) -> tuple[tuple[str, str], ...]:
    """The headers of an answer: the caller's own id, unless it is empty, and the trace, if he has one."""
    headers = (("X-Request-Id", request_id),) if request_id else ()
    return headers if trace is None else (*headers, ("traceparent", trace.header))
