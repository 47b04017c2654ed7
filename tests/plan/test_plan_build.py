from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from sqlrec.errors import ScriptError
from sqlrec.plan.build import build_plan
from sqlrec.plan.catalog import OpenCatalog
from sqlrec.plan.plan import Plan, QueryStep, Ref, RefKind, ScoreStep, TrainStep
from sqlrec.spec import codec
from sqlrec.spec.table import TableFormat

M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"


def test_all_problems_come_in_the_order_of_their_places(findings: Any) -> None:
    found = findings(
        "SET 'dag.retries' = 'x';\nTRAIN MODEL m CHECKPOINT 'v1' ON t;\nSELECT * FROM t WHERE d = '{{ q }}';"
        "\nDECLARE n INT DEFAULT 'a';\nCALL nothing();"
    )
    assert [f[:5] for f in found] == ["SR302", "SR101", "SR309", "SR216", "SR214"]


def test_the_error_names_the_first_error_and_shows_all(compiled: Any) -> None:
    with pytest.raises(ScriptError) as caught:
        compiled("SET 'dag.retries' = 1; SET 'dag.retries' = 2; DECLARE a MAP<INT, INT>; CALL nothing()")
    assert caught.value.code == "SR216"
    assert [d.code for d in caught.value.diagnostics] == ["SR311", "SR216", "SR214"]
    assert "--> x.sql:1:" in str(caught.value)


def test_what_could_not_be_read_is_not_missed(findings: Any, catalog: Any) -> None:
    """One mistake is one diagnostic: names of a statement that failed may be made there."""
    broken = "CREATE MODEL m (u INT WITH (x = 1); DROP MODEL m; DROP MODEL n"
    assert [f[:5] for f in findings(broken, catalog)] == ["SR101", "SR205"]
    bad = "CREATE MODEL `m.x` (u INT) WITH (model = 'test.rank', label_columns = 'u'); DROP MODEL m"
    assert [f[:5] for f in findings(bad, catalog)] == ["SR211"]


def test_a_strict_script_is_judged_however_the_setting_is_spelt(findings: Any) -> None:
    assert [f[:5] for f in findings("SET 'strict' = 'FLINK'; FLUSH")] == ["SR150"]
    assert findings("SET 'strict' = 'sqlrec'; FLUSH") == []


def test_a_block_of_a_function_is_closed(findings: Any) -> None:
    assert findings("RETURN t") != []


def test_an_empty_script_is_an_empty_plan(compiled: Any) -> None:
    plan = compiled("-- nothing\n;;")
    assert plan.steps == ()
    assert plan.source == "-- nothing\n;;"


def test_the_plan_of_a_text_is_always_the_same(compiled: Any) -> None:
    script = M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t; SELECT a FROM t; SELECT b FROM t"
    assert codec.dumps(compiled(script)) == codec.dumps(compiled(script))
    assert compiled(script, OpenCatalog()) == compiled(script)


def test_the_digest_is_of_what_the_plan_does(compiled: Any) -> None:
    script = "SELECT a FROM t; CACHE TABLE c AS SELECT 1"
    digest = compiled(script).digest
    assert compiled("-- words\n\nSELECT a /* more */ FROM t;\n cache table c AS SELECT 1;").digest == digest
    assert compiled(script.replace("a", "b", 1)).digest != digest
    assert compiled("SET 'dag.retries' = 1;" + script).digest != digest


def test_a_step_is_found_by_its_id(compiled: Any) -> None:
    plan = compiled("SELECT * FROM t")
    assert plan.step("select_t") is plan.steps[0]
    with pytest.raises(KeyError, match="select_u"):
        plan.step("select_u")


def test_steps_hold_names_as_they_were_declared(compiled: Any) -> None:
    plan = compiled(
        M.replace("MODEL m", "MODEL Rank") + "TRAIN MODEL RANK CHECKPOINT = 'V1' ON T;"
        "EXPORT MODEL rank CHECKPOINT = 'v1'; CREATE SERVICE Front ON MODEL RANK CHECKPOINT = 'v1_EXPORT';"
        "CALL call_service('front', t)"
    )
    _, train, export, deploy, score = plan.steps
    assert {str(s.model) for s in (train, export, deploy)} == {"Rank"}
    assert (export.checkpoint, export.exports, deploy.checkpoint) == ("V1", ("V1_export",), "V1_export")
    assert score.service == "Front"
    assert score.upstream == (deploy.id,)
    assert str(train.writes[0]) == "checkpoint sqlrec.default.rank@v1"


