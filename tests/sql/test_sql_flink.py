"""Flink's words in DuckDB's dialect: the same meaning, proved by DuckDB itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest

from sqlrec.errors import Span
from sqlrec.sql.cursor import Cursor
from sqlrec.sql.hoisting import hoisted, with_before_insert
from sqlrec.sql.lexer import tokens
from sqlrec.sql.queries import QueryProblem, lower
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import Insert, InsertMode, QueryText


def query(sql: str) -> str:
    return lower(QueryText(sql, Span(0, len(sql)))).query


def rows(sql: str) -> list[tuple[Any, ...]]:
    """What the lowered query gives over the tables ``e`` and ``d``."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE TABLE e AS FROM (VALUES (1, TIMESTAMP '2026-03-05 10:07:09.25'), (2, NULL)) AS v(id, ts);"
        "CREATE TABLE d AS FROM (VALUES (1, 'one')) AS v(id, name)"
    )
    return connection.execute(query(sql)).fetchall()


MOMENT = "TIMESTAMP '2026-03-05 10:07:09.25'"
SAME = [
    ("SELECT NVL(NULL, 'x'), nvl(1, 2)", ("x", 1)),
    ("SELECT IF(1 > 2, 'a', 'b')", ("b",)),
    ("SELECT TRUNCATE(1.99)", (1,)),
    ("SELECT RAND() BETWEEN 0 AND 1", (True,)),
    (
        "SELECT PROCTIME() IS NOT NULL, CURRENT_TIMESTAMP IS NOT NULL, LOCALTIMESTAMP IS NULL",
        (True, True, False),
    ),
    ("SELECT MAP['a', 1, 'b', 1 + 1]", ({"a": 1, "b": 2},)),
    ("SELECT MAP['a', ARRAY[1, 2]]['a'], MAP['k', MAP['l', (1)]]", ([1, 2], {"k": {"l": 1}})),
    ("SELECT ARRAY[1, 2], ARRAY[]", ([1, 2], [])),
    ("SELECT TO_DATE('2026-03-05')", (dt.date(2026, 3, 5),)),
    (f"SELECT DATE_FORMAT({MOMENT}, 'yyyy-MM-dd HH:mm:ss.SSS')", ("2026-03-05 10:07:09.250",)),
    (f"SELECT DATE_FORMAT({MOMENT}, 'yyyyMMdd''T''HH h a')", ("20260305T10 10 AM",)),
    (f"SELECT DATE_FORMAT({MOMENT}, 'd.M.yy ''o''''clock'' %')", ("5.3.26 o'clock %",)),
    ("SELECT DATE_FORMAT('2026-03-05 01:02:03', 'E MMM''%''')", ("Thu Mar%",)),
    ("SELECT DATE_FORMAT(DATE '2026-03-05', '''''yyyy')", ("'2026",)),
    (f"SELECT TUMBLE({MOMENT}, INTERVAL '1' HOUR)", (dt.datetime(2026, 3, 5, 10),)),
    (f"SELECT TUMBLE_START({MOMENT}, INTERVAL '7' DAY)", (dt.datetime(2026, 3, 5),)),
    (f"SELECT TUMBLE_END({MOMENT}, INTERVAL '15' MINUTE)", (dt.datetime(2026, 3, 5, 10, 15),)),
    (f"SELECT TIMESTAMPDIFF(DAY, {MOMENT}, TIMESTAMP '2026-03-07 10:00:00')", (1,)),
    (f"SELECT TIMESTAMPDIFF(HOUR, DATE '2026-03-05', {MOMENT})", (10,)),
]


@pytest.mark.parametrize(("sql", "expected"), SAME)
def test_gives_what_flink_gives(sql: str, expected: tuple[Any, ...]) -> None:
    assert rows(sql) == [expected]


JOINS = [
    ("SELECT e.id, name FROM e JOIN d FOR SYSTEM_TIME AS OF e.ts ON e.id = d.id", [(1, "one")]),
    (
        "SELECT e.id, c.name FROM e LEFT JOIN d FOR SYSTEM_TIME AS OF e.ts AS c ON e.id = c.id ORDER BY 1",
        [(1, "one"), (2, None)],
    ),
    ("SELECT c.id FROM e JOIN d FOR SYSTEM_TIME AS OF e.ts - INTERVAL '1' DAY c ON e.id = c.id", [(1,)]),
    (
        "SELECT c.id FROM e JOIN d FOR SYSTEM_TIME AS OF PROCTIME() + (INTERVAL '1' DAY) c ON e.id = c.id",
        [(1,)],
    ),
    ("SELECT c.id FROM d FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01 00:00:00' AS c", [(1,)]),
    ("SELECT id FROM d FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP", [(1,)]),
    ("SELECT e.id, x.name FROM e CROSS APPLY (SELECT name FROM d WHERE d.id = e.id) AS x", [(1, "one")]),
    (
        "SELECT e.id, x.n FROM e OUTER APPLY (SELECT name FROM d WHERE d.id = e.id) x(n) ORDER BY 1",
        [(1, "one"), (2, None)],
    ),
    (
        "SELECT e.id, name FROM e OUTER APPLY (SELECT name FROM d WHERE d.id = e.id) WHERE e.id = 2",
        [(2, None)],
    ),
    (
        "SELECT e.id, x.name FROM e OUTER APPLY (SELECT name FROM d WHERE d.id = e.id) AS x ORDER BY 1 DESC",
        [(2, None), (1, "one")],
    ),
    (
        "SELECT e.id, u.n FROM e CROSS APPLY unnest([e.id, 10]) AS u(n) WHERE e.id = 1 ORDER BY n",
        [(1, 1), (1, 10)],
    ),
    ("SELECT e.id, u.n FROM e OUTER APPLY unnest([e.id]) AS u(n) WHERE e.id = 2", [(2, 2)]),
    ("SELECT apply, cross_ FROM (SELECT 1 AS apply, 2 AS cross_)", [(1, 2)]),
]


