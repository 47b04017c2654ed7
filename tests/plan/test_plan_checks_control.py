from __future__ import annotations

from typing import Any

import pytest

M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
T = "CREATE TABLE t (u INT NOT NULL, v ARRAY<BIGINT>, w STRING) WITH (connector = 'parquet', path = 't');"


def matches(found: list[str], expected: list[str]) -> bool:
    return [f[: len(e)] for f, e in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("IF (SELECT TRUE) THEN (CACHE TABLE c AS SELECT 1); SELECT * FROM c", []),
        ("IF (SELECT TRUE) THEN (CACHE TABLE c AS SELECT 1) ELSE (CACHE TABLE C AS SELECT 2)", []),
        ("IF (SELECT TRUE) THEN (INSERT INTO t SELECT 1) ELSE (SELECT 2)", []),
        ("IF TIMEIN (SELECT 5) THEN (CACHE TABLE a AS SELECT 1) ELSE (CACHE TABLE a AS SELECT 2)", []),
        (
            "IF (SELECT TRUE) THEN (SET 'a' = 1)",
            [
                "SR229 `SET 'a' = 1` SET cannot stand in a branch of IF"
                " | it acts when the script is compiled: let it stand on its own"
            ],
        ),
        (
            "IF (SELECT TRUE) THEN (EXPLAIN SELECT 1) ELSE (SELECT 2)",
            [
                "SR229 `EXPLAIN SELECT 1` EXPLAIN cannot stand in a branch of IF"
                " | EXPLAIN takes one statement that does something"
            ],
        ),
        ("EXPLAIN EXPLAIN SELECT 1", ["SR229"]),
        ("EXPLAIN USE a", ["SR229"]),
        ("IF (SELECT TRUE) THEN (IF (SELECT FALSE) THEN (SELECT 1) ELSE (SELECT 2))", []),
        ("IF (SELECT TRUE) THEN (DROP MODEL `a b`)", ["SR211"]),
        ("IF (SELECT '{{ dss }}' = 'x') THEN (SELECT '{{ dsss }}')", ["SR309", "SR309"]),
        ("ASSERT SELECT '{{ dss }}' = 'x'", ["SR309"]),
        ("EXPLAIN CREATE SERVICE s ON MODEL m", ["SR205"]),
        ("IF (SELECT TRUE) THEN (CALL nothing(t))", ["SR214"]),
    ],
)
def test_statements_within_statements(findings: Any, catalog: Any, script: str, expected: list[str]) -> None:
    assert matches(findings(script, catalog), expected)


def test_what_a_branch_makes_may_be_there_and_what_it_drops_too(findings: Any, catalog: Any) -> None:
    drop = "IF (SELECT TRUE) THEN (DROP MODEL m);"
    make = M.rstrip(";")
    assert findings(f"IF (SELECT TRUE) THEN ({make}); DROP MODEL m", catalog) == []
    assert findings(M + drop + "DROP MODEL m", catalog) == []
    undo = "IF (SELECT TRUE) THEN (ALTER MODEL m DROP CHECKPOINT = 'v1');"
    train = "TRAIN MODEL m CHECKPOINT = 'v1' ON t;"
    assert findings(M + train + undo + "EXPORT MODEL m CHECKPOINT = 'v1'", catalog) == []


def test_explain_makes_nothing(findings: Any, catalog: Any) -> None:
    assert matches(
        findings(f"EXPLAIN {M} DROP MODEL m; EXPLAIN CACHE TABLE c AS SELECT 1", catalog), ["SR205"]
    )


# Tables read before they are cached


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM c",
        "INSERT INTO t SELECT * FROM C",
        "CACHE TABLE b AS SELECT * FROM c",
        "TRAIN MODEL m CHECKPOINT = 'v1' ON c",
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t VALIDATE ON (SELECT * FROM c)",
        "CALL call_service('s', c)",
        "SELECT * FROM ML_PREDICT(TABLE c, MODEL m, DESCRIPTOR(u))",
        "ASSERT SELECT count(*) > 0 FROM c",
        "IF (SELECT count(*) > 0 FROM c) THEN (SELECT 1)",
        "EXPLAIN SELECT * FROM c",
        "CREATE VIEW v AS SELECT * FROM c",
        "DESCRIBE c",
    ],
)
def test_tables_are_read_after_they_are_cached(findings: Any, statement: str) -> None:
    for later in ("CACHE TABLE c AS SELECT 1", "CREATE VIEW c AS SELECT 1"):
        found = findings(f"{statement};\n\n{later};")
        name = "C" if statement.endswith("C") else "c"
        assert found == [
            f"SR227 `{name}` table '{name}' is read before line 3 caches it"
            " | let CACHE TABLE stand before this line, or choose another name for one of the tables"
        ]
        assert findings(f"{later};\n\n{statement};") == []


