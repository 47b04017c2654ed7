"""Secrets in shown lines and messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.masking import masked_findings


def _shown(text: str) -> str:
    return masked_findings([], text)[1]


@pytest.mark.parametrize(
    "value", ["'abcdefg'", '"abcdefg"', "abcdefg", "abc-def-g", "'abc''defg'", "'abcdefg", "'abcdefg\nmore'"]
)
@pytest.mark.parametrize("key", ["api_key", "'openai.api_key'", '"apiKey"', "openai.api-key", "`password`"])
def test_what_stands_under_the_key_of_a_secret_is_hidden(key: str, value: str) -> None:
    text = f"WITH (a = 'kept', {key} = {value}, b = 'kept')"
    shown = _shown(text)
    assert "abc" not in shown
    assert "def" not in shown
    assert len(shown) == len(text)
    assert shown.startswith(f"WITH (a = 'kept', {key} = *")
    assert shown.count("\n") == text.count("\n")


def test_a_lost_equals_sign_hides_as_well() -> None:
    assert "abcdefg" not in _shown("WITH ('api_key' 'abcdefg')")


def test_a_key_by_its_shape_under_any_name() -> None:
    assert "sk-" not in _shown("WITH ('ap_kye' = 'sk-abcdefghijklmnopqrst')")


@pytest.mark.parametrize(
    "text",
    [
        "WITH (api_key = '{{ secret.openai }}')",
        "WITH (api_key = '${secret_values.openai}')",
        "WITH (api_key = '{{ conn.db.password }}')",
        "WITH (max_tokens = 500, model = 'x')",
        "SELECT token FROM t WHERE a = 'b'",
        "WITH (api_key = )",
        "WITH (api_key =",
        "= 'x'",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert _shown(text) == text


def test_a_message_does_not_repeat_it() -> None:
    text = "WITH (api_key = 'abcdefg', password = 'x')"
    found = Diagnostic(
        code="SR101", message="found the string 'abcdefg' or 'x', an example", span=Span(0, 4), hint="not 'x'"
    )
    ((hidden,), _) = masked_findings([found], text)
    assert hidden.message == "found the string '******' or '******', an example"
    assert hidden.hint == "not '******'"
    assert hidden.span == found.span


def test_what_a_finding_calls_a_secret_is_hidden() -> None:
    text = "WITH (storage = 'abcdefg')"
    start = text.index("'")
    _, shown = masked_findings([Diagnostic(code="SR306", message="m", span=Span(start, start + 9))], text)
    assert shown == "WITH (storage = *********)"


@given(st.text(alphabet="api_key='\"`-{}(),;\n .x*/", max_size=60))
def test_any_text_keeps_its_places(text: str) -> None:
    shown = _shown(text)
    assert len(shown) == len(text)
    assert [i for i, c in enumerate(shown) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
