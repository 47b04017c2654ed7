from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import (
    EXIT_FAILED,
    EXIT_FINDINGS,
    EXIT_REFUSED,
    EXIT_SETUP,
    Diagnostic,
    PolicyError,
    RemoteError,
    ScriptError,
    SetupError,
    Severity,
    Span,
    SqlRecError,
    StateError,
    position,
    render_diagnostic,
    suggest,
)

TEXT = "TRAIN MODEL m\n\tCHECKPOINT = 'v1'\r\nON nowhere"


def test_a_span_reaches_to_another() -> None:
    assert Span(2, 4).to(Span(8, 9)) == Span(2, 9)


@pytest.mark.parametrize(("offset", "place"), [(0, (1, 1)), (13, (1, 14)), (14, (2, 1)), (999, (3, 11))])
def test_lines_and_columns_count_from_one(offset: int, place: tuple[int, int]) -> None:
    assert position(TEXT, offset) == place


def test_a_finding_shows_its_place_and_help() -> None:
    start = TEXT.index("'v1'")
    found = Diagnostic(code="SR204", message="no such checkpoint", span=Span(start, start + 4), hint="train")
    assert render_diagnostic(found, TEXT, "rank.sql") == (
        "error[SR204]: no such checkpoint\n"
        " --> rank.sql:2:15\n"
        "  |\n"
        "2 |  CHECKPOINT = 'v1'\n"
        "  |               ^^^^\n"
        "  = help: train"
    )


def test_a_span_over_lines_is_cut_at_the_first() -> None:
    found = Diagnostic(code="SR1", message="m", span=Span(6, 60), severity=Severity.WARNING)
    assert render_diagnostic(found, TEXT, "x").splitlines() == [
        "warning[SR1]: m",
        " --> x:1:7",
        "  |",
        "1 | TRAIN MODEL m",
        "  |       ^^^^^^^",
    ]


@given(st.text(max_size=60), st.integers(0, 80), st.integers(0, 80))
def test_any_place_can_be_shown(text: str, start: int, length: int) -> None:
    shown = render_diagnostic(
        Diagnostic(code="SR1", message="m", span=Span(start, start + length)), text, "x"
    )
    assert "^" in shown


def test_suggestions_ignore_case() -> None:
    assert suggest("BATCH_SISE", ["batch_size", "seed"]) == "Did you mean 'batch_size'?"
    assert suggest("zzz", ["batch_size"]) == ""


def test_all_findings_are_shown() -> None:
    one = Diagnostic(code="SR1", message="first", span=Span(0, 5), hint="a hint")
    two = Diagnostic(code="SR2", message="second", span=Span(6, 11))
    error = ScriptError([one, two], text=TEXT, path="x.sql")
    assert (error.code, error.message, error.hint) == ("SR1", "first", "a hint")
    assert "first" in str(error)
    assert "second" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.diagnostics == (one, two)


def test_errors_survive_the_way_between_processes() -> None:
    error = RemoteError("SR601", "busy", retriable=True, status=503)
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.retriable, again.status) == ("SR601", True, 503)
    assert str(StateError("SR201", "exists", hint="drop it")) == "[SR201] exists (drop it)"
    assert str(StateError("SR201", "exists")) == "[SR201] exists"


@pytest.mark.parametrize(
    ("cls", "status"),
    [
        (SqlRecError, EXIT_FAILED),
        (ScriptError, EXIT_FINDINGS),
        (PolicyError, EXIT_REFUSED),
        (SetupError, EXIT_SETUP),
    ],
)
def test_exit_statuses(cls: type[SqlRecError], status: int) -> None:
    assert cls.exit_status == status