def test_a_table_of_a_branch_is_cached_there(findings: Any) -> None:
    later = "IF (SELECT TRUE) THEN (CACHE TABLE c AS SELECT 1) ELSE (CACHE TABLE c AS SELECT 2)"
    assert matches(findings(f"SELECT * FROM c; {later}"), ["SR227"])
    assert findings(f"{later}; SELECT * FROM c") == []


def test_a_table_that_caches_itself_is_read_too_early(findings: Any) -> None:
    assert matches(findings("CACHE TABLE c AS SELECT * FROM c"), ["SR227"])


# Views


def test_a_view_is_computed_once_a_run(compiled: Any) -> None:
    plan = compiled(
        "CREATE TEMPORARY VIEW v (a, `b c`) AS SELECT 1, 2; CREATE VIEW IF NOT EXISTS v AS SELECT 3;"
        "CREATE VIEW w AS SELECT * FROM v"
    )
    first, second = plan.steps
    assert (first.id, first.mode, first.target.name) == ("cache_v", "cache", "v")
    assert first.query.query == 'SELECT NULL AS "a", NULL AS "b c" WHERE FALSE UNION ALL (SELECT 1, 2)'
    assert second.upstream == ("cache_v",)
    assert second.query.query == "SELECT * FROM v"


def test_names_of_views(findings: Any) -> None:
    assert matches(findings("CREATE VIEW v AS SELECT 1; CREATE VIEW V AS SELECT 2"), ["SR212"])
    assert matches(findings("CREATE VIEW `a/b` AS SELECT 1"), ["SR211"])
    assert matches(findings("CACHE TABLE v AS SELECT 1; INSERT INTO v SELECT 1"), ["SR213"])


# Column lists of INSERT


def test_a_column_list_is_put_in_the_order_of_the_table(compiled: Any) -> None:
    plan = compiled(
        T + "INSERT INTO t (W, u) SELECT 'a', 1 UNION ALL SELECT 'b', 2; INSERT INTO t SELECT 1, [2], 'c'"
    )
    ordered, plain = plan.steps
    assert ordered.query.query == (
        'SELECT "u", CAST(NULL AS BIGINT[] ) AS "v", "w" FROM (SELECT NULL AS "W", NULL AS "u" WHERE FALSE'
        " UNION ALL (SELECT 'a', 1 UNION ALL SELECT 'b', 2)) AS source"
    )
    assert plain.query.query == "SELECT 1, [2], 'c'"


def test_duckdb_reads_the_ordered_query_as_it_is_meant(compiled: Any) -> None:
    import duckdb

    plan = compiled(T + "INSERT INTO t (w, u) VALUES ('a', 1), ('b', 2); INSERT INTO t (u) SELECT 1, 2")
    rows, wrong = (step.query.query for step in plan.steps)
    with duckdb.connect() as connection:
        assert connection.sql(rows).fetchall() == [(1, None, "a"), (2, None, "b")]
        assert connection.sql(rows).types[1] == "BIGINT[]"
        with pytest.raises(duckdb.BinderException, match="same number of result columns"):
            connection.sql(wrong)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO t (u, w) SELECT 1, 'x'", []),
        (
            "INSERT INTO t (u, ww) SELECT 1, 'x'",
            ["SR402 `ww` table 't' has no column 'ww' | it has: u, v, w"],
        ),
        (
            "INSERT INTO t (w, v) SELECT 'x', [1]",
            ["SR412 `w, v` table 't': u would be NULL, and is NOT NULL | add u to the list and to the query"],
        ),
        (
            "INSERT INTO other (a, b) SELECT 1, 2",
            [
                "SR230 `a, b` the columns of table 'other' are not declared: its list has no order"
                " | CREATE TABLE other with its columns, or select them in the order of the table"
            ],
        ),
        ("CACHE TABLE c AS SELECT 1; INSERT INTO c (a) SELECT 1", ["SR213", "SR230"]),
    ],
)
def test_column_lists(findings: Any, statement: str, expected: list[str]) -> None:
    assert matches(findings(T + statement), expected)


