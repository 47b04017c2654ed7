"""SHOW, DESCRIBE, SHOW CREATE, SET, RESET and USE: what is read, told by its canonical text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.sql.statements import Describe, Namespace, ObjectKind, Show, Statement, Use

READ = [
    ("show models", "SHOW MODELS"),
    ("SHOW SERVICES", "SHOW SERVICES"),
    ("SHOW APIS", "SHOW APIS"),
    ("SHOW SQL FUNCTIONS", "SHOW SQL FUNCTIONS"),
    ("SHOW TABLES", "SHOW TABLES"),
    ("SHOW VIEWS", "SHOW VIEWS"),
    ("SHOW DATABASES", "SHOW DATABASES"),
    ("SHOW CATALOGS", "SHOW CATALOGS"),
    ("SHOW MODELS IN `c`.d NOT LIKE 'it''s%'", "SHOW MODELS FROM c.d NOT LIKE 'it''s%'"),
    ('SHOW TABLES FROM d LIKE "a%"', "SHOW TABLES FROM d LIKE 'a%'"),
    ("SHOW CHECKPOINTS m", "SHOW CHECKPOINTS m"),
    ("SHOW CHECKPOINTS FROM a.b.m LIKE 'v%'", "SHOW CHECKPOINTS a.b.m LIKE 'v%'"),
    ("SHOW CHECKPOINTS IN `from`", "SHOW CHECKPOINTS `from`"),
    ("DESCRIBE MODEL m", "DESCRIBE MODEL m"),
    (
        "desc formatted model a.b.m checkpoint = 'v1'",
        "DESCRIBE FORMATTED MODEL a.b.m CHECKPOINT = 'v1'",
    ),
    ("DESC EXTENDED SERVICE db.s", "DESCRIBE FORMATTED SERVICE db.s"),
    ("DESCRIBE SQL FUNCTION f", "DESCRIBE SQL FUNCTION f"),
    ("DESCRIBE API a", "DESCRIBE API a"),
    ("DESCRIBE TABLE a.b.t", "DESCRIBE a.b.t"),
    ("DESCRIBE FORMATTED t", "DESCRIBE EXTENDED t"),
    ("DESCRIBE t", "DESCRIBE t"),
    ("DESCRIBE model", "DESCRIBE `model`"),
    ("DESCRIBE sql", "DESCRIBE `sql`"),
    ("DESCRIBE formatted", "DESCRIBE `formatted`"),
    ("DESCRIBE extended.t", "DESCRIBE `extended`.t"),
    ("SHOW CREATE MODEL a.b.m", "SHOW CREATE MODEL a.b.m"),
    ("SHOW CREATE SERVICE db.s", "SHOW CREATE SERVICE db.s"),
    ("SHOW CREATE API a", "SHOW CREATE API a"),
    ("SHOW CREATE SQL FUNCTION f", "SHOW CREATE SQL FUNCTION f"),
    ("SHOW CREATE TABLE a.t", "SHOW CREATE TABLE a.t"),
    ("SHOW CREATE VIEW v", "SHOW CREATE VIEW v"),
    ("SET", "SET"),
    ("RESET", "RESET"),
    ("RESET 'a'", "RESET 'a'"),
    ("RESET table.sql-dialect", "RESET 'table.sql-dialect'"),
    ("USE d", "USE d"),
    ("USE c.d", "USE c.d"),
    ("USE DATABASE c.d", "USE c.d"),
    ("USE database", "USE database"),
    ("USE CATALOG c", "USE CATALOG c"),
    ("USE catalog", "USE catalog"),
]


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str, reads: Callable[[str, str], Statement]) -> None:
    reads(text, canonical)


def test_set_alone_shows_the_settings(read_one: Callable[[str], Statement]) -> None:
    statement = read_one("SET")
    assert isinstance(statement, Show)
    assert statement.kind is ObjectKind.SETTING


def test_words_are_names_when_nothing_follows_them(read_one: Callable[[str], Statement]) -> None:
    for text, name in (("DESCRIBE model", "model"), ("DESC formatted", "formatted")):
        described = read_one(text)
        assert isinstance(described, Describe)
        assert (described.kind, described.name.text) == (ObjectKind.TABLE, name)
        assert not described.formatted
    used = read_one("USE catalog")
    assert isinstance(used, Use)
    assert (used.kind, used.name.text) == (Namespace.DATABASE, "catalog")
