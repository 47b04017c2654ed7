"""Every production: what is read, told by its canonical text, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.sql.script import parse
from sqlrec.sql.statements import (
    CreateModel,
    CreateTable,
    Declare,
    Ident,
    Select,
    SetOption,
    Statement,
    Text,
    TrainModel,
)

READ = [
    # CREATE MODEL
    ("create model m", "CREATE MODEL m"),
    ("CREATE MODEL a.b.c (x INT)", "CREATE MODEL a.b.c (x INT)"),
    ("CREATE OR REPLACE MODEL m", "CREATE OR REPLACE MODEL m"),
    ("CREATE TEMP MODEL m", "CREATE TEMPORARY MODEL m"),
    ("CREATE OR REPLACE TEMPORARY MODEL m", "CREATE OR REPLACE TEMPORARY MODEL m"),
    ("CREATE MODEL IF NOT EXISTS m", "CREATE MODEL IF NOT EXISTS m"),
    ("CREATE MODEL if", "CREATE MODEL `if`"),
    ('CREATE MODEL m COMMENT "it\'s"', "CREATE MODEL m COMMENT 'it''s'"),
    ("CREATE MODEL m INPUT (a INT) OUTPUT (b FLOAT)", "CREATE MODEL m INPUT (a INT) OUTPUT (b FLOAT)"),
    ("CREATE MODEL m OUTPUT (b FLOAT) INPUT (a INT)", "CREATE MODEL m INPUT (a INT) OUTPUT (b FLOAT)"),
    ("CREATE MODEL m AS SELECT a FROM `t`", "CREATE MODEL m AS SELECT a FROM `t`"),
    (
        "CREATE MODEL m WITH (a = 1) AS WITH c AS (VALUES (1)) SELECT * FROM c",
        "CREATE MODEL m WITH ('a' = '1') AS WITH c AS (VALUES (1)) SELECT * FROM c",
    ),
    # options
    ("CREATE MODEL m WITH ()", "CREATE MODEL m"),
    ("CREATE MODEL m WITH ('a' = 'b', )", "CREATE MODEL m WITH ('a' = 'b')"),
    (
        "CREATE MODEL m WITH (column.user_id.embedding_dim = 8)",
        "CREATE MODEL m WITH ('column.user_id.embedding_dim' = '8')",
    ),
    ('CREATE MODEL m WITH (system-prompt = "x")', "CREATE MODEL m WITH ('system-prompt' = 'x')"),
    (
        "CREATE MODEL m WITH (column.2.x = 1, a.2b = 2)",
        "CREATE MODEL m WITH ('column.2.x' = '1', 'a.2b' = '2')",
    ),
    (
        'CREATE MODEL m WITH (`k.1` = TRUE, "q" = false)',
        "CREATE MODEL m WITH ('k.1' = 'true', 'q' = 'false')",
    ),
    (
        "CREATE MODEL m WITH (a = -5, b = 1e-3, c = .5, d = 2.)",
        "CREATE MODEL m WITH ('a' = '-5', 'b' = '0.001', 'c' = '0.5', 'd' = '2.0')",
    ),
    ("CREATE MODEL m WITH (a /* b */ = -- c\n 'd')", "CREATE MODEL m WITH ('a' = 'd')"),
    ("CREATE MODEL m WITH (key = '{{ secret.NAME }}')", "CREATE MODEL m WITH ('key' = '{{ secret.NAME }}')"),
    # columns
    (
        "CREATE MODEL m (a INTEGER NOT NULL COMMENT 'x', `b c` array<varchar(3)>)",
        "CREATE MODEL m (a INT NOT NULL COMMENT 'x', `b c` ARRAY<VARCHAR(3)>)",
    ),
    (
        "CREATE MODEL m (a DOUBLE PRECISION, b DECIMAL(10, 2), c TIMESTAMP(3))",
        "CREATE MODEL m (a DOUBLE, b DECIMAL(10, 2), c TIMESTAMP(3))",
    ),
    (
        "CREATE MODEL m (a MAP<STRING, ARRAY<INT>>, r ROW(x INT, `y z` ROW<q BIGINT>))",
        "CREATE MODEL m (a MAP<STRING, ARRAY<INT>>, r ROW<x INT, `y z` ROW<q BIGINT>>)",
    ),
    ("CREATE MODEL m (a ARRAY<-- why\n INT>)", "CREATE MODEL m (a ARRAY<INT>)"),
    (
        "CREATE MODEL m (primary INT, constraint STRING, watermark INT, comment INT)",
        "CREATE MODEL m (`primary` INT, `constraint` STRING, `watermark` INT, `comment` INT)",
    ),
    # DROP
    ("DROP MODEL m", "DROP MODEL m"),
    ("DROP TEMPORARY MODEL IF EXISTS a.m", "DROP TEMPORARY MODEL IF EXISTS a.m"),
    ("DROP SERVICE IF EXISTS db.s", "DROP SERVICE IF EXISTS db.s"),
    # TRAIN
    ("TRAIN MODEL m CHECKPOINT = 'v1' ON t", "TRAIN MODEL m CHECKPOINT = 'v1' ON t"),
    (
        "train model m checkpoint = \"v{{ ds }}\" on c.d.t where a = 1 from 'v0' with (n = 2)",
        "TRAIN MODEL m CHECKPOINT = 'v{{ ds }}' ON c.d.t WHERE a = 1 FROM 'v0' WITH ('n' = '2')",
    ),
    (
        "TRAIN MODEL m CHECKPOINT = 'v' ON (SELECT * FROM t WHERE a IN (1)) WHERE b\n"
        "VALIDATE ON (VALUES (1)) WHERE c",
        "TRAIN MODEL m CHECKPOINT = 'v' ON (SELECT * FROM t WHERE a IN (1)) WHERE b "
        "VALIDATE ON (VALUES (1)) WHERE c",
    ),
    (
        "TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a IS NOT DISTINCT FROM 'x' AND EXTRACT(DAY FROM d) = 1\n"
        "FROM 'x'",
        "TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a IS NOT DISTINCT FROM 'x' AND EXTRACT(DAY FROM d) = 1 "
        "FROM 'x'",
    ),
    (
        "TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE validate = 1 VALIDATE ON u",
        "TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE validate = 1 VALIDATE ON u",
    ),
    (
        "TRAIN MODEL m CHECKPOINT = 'v' ON t VALIDATE ON u FROM 'b'",
        "TRAIN MODEL m CHECKPOINT = 'v' ON t VALIDATE ON u FROM 'b'",
    ),
    # EXPORT
    ("EXPORT MODEL m CHECKPOINT = 'v1'", "EXPORT MODEL m CHECKPOINT = 'v1'"),
    (
        "EXPORT MODEL m CHECKPOINT = 'v1' ON t WHERE a = 1 WITH ('b' = 2)",
        "EXPORT MODEL m CHECKPOINT = 'v1' ON t WHERE a = 1 WITH ('b' = '2')",
    ),
    # CREATE SERVICE
    ("CREATE SERVICE s ON MODEL m", "CREATE SERVICE s ON MODEL m"),
    (
        "CREATE OR REPLACE SERVICE db.s ON MODEL a.b.m CHECKPOINT = 'v_export' WITH (replicas = 2)",
        "CREATE OR REPLACE SERVICE db.s ON MODEL a.b.m CHECKPOINT = 'v_export' WITH ('replicas' = '2')",
    ),
    (
        "CREATE SERVICE IF NOT EXISTS s ON MODEL m CHECKPOINT = 'v_export/user'",
        "CREATE SERVICE IF NOT EXISTS s ON MODEL m CHECKPOINT = 'v_export/user'",
    ),
    # CREATE TABLE
    ("CREATE TABLE t", "CREATE TABLE t"),
    (
        "CREATE TABLE IF NOT EXISTS c.d.t (a INT, dt STRING) COMMENT 'x' PARTITIONED BY (dt, `h r`) "
        "WITH (connector = 'csv', path = '/x')",
        "CREATE TABLE IF NOT EXISTS c.d.t (a INT, dt STRING) COMMENT 'x' PARTITIONED BY (dt, `h r`) "
        "WITH ('connector' = 'csv', 'path' = '/x')",
    ),
    # CACHE, CALL
    ("CACHE TABLE r AS SELECT 1", "CACHE TABLE r AS SELECT 1"),
    ("CACHE TABLE r AS (SELECT 1) UNION ALL SELECT 2", "CACHE TABLE r AS (SELECT 1) UNION ALL SELECT 2"),
    ("CACHE TABLE r AS CALL f('x', t)", "CACHE TABLE r AS CALL f('x', t)"),
    ("CALL f()", "CALL f()"),
    ("CALL call_service_with_qv('s', q, \"v w\".x)", "CALL call_service_with_qv('s', q, `v w`.x)"),
    # queries, INSERT
    ("SELECT model, train FROM service", "SELECT model, train FROM service"),
    ("VALUES (1), (2)", "VALUES (1), (2)"),
    ("(SELECT 1)", "(SELECT 1)"),
    ("WITH c AS (SELECT 1) SELECT * FROM c -- done", "WITH c AS (SELECT 1) SELECT * FROM c"),
    ("INSERT INTO t SELECT 1", "INSERT INTO t SELECT 1"),
    ("INSERT OVERWRITE TABLE a.t (SELECT 1)", "INSERT OVERWRITE a.t (SELECT 1)"),
    (
        "INSERT INTO t WITH c AS (SELECT 1) SELECT * FROM c",
        "INSERT INTO t WITH c AS (SELECT 1) SELECT * FROM c",
    ),
    ("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (1, 'a')"),
    # SET, DECLARE
    ("SET 'dag.schedule' = '@daily'", "SET 'dag.schedule' = '@daily'"),
    ("SET table.sql-dialect = default", "SET 'table.sql-dialect' = 'default'"),
    ("SET a = 10", "SET 'a' = '10'"),
    ("SET a = -1.5", "SET 'a' = '-1.5'"),
    ("SET a = TRUE", "SET 'a' = 'true'"),
    ("SET a = 10 min", "SET 'a' = '10 min'"),
    ("SET a = -x /* c */ .y", "SET 'a' = '-x .y'"),
    ("DECLARE n INT", "DECLARE n INT"),
    ("DECLARE d DATE DEFAULT '2026-01-01'", "DECLARE d DATE DEFAULT '2026-01-01'"),
    ("DECLARE x DOUBLE DEFAULT -0.5", "DECLARE x DOUBLE DEFAULT -0.5"),
]


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str, reads: Callable[[str, str], Statement]) -> None:
    reads(text, canonical)


REFUSED = [
    # text, code, words of the message, text over the caret; all texts are in tests/golden/errors
    ("TRIAN MODEL m", "SR111", "unknown statement 'TRIAN'", "TRIAN"),
    ("ALTER TABLE t SET ('a' = 1)", "SR190", "ALTER TABLE is not supported yet", "TABLE"),
    ("ALTER MODEL m SET ()", "SR116", "ALTER MODEL SET does not support empty option.", "()"),
    ("IF (TRUE) THEN (FLUSH)", "SR101", "expected a query, found 'TRUE'", "TRUE"),
    ("DROP MODEL a b", "SR101", "expected the end of the statement, found 'b'", "b"),
    ("DROP MODEL a.b.c.d", "SR104", "the model name has at most 3 parts, not 4", "a.b.c.d"),
    ("CREATE MODEL m (a STRNG)", "SR105", "unknown type 'STRNG'", "STRNG"),
    ("CREATE MODEL m (a INT, A INT)", "SR108", "column 'A' is given twice", "A"),
    ("CREATE MODEL m INPUT (a INT)", "SR107", "Output column list can not be empty", "(a INT)"),
    ("CREATE MODEL m (a INT) OUTPUT (b INT)", "SR107", "plain column list or INPUT/OUTPUT", "OUTPUT"),
    ("CREATE MODEL m WITH (a = b)", "SR106", "must be a quoted string, a number or TRUE/FALSE", "b"),
    ("CREATE MODEL m WITH (a-b = 1, 'A_B' = 2)", "SR305", "option 'A_B' is given twice", "'A_B'"),
    ("TRAIN MODEL m CHECKPOINT 'v1' ON t", "SR101", "expected '=' after CHECKPOINT", "'v1'"),
    ("EXPORT MODEL m CHECKPOINT = 'v' WITH (a = 1) ON t", "SR103", "ON must come before WITH", "ON"),
    ("EXPORT MODEL m CHECKPOINT = 'v' ON t WHERE b =", "SR109", "the query ends too early", ";"),
    ("SELECT a FORM t", "SR109", "unexpected 't' in the query", "t"),
    ("SELECT {{ a }}", "SR110", "templates stand inside quotes only", "{{"),
    ("DROP SERVICE ", "SR101", "expected the service name, found the end of the statement", " "),
]


@pytest.mark.parametrize(("text", "code", "message", "marked"), REFUSED)
def test_refuses_and_reads_on_behind_the_semicolon(text: str, code: str, message: str, marked: str) -> None:
    script = f"SELECT 1;\n{text};\nSELECT 2"
    parsed = parse(script)
    assert [type(s) for s in parsed.statements] == [Select, Select]
    (problem,) = parsed.diagnostics
    assert problem.code == code
    assert message in problem.message
    assert script[problem.span.start : problem.span.end] == marked


def test_all_problems_of_a_statement_and_of_a_script_are_collected() -> None:
    text = """\