def test_types_without_null_have_a_plain_one(compiled: Any) -> None:
    table = T.replace("ARRAY<BIGINT>", "MULTISET<INT>")
    plan = compiled(table + "INSERT INTO t (u) SELECT 1")
    assert plan.steps[0].query.query.startswith('SELECT "u", NULL AS "v", CAST(NULL AS STRING) AS "w" FROM')


# Clauses of CALL


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("call_service('s', t) PARTITION BY t SIZE 100 ASYNC", []),
        ("call_service('s', t) LIKE t", []),
        ("call_service('s', t) LIKE FUNCTION 'f'", []),
        ("call_service('s', t) LIKE zz", ["SR215 `zz` like table not found: zz | tables: t"]),
    ],
)
def test_clauses_of_calls(findings: Any, call: str, expected: list[str]) -> None:
    assert matches(findings(T + f"CALL {call}"), expected)


def test_other_clauses_of_calls(findings: Any, catalog: Any) -> None:
    assert matches(
        findings("CALL call_service('s', t) LIKE zz"),
        ["SR215 `zz` like table not found: zz | the script has no table before this line"],
    )
    assert matches(findings("CALL call_service('s', t) LIKE FUNCTION 'f'", catalog), ["SR206", "SR240"])


def test_chunks_are_requests_of_that_many_rows(compiled: Any) -> None:
    plan = compiled(
        "SET 'score.batch_size' = 7; CALL call_service_with_qv('s', q, t) PARTITION BY t SIZE 100;"
        "CALL call_service_with_qv('s', q, t) PARTITION BY q SIZE 100;"
        "CALL call_service('s', t)"
    )
    assert [step.options["batch_size"] for step in plan.steps] == [100, 7, 7]


# What is read and refused


@pytest.mark.parametrize(
    ("statement", "what", "hint"),
    [
        ("DROP TABLE t", "DROP TABLE", "the script declares files"),
        ("CACHE TABLE c AS SELECT 1; DROP TABLE c", "DROP TABLE", "a cached table ends with the run"),
        ("DROP VIEW v", "DROP VIEW", "a view ends with the run"),
        ("DROP DATABASE d", "DROP DATABASE", "a database is there as long as it holds a model"),
        ("TRUNCATE TABLE t", "TRUNCATE TABLE", "write INSERT OVERWRITE t SELECT * FROM t WHERE FALSE"),
        ("DELETE FROM t", "DELETE", "INSERT OVERWRITE t SELECT * FROM t WHERE FALSE"),
        ("DELETE FROM t WHERE u = 1", "DELETE", "INSERT OVERWRITE t SELECT * FROM t WHERE NOT (u = 1)"),
        ("UPDATE t SET u = 1 WHERE u = 2", "UPDATE", "write all rows anew"),
    ],
)
def test_statements_with_an_alternative(findings: Any, statement: str, what: str, hint: str) -> None:
    (found,) = findings(statement)
    assert found.startswith("SR190 ")
    assert f"{what} is not supported | " in found
    assert hint in found


# Columns in reach


def test_columns_of_files_in_reach_are_checked(fake_types: Any) -> None:
    from sqlrec.errors import ScriptError
    from sqlrec.plan.build import build_plan
    from sqlrec.spec.schema import DataType, Field, Schema
    from sqlrec.spec.table import TableSource

    def read(table: TableSource) -> Schema | None:
        return Schema((Field(name="u", type=DataType.parse("INT")),)) if table.name == "db.t" else None

    def compiles(script: str) -> Any:
        return build_plan(script, path="x.sql", name="x", controllers=fake_types, columns=read)

    train = M + "TRAIN MODEL m CHECKPOINT = 'v1' ON {};"
    assert compiles(train.format("elsewhere")) == compiles(train.format("elsewhere"))
    with pytest.raises(ScriptError) as caught:
        compiles(train.format("db.t"))
    assert [d.code for d in caught.value.diagnostics] == ["SR402"]