def test_tables_are_cached_declared_or_of_the_warehouse(compiled: Any) -> None:
    plan = compiled(
        "CREATE TABLE Lake.Clicks (u INT, dt STRING) PARTITIONED BY (dt)"
        " WITH (connector = 'CSV', path = 'x', header = FALSE, delimiter = ' ');"
        "CACHE TABLE seen AS SELECT * FROM lake.clicks JOIN LAKE.CLICKS AS again USING (u)"
        " JOIN other USING (u);"
        "CACHE TABLE scored AS CALL call_service_with_qv('s', other, Seen)"
    )
    query, score = plan.steps
    assert isinstance(query, QueryStep)
    assert isinstance(score, ScoreStep)
    clicks = query.query.sources["lake.clicks"]
    assert set(query.query.sources) == {"lake.clicks", "other"}
    assert (clicks.name, clicks.format, clicks.partitions) == ("Lake.Clicks", TableFormat.CSV, ("dt",))
    assert clicks.options == {"header": "false", "delimiter": " "}
    assert query.query.sources["other"].format is TableFormat.WAREHOUSE
    assert query.target is not None
    assert query.target.format is TableFormat.CACHE
    assert score.inputs.query == 'SELECT * FROM "Seen"'
    assert score.inputs.sources["Seen"] == query.target
    assert score.query is not None
    assert score.query.sources["other"].format is TableFormat.WAREHOUSE
    assert list(plan.tables) == ["Lake.Clicks"]


def test_secrets_travel_as_references(compiled: Any) -> None:
    plan = compiled(M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (api_key = '{{ conn.store.password }}')")
    train = plan.steps[1]
    assert isinstance(train, TrainStep)
    assert train.options == {"api_key": "secret:conn.store.password"}
    assert "{{" not in train.sql


def test_parts_of_an_unknown_model_wait_for_the_whole_export(compiled: Any) -> None:
    plan = compiled(
        "EXPORT MODEL n CHECKPOINT = 'v1'; CREATE SERVICE s ON MODEL n CHECKPOINT = 'v1_export/user'"
    )
    assert plan.steps[1].upstream == ("export_n",)


def test_dropping_a_model_waits_for_its_services(compiled: Any) -> None:
    plan = compiled("DROP SERVICE a; DROP SERVICE b; DROP MODEL m")
    assert plan.steps[2].upstream == ("drop_service_a", "drop_service_b")
    assert Ref(RefKind.SERVICE, "a") in plan.steps[2].reads


def test_a_second_deploy_with_if_not_exists_changes_nothing(compiled: Any) -> None:
    plan = compiled(
        M + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'a_export';"
        "CREATE SERVICE IF NOT EXISTS s ON MODEL m CHECKPOINT = 'b_export'; CALL call_service('s', t)"
    )
    assert plan.steps[3].upstream == (plan.steps[2].id,)
    assert plan.steps[2].if_not_exists


def test_every_plan_reads_back(compiled: Any) -> None:
    plan = compiled(M + "SET 'dag.retries' = 1; SET 'dag.retries' = 2; DECLARE a DOUBLE DEFAULT 1; SELECT 1")
    assert codec.loads(Plan, codec.dumps(plan)) == plan
    assert len(plan.warnings) == 1


def test_compiling_is_fast(compiled: Any) -> None:
    """15 ms for six statements; a tracer, such as that of coverage, is given its time."""
    script = (
        M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t WHERE a > 1; EXPORT MODEL m CHECKPOINT = 'v1' ON t;"
        "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'; CACHE TABLE c AS CALL call_service('s', t);"
        "SELECT u, y FROM c WHERE u > 1 ORDER BY y LIMIT 10"
    )
    compiled(script)
    times = []
    for _ in range(5):
        start = time.process_time()
        compiled(script)
        times.append(time.process_time() - start)
    assert min(times) < (0.015 if sys.gettrace() is None else 0.15)


HEAVY = ("torch", "onnx", "onnxruntime", "pyarrow", "duckdb", "mlflow", "airflow", "numpy", "httpx", "jinja2")
PROGRAM = f"""
import sys
from sqlrec.plan.build import build_plan
from sqlrec.plan.explain import explain
script = "CREATE MODEL m (u INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y')"
build_plan(script, path='x', name='x')
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_compiling_imports_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_built_in_types_are_the_default() -> None:
    with pytest.raises(ScriptError, match=r"unknown model type 'test\.rank'"):
        build_plan(M, path="x", name="x")
