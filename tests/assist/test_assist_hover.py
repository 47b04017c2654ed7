"""What is said about a word, the outline of a script, and where names come from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.assist.describe import code_text
from sqlrec.assist.outline import symbols
from sqlrec.codes.index import entries
from tests.assist.conftest import SCRIPT

Ask = Callable[[str], str]
MODEL_TEXT = """**model m** (test.rank)

`user_id` BIGINT, `item_id` BIGINT, `y` INT

Checkpoints: `v1`, `v1_export`

clicks"""
TWO = "IF (SELECT 1) THEN (CACHE TABLE x AS SELECT 1) ELSE (CACHE TABLE x"


@pytest.mark.parametrize(
    ("marked", "text", "word"),
    [
        (
            "TRAIN MODEL m CHECKPOINT = 'x' ON t WITH (ep|ochs = 2)",
            "**epochs** (int, at least 1, default 1)",
            "epochs",
        ),
        ("TRAIN MODEL m CHECKPOINT = 'x' ON t WITH (epochs = |2)", "**epochs** (int, at least 1", "2"),
        (
            "CREATE MODEL x (u INT) WITH (model = 'test.rank', column.u.si|ze = 1)",
            "**column.{f}.size** (int",
            "column.u.size",
        ),
        (
            "CREATE MODEL x WITH (model = 'test|.rank')",
            "**test.rank**\n\nFor tests.\n\nOptions: `model`",
            "'test.rank'",
        ),
        ("CREATE MODEL x WITH (model = 'no|pe')", "", ""),
        ("CREATE MODEL x WITH (mo|del = 'nope')", "**model**: type of the model", "model"),
        ("CREATE MODEL x WITH (no|pe = 'nope')", "", ""),
        (
            "CREATE MODEL x WITH (model = 'test.rank', api|_key = 'x')",
            "**api_key** (string, default none), in CREATE SERVICE",
            "api_key",
        ),
        ("CREATE API x WITH f WITH (repl|icas = 2)", "**replicas** (int, at least 1, default 1)", "replicas"),
        ("SET 'dag.ca|tchup' = TRUE", "**dag.catchup** (boolean, default false), in SET", "'dag.catchup'"),
        ("SET dag.tags = 'a|'", "**dag.tags** (string list, default none)", "'a'"),
        ("CREATE TABLE x WITH (conn|ector = 'csv')", "**connector** (parquet | csv, required)", "connector"),
        ("DECLARE x INT DEFAULT |5", "", ""),
        (
            "DROP MODEL |m",
            MODEL_TEXT,
            "m",
        ),
        ("DROP MODEL other.d|b.known", "**model other.db.known** (test.towers)", "other.db.known"),
        ("DROP MODEL `m|`", "**model m**", "`m`"),
        ("DROP MODEL a.b.c.d|", "", ""),
        ("DROP MODEL nope|", "", ""),
        ("DROP SERVICE s|", "**service s**\n\nmodel `m`, checkpoint `v1_export`", "s"),
        ("DROP SERVICE nope|", "", ""),
        (
            "CREATE SERVICE x ON MODEL m CHECKPOINT = 'v1_ex|port'",
            "**checkpoint v1_export**\n\nexport of `v1`, succeeded",
            "'v1_export'",
        ),
        ("EXPORT MODEL m CHECKPOINT = 'v|1'", "**checkpoint v1**\n\norigin, succeeded", "'v1'"),
        ("EXPORT MODEL m CHECKPOINT = 'no|pe'", "", ""),
        ("EXPORT MODEL CHECKPOINT = 'no|pe'", "", ""),
        (
            "TRAIN MODEL m CHECKPOINT = 'x' ON it|ems",
            "**table items** (parquet files at `x`)\n\n`item_id` BIGINT, `price` DOUBLE",
            "items",
        ),
        ("TRAIN MODEL m CHECKPOINT = 'x' ON cach|ed", "**table cached** (cached)", "cached"),
        (
            "TRAIN MODEL m CHECKPOINT = 'x' ON beha|vior",
            "**table behavior** (of the warehouse)\n\n`user_id` BIGINT",
            "behavior",
        ),
        ("TRAIN MODEL m CHECKPOINT = 'x' ON no|pe", "", ""),
        (
            "TRAIN MODEL m CHECKPOINT = 'x' ON items WHERE pr|ice > 1",
            "**price** DOUBLE, column of `items`\n\nin euro",
            "price",
        ),
        ("SELECT i.item|_id FROM items i", "**item_id** BIGINT, column of `items`", "i.item_id"),
        ("SELECT nope| FROM items", "", ""),
        ("SELECT * FROM items|", "**table items**", "items"),
        (
            "SELECT * FROM ML_PRED|ICT(TABLE items, MODEL m, DESCRIPTOR(price))",
            "**ML_PREDICT**",
            "ML_PREDICT",
        ),
        ("SELECT * FROM ML_PREDICT(TABLE items, MODEL m|, DESCRIPTOR(price))", "**model m**", "m"),
        ("CALL call_ser|vice('s', items)", "**call_service** (service, table)", "call_service"),
        ("CALL enr|ich(items)", "**function enrich**\n\n```sql\nCREATE SQL FUNCTION enrich\n```", "enrich"),
        ("CALL nope|(items)", "", ""),
        ("CALL call_service('pri|or', items)", "**service prior**", "'prior'"),
        ("DROP API fe|ed", "**API feed** of function `enrich`", "feed"),
        ("DROP API no|pe", "", ""),
        ("SHOW CREATE MODEL |m", "**model m**", "m"),
        ("SHOW CREATE VIEW it|ems", "**table items**", "items"),
        ("USE oth|er", "", ""),
        ("CREATE MODEL x (a IN|T)", "", ""),
        ("TRA|IN MODEL m", "**TRAIN MODEL**\n\nTrains", "TRAIN"),
        ("TRAIN MODEL m CHECKPOINT = 'x' ON t VALI|DATE ON t", "**TRAIN MODEL**", "VALIDATE"),
        ("CREATE OR REP|LACE TEMPORARY MODEL x", "**CREATE MODEL**", "REPLACE"),
        ("DESC|RIBE FORMATTED MODEL m", "**DESCRIBE**", "DESCRIBE"),
        ("SEL|ECT 1", "**SELECT**", "SELECT"),
        ("nope| x", "", ""),
        ("DROP MODEL m| ", "**model m**", "m"),
        ("DROP MODEL m ; | ", "", ""),
        ("-- TRAIN| MODEL", "", ""),
    ],
)
def test_hover(said: Ask, marked: str, text: str, word: str) -> None:
    found, _, at = said(marked).rpartition("@")
    assert at == word
    assert found.startswith(text)
    assert bool(found) == bool(text)


def test_a_wide_table_is_cut(said: Ask) -> None:
    columns = ", ".join(f"c{i} INT" for i in range(40))
    found = said(f"CREATE TABLE wide ({columns}) WITH (connector = 'csv', path = 'x'); SELECT * FROM wi|de")
    assert "`c29` INT, and 10 more" in found


def test_another_name_of_an_option(said: Ask) -> None:
    found = said(
        "CREATE MODEL x INPUT (p STRING) OUTPUT (a STRING) WITH (provider = 'openai', api_k|ey = 'x')"
    )
    assert found == ""


@pytest.mark.parametrize(
    ("marked", "line"),
    [
        ("DROP MODEL |m", "CREATE MODEL m"),
        ("DROP MODEL other.d|b.known", ""),
        (
            "CREATE OR REPLACE MODEL m WITH (a = 1); DROP MODEL |m",
            "CREATE OR REPLACE MODEL m",
        ),
        ("CREATE SERVICE x ON MODEL |sqlrec.default.m", "CREATE MODEL m"),
        ("CREATE SERVICE x ON MODEL m CHECKPOINT = 'v1_|export'", "EXPORT MODEL m CHECKPOINT = 'v1'"),
        (
            "EXPORT MODEL m CHECKPOINT = 'v|1'",
            "TRAIN MODEL m CHECKPOINT = 'v1'",
        ),
        ("DROP SERVICE |s", "CREATE SERVICE s"),
        ("CALL call_service('|s', items)", "CREATE SERVICE s"),
        ("CALL call_service('s', ite|ms)", "CREATE TABLE items"),
        ("SELECT * FROM cach|ed", "CACHE TABLE cached"),
        ("SELECT * FROM later|; CACHE TABLE later AS SELECT 1", "SELECT * FROM later; CACHE TABLE later"),
        (TWO + " AS SELECT 2); SELECT * FROM |x", TWO),
        (
            "IF (SELECT 1) THEN (CACHE TABLE x AS SELECT 1); SELECT * FROM |x",
            "IF (SELECT 1) THEN (CACHE TABLE x",
        ),
        ("CREATE VIEW w AS SELECT 1; SHOW CREATE VIEW |w", "CREATE VIEW w"),
        ("SHOW CREATE TABLE it|ems", "CREATE TABLE items"),
        ("SET 'dag.owner' = 'm|'", ""),
        ("|; -- nothing here", ""),
    ],
)
def test_definitions(defined: Ask, marked: str, line: str) -> None:
    assert defined(marked) == line


def test_the_outline_names_each_statement() -> None:
    found = [(s.title, SCRIPT[s.name.start : s.name.end]) for s in symbols(SCRIPT)]
    assert found[:3] == [("CREATE MODEL m", "m"), ("TRAIN MODEL m", "m"), ("EXPORT MODEL m", "m")]
    assert found[-1] == ("SET 'top' = '5'", "SET 'top' = '5'")
    (insert, query) = symbols("INSERT INTO\n  a.b SELECT 1; SELECT " + "x, " * 40 + "y")
    assert insert.title == "INSERT INTO a.b"
    assert len(query.title) == 60
    assert query.title.endswith("…")
    assert symbols("selec 1") == []


def test_a_code() -> None:
    entry = entries()["SR301"]
    assert code_text(entry) == f"**SR301: {entry.title}**\n\n{entry.meaning}\n\n{entry.fix}"