@pytest.mark.parametrize(("sql", "expected"), JOINS)
def test_joins_of_flink(sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows(sql) == expected


KEPT = [
    "SELECT DATE_FORMAT(ts), DATE_FORMAT(ts, x), DATE_FORMAT(ts, 'a' || 'b') FROM e",
    "SELECT TUMBLE(a), TUMBLE(a, b, c) FROM e",
    "SELECT TIMESTAMPDIFF(a, b), TIMESTAMPDIFF('DAY', a, b) FROM e",
    "SELECT TO_DATE(a, b) FROM e",
    "SELECT apply, system_time FROM e",
]


@pytest.mark.parametrize("sql", KEPT)
def test_what_is_not_known_is_left_to_duckdb(sql: str) -> None:
    assert query(sql) == sql


def test_a_pattern_with_a_template_is_left_to_duckdb() -> None:
    assert query("SELECT DATE_FORMAT(ts, '{{ f }}') FROM e") == "SELECT DATE_FORMAT(ts, $p1 ) FROM e"


def test_a_pattern_that_duckdb_has_not_is_told() -> None:
    sql = "SELECT DATE_FORMAT(ts, 'yyyy Q') FROM e"
    with pytest.raises(QueryProblem) as caught:
        query(sql)
    found = caught.value.diagnostic
    assert (found.code, sql[found.span.start : found.span.end]) == ("SR109", "'yyyy Q'")
    assert "'Q' in a date pattern has no counterpart" in found.message
    assert "strftime" in found.hint


UNFINISHED = [
    "SELECT * FROM e FOR SYSTEM_TIME AS OF",
    "SELECT * FROM e FOR SYSTEM_TIME AS OF ts +",
    "SELECT MAP['a', (1",
    "SELECT * FROM e OUTER APPLY",
    "SELECT * FROM e CROSS APPLY",
    "SELECT * FROM e OUTER APPLY (SELECT 1) AS",
    "APPLY",
]


@pytest.mark.parametrize("sql", UNFINISHED)
def test_what_ends_too_early_is_told(sql: str) -> None:
    with pytest.raises(QueryProblem):
        query(sql)


# WITH … INSERT

TEXT = "WITH a AS (\n  SELECT 1 AS x\n)\nINSERT INTO t\nSELECT x FROM a"


def test_with_before_insert_belongs_to_the_query() -> None:
    cursor = Cursor(TEXT, tokens(TEXT))
    head = with_before_insert(cursor)
    assert head is not None
    assert TEXT[head.start : head.end].endswith(")")
    assert cursor.at("INSERT", "INTO")
    start = TEXT.index("SELECT x")
    whole = hoisted(TEXT, head, QueryText(TEXT[start:], Span(start, len(TEXT))))
    assert (whole.span, len(whole.sql)) == (Span(0, len(TEXT)), len(TEXT))
    assert whole.sql.split() == [
        "WITH",
        "a",
        "AS",
        "(",
        "SELECT",
        "1",
        "AS",
        "x",
        ")",
        "SELECT",
        "x",
        "FROM",
        "a",
    ]
    assert lower(whole).tables == ()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "WITH a AS (SELECT 1) FROM a",
        "WITH a AS (SELECT 1)",
    ],
)
def test_other_queries_have_nothing_to_move(text: str) -> None:
    cursor = Cursor(text, tokens(text))
    assert with_before_insert(cursor) is None
    assert cursor.index == 0


LESSON = """WITH local_scored AS (
  SELECT *, ML_PREDICT(MODEL local_fraud_model, amount) AS local_score
  FROM transactions
)
INSERT INTO final_scored
SELECT *, CASE WHEN local_score > 0.5 -- suspicious
    THEN ML_PREDICT(MODEL llm_analyzer, transaction_description) ELSE NULL END AS llm_analysis
FROM local_scored"""


def test_an_insert_after_with_is_an_insert() -> None:
    parsed = parse(f"SELECT 1;\n{LESSON};")
    assert not parsed.diagnostics
    _, statement = parsed.statements
    assert isinstance(statement, Insert)
    assert (statement.table.text, statement.mode) == ("final_scored", InsertMode.INTO)
    found = lower(statement.query)
    assert [table.text for table in found.tables] == ["transactions"]
    assert [call.name for call in found.calls] == ["ml_predict_1", "ml_predict_2"]
    printed = render(statement)
    assert printed.startswith("INSERT INTO final_scored\nWITH local_scored AS (")
    (again,) = parse(printed).statements
    assert render(again) == printed


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("WITH a AS (SELECT FROM t) INSERT INTO u SELECT * FROM a", "SELECT"),
        ("WITH a AS (SELECT 1) INSERT INTO u SELECT FROM a", "SELECT"),
        ("WITH a AS (SELECT 1) INSERT u SELECT * FROM a", "u"),
    ],
)
def test_problems_of_an_insert_after_with_are_told_once(text: str, place: str) -> None:
    (found,) = parse(text).diagnostics
    assert text[found.span.start : found.span.end] == place
