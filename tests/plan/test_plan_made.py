"""CREATE MODEL that trains or imports at once: its steps, what they wait for, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrec.plan.plan import DefineModelStep, ExportStep, ImportStep, TrainStep

AS = "CREATE MODEL m WITH (model = 'test.rank', label_columns = 'y') AS SELECT u, y FROM t;"
TOWERS = AS.replace("test.rank", "test.towers")
FILE = "CREATE MODEL f (u INT, y INT) WITH (model = 'test.file', label_columns = 'y');"


def test_as_query_is_three_steps_in_a_row(compiled: Any) -> None:
    define, train, export = compiled(AS).steps
    assert isinstance(define, DefineModelStep)
    assert isinstance(train, TrainStep)
    assert isinstance(export, ExportStep)
    assert [step.id for step in (define, train, export)] == ["define_m", "train_m", "export_m"]
    assert (train.upstream, export.upstream) == (("define_m",), ("train_m",))
    assert (train.checkpoint, export.exports) == ("initial", ("initial_export",))
    assert define.model.awaits_query
    assert define.data == train.data == export.sample
    assert train.if_absent
    assert export.if_absent


def test_or_replace_makes_new_versions(compiled: Any) -> None:
    _, train, export = compiled(AS.replace("CREATE", "CREATE OR REPLACE")).steps
    assert not train.if_absent
    assert not export.if_absent


def test_the_definition_does_not_depend_on_the_columns_that_the_query_has_now(compiled: Any) -> None:
    one, other = (compiled(text).steps[0].model for text in (AS, AS.replace("SELECT u, y", "SELECT y, u")))
    assert one.digest != other.digest
    assert one.digest == compiled(f"-- again\n{AS}").steps[0].model.digest


def test_a_file_is_imported_after_its_definition(compiled: Any) -> None:
    define, brought, deploy = compiled(FILE + "CREATE SERVICE s ON MODEL f").steps
    assert isinstance(brought, ImportStep)
    assert (brought.id, brought.checkpoint, brought.upstream) == ("import_f", "imported", (define.id,))
    assert deploy.upstream == ("import_f",)


def test_a_service_waits_for_the_export_that_it_does_not_name(compiled: Any) -> None:
    *_, deploy = compiled(AS + "CREATE SERVICE s ON MODEL m").steps
    assert (deploy.checkpoint, deploy.upstream) == ("", ("export_m",))


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (AS + "TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'initial'", []),
        (AS + "SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(u))", ["SR631"]),
        (AS + "CREATE SERVICE s ON MODEL m; SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(u))", []),
        (AS + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'initial'", ["SR209"]),
        (TOWERS + "CREATE SERVICE s ON MODEL m", ["SR210"]),
        (TOWERS + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'initial_export'", ["SR207"]),
        (TOWERS + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'initial_export/user'", []),
        (AS.replace("test.rank", "test.file"), ["SR213"]),
        (AS.replace("MODEL m", "MODEL m (u INT)"), ["SR107"]),
        (AS.replace("MODEL", "TEMPORARY MODEL"), ["SR225"]),
        (FILE.replace("MODEL", "TEMPORARY MODEL"), ["SR225"]),
        (f"IF (SELECT true) THEN ({AS.rstrip(';')})", ["SR229"]),
        (f"IF (SELECT true) THEN ({FILE.rstrip(';')})", ["SR229"]),
        (f"EXPLAIN {AS}", []),
        (FILE + "EXPORT MODEL f CHECKPOINT = 'imported'", ["SR213", "SR209"]),
        (AS.replace("u, y FROM t", "u FROM ML_PREDICT(TABLE t, MODEL n, DESCRIPTOR(u))"), ["SR205"]),
    ],
)  # fmt: skip
def test_what_may_follow_and_what_is_refused(
    findings: Any, catalog: Any, script: str, found: list[str]
) -> None:
    assert [line.split()[0] for line in findings(script, catalog)] == found


def test_the_missing_name_of_a_tower_is_told(findings: Any, catalog: Any) -> None:
    unnamed, whole = (
        findings(f"{TOWERS}CREATE SERVICE s ON MODEL m{rest}", catalog)[0]
        for rest in ("", " CHECKPOINT = 'initial_export'")
    )
    assert "exported checkpoints of m: initial_export/item, initial_export/user" in unnamed
    assert "name one of its parts: initial_export/item, initial_export/user" in whole
