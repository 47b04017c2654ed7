"""Whatever a script says, there is a plan or a located error, never another exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrec.errors import ScriptError
from sqlrec.plan.explain import explain, render_explanation
from sqlrec.plan.explanation import Explanation
from sqlrec.plan.plan import Plan
from sqlrec.plan.scope import GetController
from sqlrec.spec import codec

SCRIPTS = [p.read_text() for p in sorted((Path(__file__).parent.parent / "golden").rglob("script.sql"))]
PIECES = [
    *("CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y')", "DROP MODEL m"),
    *("TRAIN MODEL m CHECKPOINT = 'v1' ON t", "EXPORT MODEL M CHECKPOINT = 'v1'", "DROP SERVICE IF EXISTS s"),
    *("CREATE OR REPLACE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'", "DROP MODEL IF EXISTS m"),
    *(
        "CALL call_service('s', t)",
        "CACHE TABLE c AS CALL call_service_with_qv('s', c, t)",
        "SELECT * FROM c",
    ),
    *("CREATE TABLE t (u INT) WITH (connector = 'csv', path = '{{ params.p }}')", "INSERT INTO t SELECT 1"),
    *(
        "SELECT * FROM c",
        "DECLARE p STRING",
        "SET 'dag.retries' = 1",
        "TRAIN MODEL m CHECKPOINT = '{{ ds }}' ON c FROM 'v1'",
    ),
    *("ALTER MODEL m RENAME TO n", "ALTER MODEL n RENAME TO m", "ALTER MODEL m SET (rate = 1)"),
    *("ALTER MODEL m SET ALIAS 'a' = 'v1'", "ALTER MODEL m DROP ALIAS 'a'", "ALTER MODEL m RESET (epochs)"),
    *("ALTER MODEL m DROP CHECKPOINT = 'v1'", "EVALUATE MODEL m CHECKPOINT = '@a' ON t", "USE ctr", "RESET"),
    *(
        "CREATE TEMPORARY MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'u')",
        "SHOW MODELS",
    ),
    *(
        "DROP TEMPORARY MODEL m",
        "DESCRIBE MODEL m",
        "SHOW CHECKPOINTS FROM m",
        "USE `default`",
        "SHOW TABLES",
    ),
    *("ALTER SERVICE s SET CHECKPOINT = '@a'", "ROLLBACK SERVICE s", "ALTER SERVICE s PROMOTE", "FLUSH"),
    *("IF (SELECT TRUE) THEN (DROP MODEL m) ELSE (SELECT * FROM c)", "ASSERT SELECT count(*) > 0 FROM c"),
    *("IF (SELECT TRUE) THEN (CACHE TABLE c AS SELECT 1)", "EXPLAIN EXPORT MODEL m CHECKPOINT = '@a'"),
    *("SET s = 's'", "CALL call_service(GET('s'), t)", "CREATE VIEW c AS SELECT * FROM c", "DELETE FROM t"),
    *(
        "INSERT INTO t (u) SELECT 1",
        "DESCRIBE c",
        "DROP API a",
        "DESCRIBE SQL FUNCTION f",
        "SHOW CREATE MODEL `m$1`",
    ),
    "SELECT * FROM ML_PREDICT(TABLE c, MODEL m, DESCRIPTOR(u))",
    "CREATE SQL FUNCTION f; DEFINE INPUT TABLE c (u INT); CACHE TABLE d AS SELECT * FROM c; RETURN d",
    "CALL f(t)",
]
relaxed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def judge(compiled: Any, text: str, catalog: Any, fake_types: GetController) -> None:
    try:
        plan = compiled(text, catalog)
    except ScriptError as error:
        shown, found = str(error), error.diagnostics
    else:
        judge_plan(plan, explain(plan, catalog, fake_types))
        return
    assert "--> x.sql:" in shown
    assert all(0 <= d.span.start <= len(text) + 1 for d in found)


def judge_plan(plan: Plan, explanation: Explanation) -> None:
    assert codec.loads(Plan, codec.dumps(plan)) == plan
    assert len({step.id for step in plan.steps}) == len(plan.steps)
    assert render_explanation(explanation).startswith("x (x.sql)")


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
@relaxed
@given(data=st.data())
def test_damaged_scripts(
    compiled: Any, catalog: Any, fake_types: GetController, script: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(script)))
    end = start + data.draw(st.integers(0, 40))
    put = data.draw(st.sampled_from(["", "'", "{{", "}}", ";", "(", "x", "NULL", "\x00", "é"]))
    judge(compiled, script[:start] + put + script[end:], catalog, fake_types)


@relaxed
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=10))
def test_statements_in_any_order(
    compiled: Any, known: Any, fake_types: GetController, pieces: list[str]
) -> None:
    judge(compiled, ";\n".join(pieces), known.put("v1"), fake_types)