CREATE OR REPLACE MODEL IF NOT EXISTS m (a STRNG, b, c INT, c INT, PRIMARY KEY (a))
WITH (model = external, 'x' = 1, 'X' = 2);
TRAIN MODEL m CHECKPOINT = 'v' ON (SELECT FROM t) WHERE a = VALIDATE ON (SELECT b FORM u) WITH (n = 1h);
TRIAN;
DROP MODEL m;
"""
    parsed = parse(text)
    codes = [d.code for d in parsed.diagnostics]
    assert codes == [
        *("SR107", "SR105", "SR105", "SR108", "SR101", "SR106", "SR305"),
        *("SR109", "SR109", "SR109", "SR106", "SR111"),
    ]
    assert [type(s).__name__ for s in parsed.statements] == ["DropModel"]
    assert [d.span.start for d in parsed.diagnostics] == sorted(d.span.start for d in parsed.diagnostics)


def test_places_count_characters_of_the_whole_script(read_one: Callable[[str], Statement]) -> None:
    text = (
        "\ufeff-- größe\r\nTRAIN MODEL `m x`\r\n CHECKPOINT = 'v1' ON (SELECT *\r\n FROM t) WHERE a = 1 "
        "FROM 'b' WITH (k = 'v')"
    )
    statement = read_one(text)
    assert isinstance(statement, TrainModel)
    assert statement.name == Ident(("m x",), statement.name.span)
    shown = {
        text[span.start : span.end]
        for span in (
            statement.span,
            statement.name.span,
            statement.checkpoint.span,
            statement.data.span,
            statement.options[0].key.span,
            statement.options[0].value_span,
        )
    }
    assert shown >= {"`m x`", "'v1'", "(SELECT *\r\n FROM t) WHERE a = 1", "k", "'v'"}
    assert statement.data.query is not None
    assert statement.data.where is not None
    assert statement.base == Text("b", statement.base.span if statement.base else statement.span)
    for piece in (statement.data.query, statement.data.where):
        assert text[piece.span.start : piece.span.end] == piece.sql


def test_option_values_keep_the_kind_of_their_literal(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("CREATE MODEL m WITH (a = 1, b = 1.0, c = '1', d = TRUE, e = 'TRUE', f = -0.0)")
    assert isinstance(statement, CreateModel)
    assert [(type(o.value), o.value) for o in statement.options] == [
        *((int, 1), (float, 1.0), (str, "1"), (bool, True), (str, "TRUE"), (float, -0.0)),
    ]


def test_columns_become_a_schema(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("CREATE TABLE t (a INT NOT NULL COMMENT 'x', `b c` ARRAY<STRING>)")
    assert isinstance(statement, CreateTable)
    assert statement.columns is not None
    fields = [(f.name, str(f.type), f.nullable, f.comment) for f in statement.columns.schema]
    assert fields == [("a", "INT", False, "x"), ("b c", "ARRAY<STRING>", True, "")]


def test_raw_set_values_keep_what_was_written(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("SET a.b = x, 'y'  z")
    assert isinstance(statement, SetOption)
    assert (statement.key.value, statement.value) == ("a.b", "x, 'y' z")


def test_a_declared_default_knows_its_place(read_one: Callable[[str], Statement]) -> None:
    text = "DECLARE n DECIMAL(10, 2) DEFAULT -1.5"
    statement = read_one(text)
    assert isinstance(statement, Declare)
    assert statement.default_span is not None
    assert text[statement.default_span.start : statement.default_span.end] == "-1.5"
    assert text[statement.type_span.start : statement.type_span.end] == "DECIMAL(10, 2)"
