from __future__ import annotations

import pytest

from sqlrec.serving.tracing import Trace, begun, parent_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-01 ", f"01-{TRACE}-{SPAN}-01-more"]
)
def test_a_caller_is_understood(header: str) -> None:
    assert parent_of(header) == Trace(TRACE, SPAN, "01")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE}1-{SPAN}-01",
    ],
)
def test_what_is_not_well_formed_is_passed_over(header: str) -> None:
    assert parent_of(header) is None


def test_a_span_below_the_callers_is_of_the_same_trace() -> None:
    span = begun(Trace(TRACE, SPAN, "01"))
    assert (span.trace_id, span.flags) == (TRACE, "01")
    assert span.span_id != SPAN
    assert parent_of(span.header) == span


def test_a_trace_of_its_own() -> None:
    one, other = begun(None), begun(None)
    assert one.trace_id != other.trace_id
    assert parent_of(one.header) == one
