"""Statements of all shapes come back from their text, and no text makes the parser fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrec.errors import render_diagnostic
from sqlrec.sql.lexer import Split, tokens
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import Statement
from tests.sql.statement_strategies import STATEMENTS

CORPUS = Path(__file__).parent / "corpus"
GOOD = [path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("*.sql"))]
_MARKS = "' \" ` -- /* */ ; ( ) {{ }} $p1 1e9 E' ? [ ] { } :: = , . - ARRAY< > é \0 \ufeff"
_WORDS = "SELECT FROM WITH( CAST( AS CREATE MODEL TRAIN ON WHERE IF SET a"
PIECES = [*_MARKS.split(" "), *(f"{word} " for word in _WORDS.split(" ")), "\n", "\r\n", "\\", " "]


@given(statement=STATEMENTS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_statement_comes_back_from_its_text(
    statement: Statement,
    read_one: Callable[[str], Statement],
    without_places: Callable[[object], object],
) -> None:
    text = render(statement)
    again = read_one(text)
    assert without_places(again) == without_places(statement)
    assert render(again) == text


def _sound(text: str) -> None:
    """Whatever the text: an answer, places inside it, errors that can be shown."""
    parsed = parse(text)
    for statement in parsed.statements:
        assert 0 <= statement.span.start < statement.span.end <= len(text)
    for diagnostic in parsed.diagnostics:
        assert 0 <= diagnostic.span.start < diagnostic.span.end <= len(text) + 1
    for diagnostic in parsed.diagnostics[:20]:
        assert render_diagnostic(diagnostic, text, "x.sql")


@given(text=st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_the_parser_fail(text: str) -> None:
    _sound(text)


@st.composite
def _mutations(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[end:]
    return text


@given(text=_mutations())
@settings(max_examples=100, deadline=None)
def test_no_damaged_script_makes_the_parser_fail(text: str) -> None:
    _sound(text)


@st.composite
def _shuffled(draw: st.DrawFn) -> str:
    """A good script with tokens deleted, doubled and swapped."""
    text = draw(st.sampled_from(GOOD))
    pieces = [text[token.start : token.end] for token in tokens(text)]
    for _ in range(draw(st.integers(1, 6))):
        first, second = (draw(st.integers(0, len(pieces) - 1)) for _ in range(2))
        match draw(st.sampled_from(["delete", "double", "swap"])):
            case "delete":
                del pieces[first]
            case "double":
                pieces.insert(first, pieces[first])
            case _:
                pieces[first], pieces[second] = pieces[second], pieces[first]
    return " ".join(pieces)


@given(text=_shuffled())
@settings(max_examples=100, deadline=None)
def test_no_shuffled_script_makes_the_parser_fail(text: str) -> None:
    _sound(text)


@pytest.mark.parametrize("good", GOOD)
def test_line_ends_and_a_byte_order_mark_make_no_difference(
    good: str, without_places: Callable[[object], object]
) -> None:
    read = parse(good)
    for text in ("\ufeff" + good, good.replace("\n", "\r\n")):
        again = parse(text)
        assert again.diagnostics == ()
        assert [type(s) for s in again.statements] == [type(s) for s in read.statements]
    assert without_places(parse("\ufeff" + good).statements) == without_places(read.statements)


@pytest.mark.parametrize("odd", ["\0", "\u2028", "😀", "\x1b", "\xa0", "\u200b", "\ud800", "ﬁ", "İ", "٣"])
def test_odd_characters_are_located(odd: str) -> None:
    for text in (f"DROP {odd} MODEL m", f"DROP MODEL {odd}", f"SELECT {odd} 1 {odd}", f"SET '{odd}' = {odd}"):
        _sound(text)
    assert parse(f"SET 'a' = '{odd}'").diagnostics == ()


@given(texts=st.lists(st.text(alphabet="ab '\"`;-/*\n", max_size=12), max_size=6))
@settings(max_examples=100, deadline=None)
def test_splitting_loses_and_repeats_nothing(texts: list[str]) -> None:
    text = ";".join(texts)
    split = Split(text).read()
    found = [token for statement in split.statements for token in statement]
    assert [t.start for t in found] == sorted({t.start for t in found})
    if not split.problems:
        assert found == [t for t in tokens(text) if t.key != ";"]
    assert len(split.problems) <= 8


@pytest.mark.parametrize(
    "line",
    [
        "EXPORT MODEL m CHECKPOINT = 'v' ON t;\n",
        "TRIAN;\n",
        "SELECT ';\n",
        "((",
        "'a;\n'x",
        "ALTER MODEL m SET ('a' = 1, 'a' = 2);\n",
        "IF (SELECT 1) THEN (FLUSH) ELSE (DROP MODEL m);\n",
        "CREATE MODEL m OPTIONS (a = 1);\n",
    ],
)
def test_a_script_of_ten_thousand_statements_is_read(line: str) -> None:
    parsed = parse(line * 10_000)
    assert len(parsed.statements) + len(parsed.diagnostics) >= 1
    if line.startswith("EXPORT"):
        assert len(parsed.statements) == 10_000


def _filled(piece: str, size: int, before: str = "", after: str = "") -> str:
    return before + piece * (size // len(piece)) + after


@pytest.mark.parametrize("piece", ["'", '"', "`", "/*", "-- \n", "; ", "'x\n' ", "a" * 5_000 + " "])
def test_a_megabyte_of_anything_is_answered(piece: str) -> None:
    _sound(_filled(piece, 1_000_000))


@pytest.mark.parametrize(
    "text",
    [
        *(
            _filled(piece, 50_000)
            for piece in ["SELECT ", "NOT ", "- ", "CASE WHEN ", "1 + ", "a;", "SELECT '';"]
        ),
        "SELECT " + "(" * 25_000 + ")" * 25_000,
        _filled("NOT ", 50_000, "SELECT ", "a"),
        _filled("- ", 50_000, "SELECT ", "1"),
        _filled("[1]", 50_000, "SELECT a"),
        _filled("[1].b", 50_000, "SELECT a"),
        _filled(".f()", 50_000, "SELECT a"),
        _filled("+ a[1].b.f()", 50_000, "SELECT 1"),
        "SELECT " + "CASE WHEN a THEN " * 3_000 + "1" + " END" * 3_000,
        "SELECT * FROM t " + "JOIN u " * 5_000 + "ON a " * 5_000,
        _filled(" UNION SELECT 1", 50_000, "SELECT 1"),
        "CREATE MODEL m (a " + "ARRAY<" * 8_000 + "INT" + ">" * 8_000 + ")",
        _filled("a = 1, ", 50_000, "CREATE MODEL m WITH (", ")"),
        _filled("a INT, ", 50_000, "CREATE MODEL m (", "b INT)"),
        _filled("EXPLAIN ", 50_000, "", "FLUSH"),
        _filled("IF (SELECT 1) THEN (", 50_000),
        _filled("a, ", 50_000, "CALL f(", "b)"),
        _filled("b ", 50_000, "SET a = "),
        _filled("x", 50_000, "DROP MODEL `", "`"),
    ],
    ids=lambda text: text[:24],
)
def test_a_long_or_deep_statement_is_answered(text: str) -> None:
    _sound(text)
