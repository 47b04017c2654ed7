"""CREATE TABLE with all of Flink's columns, views, databases, and what changes rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.sql.statements import (
    ComputedColumn,
    CreateTable,
    Insert,
    MetadataColumn,
    Statement,
    Update,
)

READ = [
    ("CREATE TEMPORARY TABLE t", "CREATE TEMPORARY TABLE t"),
    (
        "CREATE TABLE t (a BIGINT PRIMARY KEY, b INT)",
        "CREATE TABLE t (a BIGINT, b INT, PRIMARY KEY (a))",
    ),
    (
        "CREATE TABLE t (a BIGINT NOT NULL CONSTRAINT k PRIMARY KEY NOT ENFORCED COMMENT 'x', b INT)",
        "CREATE TABLE t (a BIGINT NOT NULL COMMENT 'x', b INT, CONSTRAINT k PRIMARY KEY (a) NOT ENFORCED)",
    ),
    (
        "CREATE TABLE t (PRIMARY KEY (a, `b c`) ENFORCED, a INT, `b c` INT)",
        "CREATE TABLE t (a INT, `b c` INT, PRIMARY KEY (a, `b c`))",
    ),
    (
        "CREATE TABLE t (ts TIMESTAMP(3) METADATA, o BIGINT METADATA VIRTUAL COMMENT 'x', "
        "k STRING NOT NULL METADATA FROM 'key' VIRTUAL)",
        "CREATE TABLE t (ts TIMESTAMP(3) METADATA, o BIGINT METADATA VIRTUAL COMMENT 'x', "
        "k STRING NOT NULL METADATA FROM 'key' VIRTUAL)",
    ),
    (
        "CREATE TABLE t (a INT, cost AS a * (b + 1), p AS PROCTIME() COMMENT 'now', WATERMARK FOR ts AS "
        "ts - INTERVAL '5' SECOND, comment AS comment, ts TIMESTAMP_LTZ(3))",
        "CREATE TABLE t (a INT, cost AS a * (b + 1), p AS PROCTIME() COMMENT 'now', `comment` AS comment, "
        "ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)",
    ),
    (
        "CREATE TABLE t (watermark INT, primary INT, metadata INT, virtual INT, unique INT)",
        "CREATE TABLE t (`watermark` INT, `primary` INT, metadata INT, virtual INT, `unique` INT)",
    ),
    ("CREATE VIEW v AS SELECT 1", "CREATE VIEW v AS SELECT 1"),
    (
        "CREATE TEMP VIEW IF NOT EXISTS a.b.v (x, `y z`) COMMENT 'c' AS WITH c AS (SELECT 1) SELECT * FROM c",
        "CREATE TEMPORARY VIEW IF NOT EXISTS a.b.v (x, `y z`) COMMENT 'c' "
        "AS WITH c AS (SELECT 1) SELECT * FROM c",
    ),
    ("DROP VIEW v", "DROP VIEW v"),
    ("DROP TEMPORARY VIEW IF EXISTS a.v", "DROP TEMPORARY VIEW IF EXISTS a.v"),
    ("DROP TABLE t", "DROP TABLE t"),
    ("DROP TEMP TABLE IF EXISTS a.b.t", "DROP TEMPORARY TABLE IF EXISTS a.b.t"),
    ("CREATE DATABASE d", "CREATE DATABASE d"),
    (
        "CREATE DATABASE IF NOT EXISTS c.d COMMENT 'x' WITH (a = 1)",
        "CREATE DATABASE IF NOT EXISTS c.d COMMENT 'x' WITH ('a' = '1')",
    ),
    ("DROP DATABASE d", "DROP DATABASE d"),
    ("DROP DATABASE IF EXISTS c.d RESTRICT", "DROP DATABASE IF EXISTS c.d"),
    ("DROP DATABASE d CASCADE", "DROP DATABASE d CASCADE"),
    ("TRUNCATE TABLE a.t", "TRUNCATE TABLE a.t"),
    ("DELETE FROM t", "DELETE FROM t"),
    ("DELETE FROM a.b.t WHERE a IN (SELECT b FROM u)", "DELETE FROM a.b.t WHERE a IN (SELECT b FROM u)"),
    ("UPDATE t SET a = 1", "UPDATE t SET a = 1"),
    (
        "UPDATE a.t SET a = f(b, c), `where` = (SELECT max(x) FROM u WHERE y) WHERE b > 1",
        "UPDATE a.t SET a = f(b, c), `where` = (SELECT max(x) FROM u WHERE y) WHERE b > 1",
    ),
    ("INSERT INTO t (a, `b c`) SELECT 1, 2", "INSERT INTO t (a, `b c`) SELECT 1, 2"),
    ("INSERT OVERWRITE TABLE t (a) VALUES (1)", "INSERT OVERWRITE t (a) VALUES (1)"),
    ("INSERT INTO table SELECT 1", "INSERT INTO `table` SELECT 1"),
]


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str, reads: Callable[[str, str], Statement]) -> None:
    reads(text, canonical)


def test_a_table_of_the_stream_lesson(read_one: Callable[[str], Statement]) -> None:
    text = (
        "CREATE TABLE event_stream (customer_id BIGINT PRIMARY KEY, txn_amount DOUBLE, "
        "event_time TIMESTAMP(3) METADATA FROM 'timestamp', doubled AS txn_amount * 2, "
        "WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) WITH ('connector' = 'kafka')"
    )
    statement = read_one(text)
    assert isinstance(statement, CreateTable)
    body = statement.body
    assert body is not None
    assert statement.columns is not None
    assert statement.columns.schema.names == ("customer_id", "txn_amount", "event_time")
    _, _, metadata, computed = body.items
    assert isinstance(metadata, MetadataColumn)
    assert metadata.key is not None
    assert metadata.key.value == "timestamp"
    assert isinstance(computed, ComputedColumn)
    assert body.primary_key is not None
    assert body.watermark is not None
    spans = (computed.expression.span, body.primary_key.span, body.watermark.span)
    assert [text[span.start : span.end] for span in spans] == [
        "txn_amount * 2",
        "PRIMARY KEY",
        "WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND",
    ]
    assert [key.text for key in body.primary_key.columns] == ["customer_id"]
    assert body.primary_key.enforced


def test_a_table_without_a_list_has_no_columns(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("CREATE TABLE t WITH (connector = 'csv')")
    assert isinstance(statement, CreateTable)
    assert statement.columns is None


def test_a_query_in_parentheses_is_no_column_list(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("INSERT INTO t (SELECT 1)")
    assert isinstance(statement, Insert)
    assert statement.columns == ()


def test_assignments_keep_their_expressions(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("UPDATE t SET a = b /* c */ + 1, d = e")
    assert isinstance(statement, Update)
    assert [(a.column.text, a.value.sql) for a in statement.assignments] == [
        ("a", "b /* c */ + 1"),
        ("d", "e"),
    ]
    assert statement.where is None
