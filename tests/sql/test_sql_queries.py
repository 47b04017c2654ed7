"""Lowering: the text DuckDB gets, the tables it reads, and that it means the same."""

from __future__ import annotations

import duckdb
import pytest

from sqlrec.errors import Span
from sqlrec.sql.queries import Lowered, QueryProblem, check, check_condition, lower, lower_source
from sqlrec.sql.script import parse
from sqlrec.sql.statements import DataSource, Ident, QueryText, TrainModel


def _query(sql: str, offset: int = 0) -> QueryText:
    return QueryText(sql, Span(offset, offset + len(sql)))


def _source(text: str) -> DataSource:
    (statement,) = parse(f"TRAIN MODEL m CHECKPOINT = 'v' ON {text}").statements
    assert isinstance(statement, TrainModel)
    return statement.data


LOWERED = [
    ("SELECT model, train FROM service", "SELECT model, train FROM service"),
    ("SELECT `a b` AS \"c\", `d\"e``f` FROM `t`", 'SELECT "a b" AS "c", "d""e`f" FROM "t"'),
    ("SELECT a -- one\n\n  , b /* two ' */ FROM t", "SELECT a , b FROM t"),
    ("SELECT a/*x*/FROM t", "SELECT a FROM t"),
    ("SELECT 'it''s', 'a'\n'b'", "SELECT 'it''s', 'ab'"),
    ("SELECT a IS NOT NULL, a IS NOT DISTINCT FROM 'x'", "SELECT a IS NOT NULL, a IS NOT DISTINCT FROM 'x'"),
    ("SELECT CAST(a AS INT), a::DATE, a[1], 7 / 2", "SELECT CAST(a AS INT), a::DATE, a[1], 7 / 2"),
    ("SELECT CAST(a AS ARRAY<BIGINT>)", "SELECT CAST(a AS BIGINT[] )"),
    ("SELECT TRY_CAST(a AS map<string, array<bytes>>)", "SELECT TRY_CAST(a AS MAP(VARCHAR, BLOB[]) )"),
    ("SELECT CAST(a AS ROW<`x y` INT, z TIMESTAMP_LTZ(3)>)",
     'SELECT CAST(a AS STRUCT("x y" INT, "z" TIMESTAMPTZ) )'),
    ("SELECT CAST(CAST(a AS BYTES) AS ARRAY<INT>)", "SELECT CAST(CAST(a AS BLOB) AS INT[] )"),
    ("SELECT CAST(a AS MAP(VARCHAR, INT)), CAST(b AS STRUCT(c INT))",
     "SELECT CAST(a AS MAP(VARCHAR, INT)), CAST(b AS STRUCT(c INT))"),
    ("SELECT * FROM (SELECT a AS bytes)", "SELECT * FROM (SELECT a AS bytes)"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), LOWERED)
def test_only_what_duckdb_cannot_read_is_replaced(sql: str, expected: str) -> None:
    assert lower(_query(sql)).query == expected


TEMPLATES = [
    ("SELECT '{{ ds }}'", "SELECT $p1", ["{{ ds }}"]),
    ("SELECT 'a', 'x{{ a }}', 'it''s {% b %}'", "SELECT 'a', $p1 , $p2", ["x{{ a }}", "it's {% b %}"]),
    ("SELECT f('{{a}}','{{a}}')", "SELECT f($p1 ,$p2 )", ["{{a}}", "{{a}}"]),
    ("SELECT DATE '{{ ds }}'", "SELECT CAST( $p1 AS DATE)", ["{{ ds }}"]),
    ("SELECT TIMESTAMP'{{ ts }}'", "SELECT CAST( $p1 AS TIMESTAMP)", ["{{ ts }}"]),
    ("SELECT TIMESTAMP_LTZ '{{ ts }}'", "SELECT CAST( $p1 AS TIMESTAMPTZ)", ["{{ ts }}"]),
    ("SELECT INTERVAL '{{ n }}' DAYS", "SELECT INTERVAL ( $p1 ) DAYS", ["{{ n }}"]),
    ("SELECT INTERVAL '{{ n }}'", "SELECT CAST( $p1 AS INTERVAL)", ["{{ n }}"]),
    ("SELECT 'a{{'\n'b}}'", "SELECT $p1", ["a{{b}}"]),
]


@pytest.mark.parametrize(("sql", "expected", "templates"), TEMPLATES)
def test_strings_with_templates_become_parameters(sql: str, expected: str, templates: list[str]) -> None:
    lowered = lower(_query(sql))
    assert lowered.query == expected
    assert list(lowered.parameters) == [f"p{i + 1}" for i in range(len(templates))]
    assert list(lowered.parameters.values()) == templates


