"""IF, ASSERT, FLUSH and EXPLAIN, and statements inside statements."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.sql.cursor import MAX_DEPTH
from sqlrec.sql.grammar.control import cached_table
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import Explain, If, Statement

CACHED_INSIDE = (
    "IF (SELECT 1) THEN (IF (SELECT 2) THEN (CACHE TABLE a AS SELECT 1)) ELSE (CACHE TABLE a AS CALL f())"
)
READ = [
    ("if (select true) then (flush)", "IF (select true) THEN (FLUSH)"),
    (
        "IF (SELECT a FROM t) THEN (SELECT 1) ELSE (DROP MODEL m)",
        "IF (SELECT a FROM t) THEN (SELECT 1) ELSE (DROP MODEL m)",
    ),
    (
        "IF TIMEIN (SELECT 10) THEN (CACHE TABLE a AS CALL f(t)) ELSE (CACHE TABLE A AS SELECT ')')",
        "IF TIMEIN (SELECT 10) THEN (CACHE TABLE a AS CALL f(t)) ELSE (CACHE TABLE A AS SELECT ')')",
    ),
    (
        "IF ((SELECT 1) UNION (SELECT 2)) THEN (IF (VALUES (TRUE)) THEN (FLUSH) ELSE (FLUSH))",
        "IF ((SELECT 1) UNION (SELECT 2)) THEN (IF (VALUES (TRUE)) THEN (FLUSH) ELSE (FLUSH))",
    ),
    (CACHED_INSIDE, CACHED_INSIDE),
    ("ASSERT SELECT count(*) > 0 FROM t", "ASSERT SELECT count(*) > 0 FROM t"),
    ("assert with c as (select 1) select * from c", "ASSERT with c as (select 1) select * from c"),
    ("FLUSH", "FLUSH"),
    ("EXPLAIN SELECT 1", "EXPLAIN SELECT 1"),
    ("EXPLAIN PLAN FOR TRAIN MODEL m CHECKPOINT = 'v' ON t", "EXPLAIN TRAIN MODEL m CHECKPOINT = 'v' ON t"),
    ("EXPLAIN IF (SELECT 1) THEN (FLUSH)", "EXPLAIN IF (SELECT 1) THEN (FLUSH)"),
]


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str, reads: Callable[[str, str], Statement]) -> None:
    reads(text, canonical)


def test_what_stands_inside_is_indented_and_its_line_breaks_stay(
    read_one: Callable[[str], Statement],
) -> None:
    text = "IF (SELECT a\nFROM t) THEN (CREATE MODEL m (a INT) COMMENT 'x\ny') ELSE (SELECT 1,\n'\n')"
    assert render(read_one(text)) == (
        "IF (SELECT a\n"
        "FROM t)\n"
        "THEN (\n"
        "  CREATE MODEL m (\n"
        "    a INT\n"
        "  )\n"
        "  COMMENT 'x\n"
        "y'\n"
        ")\n"
        "ELSE (\n"
        "  SELECT 1,\n"
        "'\n"
        "'\n"
        ")"
    )


def test_statements_inside_know_their_places(read_one: Callable[[str], Statement]) -> None:
    text = "EXPLAIN IF (SELECT 1) THEN (DROP MODEL m) ELSE (FLUSH)"
    explain = read_one(text)
    assert isinstance(explain, Explain)
    inner = explain.statement
    assert isinstance(inner, If)
    assert inner.otherwise is not None
    shown = [text[s.span.start : s.span.end] for s in (inner, inner.then, inner.otherwise)]
    assert shown == [text[8:], "DROP MODEL m", "FLUSH"]


def test_a_warning_inside_is_told_and_the_statement_kept() -> None:
    parsed = parse("IF (SELECT 1) THEN (ALTER MODEL m SET (a = 1, a = 2))")
    assert len(parsed.statements) == 1
    assert [d.code for d in parsed.diagnostics] == ["SR305"]


def test_if_caches_what_its_branches_cache(read_one: Callable[[str], Statement]) -> None:
    nested = read_one("IF (SELECT 1) THEN (IF (SELECT 2) THEN (CACHE TABLE a AS SELECT 1))")
    table = cached_table(nested)
    assert table is not None
    assert table.text == "a"
    assert cached_table(read_one("EXPLAIN CACHE TABLE a AS SELECT 1")) is None


@pytest.mark.parametrize("before", ["EXPLAIN ", "IF (SELECT 1) THEN ("])
def test_statements_are_nested_to_a_depth(before: str) -> None:
    def nested(depth: int) -> str:
        return before * depth + "FLUSH" + ")" * (depth * before.count("THEN"))

    assert parse(nested(MAX_DEPTH)).diagnostics == ()
    for depth in (MAX_DEPTH + 1, 20_000):
        text = nested(depth)
        (problem,) = parse(text).diagnostics
        assert problem.code == "SR113"
        inner = text[problem.span.start : problem.span.end]
        assert inner == ("FLUSH" if depth == MAX_DEPTH + 1 else before.split()[0])
