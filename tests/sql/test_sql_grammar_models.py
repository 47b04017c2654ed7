"""ALTER MODEL, EVALUATE MODEL, ALTER SERVICE, ROLLBACK SERVICE: what is read, told by its canonical text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlrec.errors import Severity
from sqlrec.sql.script import parse
from sqlrec.sql.statements import AlterModel, CreateModel, SetOptions, Statement

READ = [
    ("alter model m rename to n", "ALTER MODEL m RENAME TO n"),
    ("ALTER MODEL IF EXISTS a.b.m RENAME TO a.b.n", "ALTER MODEL IF EXISTS a.b.m RENAME TO a.b.n"),
    ("ALTER MODEL if RENAME TO `to`", "ALTER MODEL `if` RENAME TO `to`"),
    (
        "ALTER MODEL `my_model` SET (tag = 'prod', description = \"new\", n = 3, b = FALSE,)",
        "ALTER MODEL my_model SET ('tag' = 'prod', 'description' = 'new', 'n' = '3', 'b' = 'false')",
    ),
    ("ALTER MODEL m RESET ('a', b.c-d, \"e\",)", "ALTER MODEL m RESET ('a', 'b.c-d', 'e')"),
    ("ALTER MODEL m DROP CHECKPOINT = 'v1'", "ALTER MODEL m DROP CHECKPOINT = 'v1'"),
    (
        'ALTER MODEL IF EXISTS m DROP IF EXISTS CHECKPOINT = "it\'s"',
        "ALTER MODEL IF EXISTS m DROP IF EXISTS CHECKPOINT = 'it''s'",
    ),
    ("ALTER MODEL m SET ALIAS 'prod' = 'v1_export'", "ALTER MODEL m SET ALIAS 'prod' = 'v1_export'"),
    ("ALTER MODEL m DROP ALIAS 'prod'", "ALTER MODEL m DROP ALIAS 'prod'"),
    ("ALTER MODEL m DROP IF EXISTS ALIAS 'prod'", "ALTER MODEL m DROP IF EXISTS ALIAS 'prod'"),
    ("EVALUATE MODEL m CHECKPOINT = 'v1' ON t", "EVALUATE MODEL m CHECKPOINT = 'v1' ON t"),
    (
        "evaluate model a.b.m checkpoint = '@prod' on (select 1) where a = 1 with (min_auc = 0.75)",
        "EVALUATE MODEL a.b.m CHECKPOINT = '@prod' ON (select 1) WHERE a = 1 WITH ('min_auc' = '0.75')",
    ),
    ("ALTER SERVICE s SET CHECKPOINT = 'v2'", "ALTER SERVICE s SET CHECKPOINT = 'v2'"),
    (
        "ALTER SERVICE IF EXISTS db.s SET CHECKPOINT = '@prod' WITH (canary = '10%')",
        "ALTER SERVICE IF EXISTS db.s SET CHECKPOINT = '@prod' WITH ('canary' = '10%')",
    ),
    ("ALTER SERVICE s SET (replicas = 4)", "ALTER SERVICE s SET ('replicas' = '4')"),
    ("ALTER SERVICE s RESET (replicas)", "ALTER SERVICE s RESET ('replicas')"),
    ("ALTER SERVICE s PROMOTE", "ALTER SERVICE s PROMOTE"),
    ("ROLLBACK SERVICE s", "ROLLBACK SERVICE s"),
    ("ROLLBACK SERVICE db.s TO CHECKPOINT = 'v1'", "ROLLBACK SERVICE db.s TO CHECKPOINT = 'v1'"),
]


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str, reads: Callable[[str, str], Statement]) -> None:
    reads(text, canonical)


def test_a_version_is_part_of_a_quoted_name(reads: Callable[[str, str], Statement]) -> None:
    statement = reads("CREATE TEMP MODEL `m$2` (a INT)", "CREATE TEMPORARY MODEL `m$2` (a INT)")
    assert isinstance(statement, CreateModel)
    assert statement.name.parts == ("m$2",)


def test_the_last_of_a_key_given_twice_counts_with_a_warning() -> None:
    text = "SELECT 1;\nALTER MODEL m SET ('a-b' = 1,\n A_B = 2); DROP MODEL m"
    parsed = parse(text)
    _, altered, _ = parsed.statements
    assert isinstance(altered, AlterModel)
    assert isinstance(altered.change, SetOptions)
    assert [option.value for option in altered.change.options] == [1, 2]
    (warning,) = parsed.diagnostics
    assert (warning.code, warning.severity) == ("SR305", Severity.WARNING)
    assert text[warning.span.start : warning.span.end] == "A_B"
    assert warning.hint == "line 2 has it as 'a-b'; the last one counts"
    assert parsed.errors == ()


def test_a_warning_beside_an_error_is_told_and_the_statement_dropped() -> None:
    parsed = parse("ALTER MODEL m SET (a = 1, a = 2, b = c)")
    assert parsed.statements == ()
    assert [d.severity for d in parsed.diagnostics] == [Severity.WARNING, Severity.ERROR]
    assert [d.code for d in parsed.errors] == ["SR106"]