TABLES = [
    ("SELECT 1", []),
    ("SELECT * FROM t", ["t"]),
    ("SELECT * FROM t a JOIN db.u b ON a.x = b.x, `c d`.e.f", ["t", "db.u", "c d.e.f"]),
    ("SELECT * FROM t, T, \"t\"", ["t"]),
    ("SELECT (SELECT max(x) FROM u) FROM t WHERE y IN (SELECT y FROM v) AND EXISTS (SELECT 1 FROM w)",
     ["u", "t", "v", "w"]),
    ("SELECT a FROM t UNION ALL (SELECT b FROM u EXCEPT SELECT c FROM v)", ["t", "u", "v"]),
    ("WITH c AS (SELECT * FROM t) SELECT * FROM C JOIN u USING (x)", ["t", "u"]),
    ("WITH c AS (SELECT * FROM c) SELECT * FROM c", ["c"]),
    ("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a, b", ["b"]),
    ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, t) SELECT * FROM r", ["t"]),
    ("SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c), c", ["c"]),
    ("WITH c AS (SELECT 1) SELECT * FROM c, db.c", ["db.c"]),
    ("SELECT * FROM range(3) r, unnest([1]) u, (VALUES (1)) v", []),
    ("VALUES ((SELECT max(x) FROM t))", ["t"]),
    ("(SELECT * FROM t)", ["t"]),
    ("FROM t SELECT (SELECT max(x) FROM t)", ["t"]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), TABLES)
def test_finds_the_base_tables_with_their_places(sql: str, expected: list[str]) -> None:
    tables = lower(_query(sql, offset=100)).tables
    assert [table.text for table in tables] == expected
    for table in tables:
        written = sql[table.span.start - 100 : table.span.end - 100]
        assert written.replace("`", "") == table.text


def test_places_hold_when_the_text_before_them_changed() -> None:
    sql = "SELECT `a``b`, DATE '{{ ds }}', CAST(x AS ARRAY<ROW<a INT>>) -- c\nFROM\n  `größe` AS g"
    (table,) = lower(_query(sql, offset=7)).tables
    assert sql[table.span.start - 7 : table.span.end - 7] == "`größe`"


def test_a_source_selects_all_of_its_table() -> None:
    assert lower_source(_source('a."b""c"')).query == 'SELECT * FROM "a"."b""c"'


def test_the_condition_of_a_source_stands_in_parentheses() -> None:
    lowered = lower_source(
        _source("t WHERE dt = '{{ ds }}' OR a IN (SELECT a FROM T, u WHERE b = '{{ x }}')")
    )
    assert lowered.query == ('SELECT * FROM "t" WHERE (dt = $p1 OR a IN (SELECT a FROM T, u WHERE b = $p2 ))')
    assert [table.text for table in lowered.tables] == ["t", "u"]
    assert lowered.parameters == {"p1": "{{ ds }}", "p2": "{{ x }}"}


def test_query_and_condition_of_a_source_share_their_parameters() -> None:
    lowered = lower_source(_source("(SELECT * FROM t WHERE a = '{{ x }}') WHERE b = '{{ y }}'"))
    assert lowered.query == "SELECT * FROM (SELECT * FROM t WHERE a = $p1) AS source WHERE (b = $p2)"
    assert lowered.parameters == {"p1": "{{ x }}", "p2": "{{ y }}"}


def test_a_source_may_be_a_with_query() -> None:
    lowered = lower_source(_source("(WITH c AS (SELECT 1 AS a) SELECT * FROM c) WHERE a = 1"))
    assert _rows(lowered, {}) == [(1,)]


def _rows(lowered: Lowered, rendered: dict[str, str]) -> list[tuple[object, ...]]:
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE t AS SELECT * FROM (VALUES "
        "(1, DATE '2026-01-01', 'a', [1, 2]), (2, DATE '2026-01-02', NULL, [3]), (NULL, NULL, 'it''s', NULL)"
        ") v(n, d, s, l)"
    )
    values = {name: rendered[template] for name, template in lowered.parameters.items()}
    return connection.execute(lowered.query, values or None).fetchall()


MEANINGS = [
    ("SELECT n FROM t WHERE d = '{{ ds }}'", [(1,)]),
    ("SELECT n FROM t WHERE d = DATE '{{ ds }}' + INTERVAL '{{ one }}' DAY", [(2,)]),
    ("SELECT n FROM t WHERE d + INTERVAL '{{ one }} day' = DATE '2026-01-02'", [(1,)]),
    ("SELECT n FROM t WHERE n > '{{ one }}'", [(2,)]),
    ("SELECT n FROM t WHERE s = '{{ quote }}'", [(None,)]),
    ("SELECT n FROM `t` WHERE s IS NOT NULL ORDER BY n", [(1,), (None,)]),
    ("SELECT n FROM t WHERE NOT s IS NOT DISTINCT FROM 'a' ORDER BY n", [(2,), (None,)]),
    ("SELECT `n`, l[1] FROM t WHERE n IN (1, 2) ORDER BY n DESC", [(2, 3), (1, 1)]),
    ("SELECT CAST('5' AS INT), CAST([1] AS ARRAY<STRING>), TRY_CAST('x' AS INT)", [(5, ["1"], None)]),
    ("SELECT CAST({'a': 1} AS ROW<`a` BIGINT>), CAST('x' AS BYTES)", [({"a": 1}, b"x")]),
    ("SELECT 1 / 2, 7 // 2, '{{ ds }}' || '!'", [(0.5, 3, "2026-01-01!")]),
    ("SELECT CAST(TIMESTAMP '{{ ds }} 10:00:00' AS DATE) = DATE'{{ ds }}'", [(True,)]),
    ("SELECT list_filter(l, lambda x: x > 1) FROM t WHERE n = 1 LIMIT '{{ one }}'", [([2],)]),
]


