"""Splitting a script: quotes, comments, and quotes that are never closed."""

from __future__ import annotations

import pytest

from sqlrec.sql.lexer import Kind, Split, tokens
from sqlrec.sql.script import parse


def _values(text: str) -> list[list[str]]:
    return [[token.value for token in statement] for statement in Split(text).read().statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ;; ; ", []),
        ("a;b", [["a"], ["b"]]),
        ("a b;", [["a", "b"]]),
        ("\ufeffa;\r\nb\r\n;", [["a"], ["b"]]),
        ("a -- ; not here\n; b", [["a"], ["b"]]),
        ("a /* ; ' \" ` */ b; c", [["a", "b"], ["c"]]),
        ("/* a /* b */ c", [["c"]]),
        ("'x;y' `p;q` \"u;v\"; z", [["x;y", "p;q", "u;v"], ["z"]]),
        ("'it''s' `a``b` \"c\"\"d\"", [["it's", "a`b", 'c"d']]),
        ("'a'\n  'b'", [["ab"]]),
        ("'a' -- half\n 'b' 'c'", [["ab", "c"]]),
        ("'C:\\' b", [["C:\\", "b"]]),
        ("a.b-1.5e-3>=.5", [["a", ".", "b", "-", "1.5e-3", ">", "=", ".5"]]),
        ("größe 名 a1 _x", [["größe", "名", "a1", "_x"]]),
    ],
)
def test_splits_at_semicolons_outside_quotes_and_comments(text: str, expected: list[list[str]]) -> None:
    split = Split(text).read()
    assert _values(text) == expected
    assert split.problems == []


def test_tokens_know_their_places_in_the_script() -> None:
    text = "\ufeff SELECT 'a''b' ;\r\n -- x\n `c d`"
    found = [token for statement in Split(text).read().statements for token in statement]
    assert [text[t.start : t.end] for t in found] == ["SELECT", "'a''b'", "`c d`"]


def test_a_string_joined_over_lines_spans_both_halves() -> None:
    text = "x 'a'\n'b' y"
    joined = tokens(text)[1]
    assert (joined.kind, joined.value, text[joined.start : joined.end]) == (Kind.STRING, "ab", "'a'\n'b'")


@pytest.mark.parametrize(
    ("text", "opening", "read"),
    [
        ("a 'b; c", "'", [["c"]]),
        ("a; b `c; d; e", "`", [["a"], ["d"], ["e"]]),
        ('a "b', '"', []),
        ("a; /* b; c", "/*", [["a"]]),
    ],
)
def test_an_unterminated_quote_is_reported_where_it_opens(
    text: str, opening: str, read: list[list[str]]
) -> None:
    split = Split(text).read()
    (problem,) = split.problems
    assert text[problem.span.start : problem.span.end] == opening
    assert (problem.code, _values(text)) == ("SR102", read)


def test_the_quote_that_swallowed_statements_is_blamed_not_the_last_one() -> None:
    text = (
        "DROP MODEL a;\nTRAIN MODEL m CHECKPOINT = 'v1 ON t;\n"
        "DROP MODEL b;\nEXPORT MODEL m CHECKPOINT = 'v1';\n"
    )
    parsed = parse(text)
    (problem,) = parsed.diagnostics
    assert problem.span.start == text.index("'v1 ON")
    assert [type(s).__name__ for s in parsed.statements] == ["DropModel", "DropModel", "ExportModel"]


@pytest.mark.parametrize("line", ["a ';\n", "a \";b ';\n", "`;'\";\n", "'a;\n'x ", "'x;\n'y \"'z;\n", "/* ;"])
def test_quotes_gone_astray_are_reported_a_bounded_number_of_times(line: str) -> None:
    for count in (1, 2, 3, 100, 101):
        assert len(Split(line * count).read().problems) <= 8


def test_a_long_string_is_no_suspect_when_its_end_looks_like_one() -> None:
    text = "CREATE MODEL m COMMENT 'first;\nsecond' WITH ('a' = 1);\nDROP MODEL 'x"
    (problem,) = parse(text).diagnostics
    assert problem.span.start == len(text) - 2


def test_two_lost_quotes_are_found_by_the_string_between_them() -> None:
    text = "TRAIN MODEL m CHECKPOINT = 'v1 ON t;\nSELECT 1 FROM t WHERE a = 'x ORDER BY 1;\nSELECT 'y';\n"
    (problem, *_) = parse(text).diagnostics
    assert (problem.code, problem.span.start) == ("SR102", text.index("'v1"))