@pytest.mark.parametrize(("sql", "rows"), MEANINGS)
def test_duckdb_runs_it_and_it_means_what_was_written(sql: str, rows: list[tuple[object, ...]]) -> None:
    rendered = {
        "{{ ds }}": "2026-01-01",
        "{{ ds }} 10:00:00": "2026-01-01 10:00:00",
        "{{ one }}": "1",
        "{{ one }} day": "1 day",
        "{{ quote }}": "it's",
    }
    assert _rows(lower(_query(sql)), rendered) == rows


def test_a_rendered_value_is_never_read_as_sql() -> None:
    lowered = lower_source(_source("t WHERE s = '{{ x }}'"))
    assert _rows(lowered, {"{{ x }}": "' OR TRUE --"}) == []


@pytest.mark.parametrize(
    "condition",
    ["a) OR (b", "a UNION SELECT 1", "a ORDER BY 1", "a, b", "*", "a AS b", "SELECT 1", "(a", "a;b"],
)
def test_a_condition_cannot_leave_its_parentheses(condition: str) -> None:
    (problem,) = check_condition(_query(condition))
    assert problem.code == "SR109"


def test_a_comment_cannot_swallow_the_parenthesis() -> None:
    assert lower_source(_source("t WHERE n = 1 -- )\n AND b")).query.endswith("WHERE (n = 1 AND b)")


REFUSED = [
    ("", "SR109", "the query is empty"),
    ("SELECT a FORM t", "SR109", "unexpected 't' in the query"),
    ("SELECT a FROM t WHERE", "SR109", "the query ends too early, after 'WHERE'"),
    ("SELECT a +", "SR109", "the query ends too early, after '+'"),
    ("SELECT $p1", "SR110", "queries take no parameters"),
    ("SELECT x'ab'", "SR109", "strings with a prefix (x'…') are not part of the dialect"),
    ("SELECT 'a", "SR109", "this cannot be read as SQL"),
    ("SELECT {: 1}", "SR109", "this cannot be read as SQL"),
    ("SHOW TABLES", "SR109", "this is not a query"),
    ("DROP TABLE t", "SR109", "this is not a query"),
    ("WITH c AS (DELETE FROM t RETURNING a) SELECT * FROM c", "SR109", "a query cannot write or define"),
    ("SELECT * FROM (DESCRIBE t)", "SR109", "a query cannot write or define"),
    ("SELECT " + "NOT " * 5000 + "a", "SR109", "the query is nested too deeply"),
    ("SELECT a::" + "ARRAY<" * 30_000 + "INT" + ">" * 30_000, "SR109", "nested more than 100 deep"),
    ("SELECT a < b, c > d, map < e, map > f, ]", "SR109", "unmatched ']'"),
    ("SELECT CAST(a AS ARRAY<INTT>)", "SR105", "this is not a type: unknown type INTT"),
    ("SELECT " + "(" * 200 + "1" + ")" * 200, "SR109", "the query is nested more than 100 deep"),
    ("SELECT CAST(a AS ARRAY<MULTISET<INT>>)", "SR109", "a query cannot CAST to MULTISET"),
    ("SELECT * FROM VECTOR_SEARCH (TABLE t)", "SR130", "lacks the arguments COLUMN_TO_QUERY, TOP_K"),
]


@pytest.mark.parametrize(("sql", "code", "message"), REFUSED)
def test_refuses(sql: str, code: str, message: str) -> None:
    with pytest.raises(QueryProblem) as caught:
        lower(_query(sql))
    assert caught.value.diagnostic.code == code
    assert message in caught.value.diagnostic.message
    assert check(_query(sql)) == (caught.value.diagnostic,)


def test_a_problem_knows_its_place_in_the_script() -> None:
    sql = "SELECT `a`, '{{ x }}' -- c\nFROM t WHERE b = = 1"
    (problem,) = check(_query(sql, offset=50))
    assert problem.span == Span(50 + sql.rindex("="), 51 + sql.rindex("="))


def test_good_texts_have_no_problem() -> None:
    assert check(_query("SELECT 1")) == ()
    assert check_condition(_query("a = 1 AND EXISTS (SELECT 1 FROM t)")) == ()


def test_a_table_named_in_parts_keeps_them() -> None:
    (table,) = lower(_query("SELECT * FROM a . b . `c`")).tables
    assert table == Ident(("a", "b", "c"), Span(14, 25))
