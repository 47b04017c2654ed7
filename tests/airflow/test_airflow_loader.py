"""A folder of scripts as Airflow sees it: DAGs, import errors, versions, and what loading costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from sqlrec.airflow.dag import build_dag
from sqlrec.airflow.loader import load_folder, load_script, project_of
from sqlrec.plan.build import build_plan
from sqlrec.settings import load

LOADER = Path(__file__).parents[2] / "dags" / "sqlrec_dags.py"
GOOD = "CACHE TABLE t AS SELECT 1 AS x;\nSELECT x FROM t;\n"
BAD = "SELCT 1;\nTRAIN MODEL m ON t;\nCREATE MODEL m (a INT) WITH (model = 'tzrec.wide_and_depp');\n"
PIPELINE = """
SET 'dag.schedule' = '@daily'; SET 'dag.tags' = 'b,a'; SET 'dag.retries' = 2; SET 'dag.owner' = 'ann';
DECLARE rows INT DEFAULT 10; DECLARE day DATE DEFAULT '2026-01-01';
DECLARE rate DOUBLE DEFAULT 0.5; DECLARE dry BOOLEAN DEFAULT true;
CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = '{{ ds_nodash }}' ON samples WHERE dt = '{{ params.day }}';
EXPORT MODEL m CHECKPOINT = '{{ ds_nodash }}';
CREATE OR REPLACE SERVICE s ON MODEL m CHECKPOINT = '{{ ds_nodash }}_export';
CACHE TABLE scored AS CALL call_service('s', samples);
"""


@pytest.fixture
def dags(project: Path) -> Path:
    folder = project / "dags"
    (folder / LOADER.name).write_text(LOADER.read_text())
    return folder


def pipeline(text: str = PIPELINE, name: str = "pipe") -> DAG:
    return build_dag(build_plan(text, path=f"{name}.sql", name=name), project=Path("/p"))


def serialized(dag: DAG) -> str:
    return json.dumps(DagSerialization.to_dict(dag), sort_keys=True)


def test_every_script_of_the_folder_is_a_dag(dags: Path) -> None:
    (dags / "one.sql").write_text(GOOD)
    (dags / "two.sql").write_text(GOOD)
    bag = DagBag(str(dags), bundle_path=dags)
    assert bag.import_errors == {}
    assert sorted(bag.dags) == ["one", "two"]


def test_a_broken_script_is_an_import_error_of_its_own(dags: Path) -> None:
    (dags / "good.sql").write_text(GOOD)
    (dags / "bad.sql").write_text(BAD)
    (dags / "worse.sql").write_bytes(b"SELECT '\xff'")
    bag = DagBag(str(dags), bundle_path=dags)
    assert list(bag.dags) == ["good"]
    assert sorted(bag.import_errors) == ["bad.sql", "worse.sql"]
    assert "--> bad.sql:1:1" in bag.import_errors["bad.sql"]
    assert "--> bad.sql:2:" in bag.import_errors["bad.sql"]
    assert "--> bad.sql:3:" in bag.import_errors["bad.sql"]
    assert "not UTF-8" in bag.import_errors["worse.sql"]


def test_a_schedule_that_lacks_a_parameter_is_the_scripts_own_error(dags: Path) -> None:
    (dags / "good.sql").write_text(GOOD)
    (dags / "needs.sql").write_text(f"DECLARE day DATE; SET 'dag.schedule' = '@daily';\n{GOOD}")
    bag = DagBag(str(dags), bundle_path=dags)
    assert list(bag.dags) == ["good"]
    assert list(bag.import_errors) == ["needs.sql"]
    assert "parameter 'day' has no default" in bag.import_errors["needs.sql"]


def test_outside_an_import_a_broken_script_is_logged_and_the_others_load(
    dags: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (dags / "good.sql").write_text(GOOD)
    (dags / "bad.sql").write_text(BAD)
    namespace: dict[str, object] = {}
    load_folder(dags, namespace)
    assert list(namespace) == ["dag_good"]
    assert "--> bad.sql:1:1" in caplog.text


def test_a_task_process_builds_only_its_own_dag(dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "one")
    for name in ("one", "two", "broken"):
        (dags / f"{name}.sql").write_text(GOOD if name != "broken" else BAD)
    namespace: dict[str, object] = {}
    load_folder(dags, namespace)
    assert list(namespace) == ["dag_one"]


def test_train_and_export_are_a_job_and_a_registration() -> None:
    dag = pipeline()
    assert dag.task_ids == [
        "define_m",
        "train_m",
        "register_train_m",
        "export_m",
        "register_export_m",
        "deploy_s",
        "score_scored",
    ]
    assert dag.get_task("export_m").upstream_task_ids == {"register_train_m"}
    assert dag.get_task("deploy_s").upstream_task_ids == {"register_export_m"}
    assert {type(t).__name__ for t in dag.tasks} == {
        "ModelOperator",
        "JobOperator",
        "RegisterOperator",
        "DeployOperator",
        "CallServiceOperator",
    }


def test_set_and_declare_become_schedule_params_and_defaults() -> None:
    dag = pipeline()
    dag.validate()
    assert dag.schedule == "@daily"
    assert dag.tags == {"a", "b", "sqlrec"}
    assert (dag.tasks[0].retries, dag.tasks[0].owner) == (2, "ann")
    schemas = {name: dag.params.get_param(name).schema for name in ("rows", "day", "rate", "dry")}
    assert {name: schema["type"] for name, schema in schemas.items()} == {
        "rows": "integer",
        "day": "string",
        "rate": "number",
        "dry": "boolean",
    }
    assert schemas["day"]["format"] == "date"
    assert "TRAIN MODEL m" in str(dag.doc_md)


def test_the_same_script_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    first = build_plan(PIPELINE, path="a/pipe.sql", name="pipe")
    second = build_plan(PIPELINE, path="b/pipe.sql", name="pipe")
    dags = [build_dag(first, project=tmp_path), build_dag(second, project=tmp_path / "x")]
    for dag in dags:
        dag.fileloc = "f"
    assert serialized(dags[0]) == serialized(dags[1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DEFAULT 10", "DEFAULT 11"),
        ("WHERE dt =", "WHERE dt <"),
        ("'dag.retries' = 2", "'dag.retries' = 3"),
        ("user_id BIGINT", "user_id INT"),
    ],
)
def test_every_change_of_the_plan_shows_in_the_serialized_dag(old: str, new: str) -> None:
    assert serialized(pipeline()) != serialized(pipeline(PIPELINE.replace(old, new)))


def test_the_project_is_the_folder_of_the_configuration_or_the_parent(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "dags"
    folder.mkdir(parents=True)
    assert project_of(folder) == tmp_path / "a"
    (tmp_path / "sqlrec.toml").touch()
    assert project_of(folder) == tmp_path


def test_a_plan_is_compiled_once_and_a_damaged_one_again(project: Path) -> None:
    path = project / "dags" / "one.sql"
    path.write_text(GOOD)
    load_script(path, load(project))
    (stored,) = (project / ".sqlrec" / "plans").iterdir()
    first = stored.stat().st_mtime_ns
    load_script(path, load(project))
    assert stored.stat().st_mtime_ns == first
    stored.write_text("{")
    load_script(path, load(project))
    assert json.loads(stored.read_text())["value"]["name"] == "one"


def test_a_store_that_cannot_be_written_does_not_stop_loading(project: Path) -> None:
    path = project / "dags" / "one.sql"
    path.write_text(GOOD)
    (project / ".sqlrec").write_text("in the way")
    assert load_script(path, load(project)).dag_id == "one"


def test_a_warm_load_imports_nothing_heavy(dags: Path) -> None:
    (dags / "one.sql").write_text(PIPELINE)
    load_folder(dags, {})
    code = f"""
import sys
from pathlib import Path
from sqlrec.airflow.loader import load_folder
space = {{}}
load_folder(Path({str(dags)!r}), space)
heavy = ["torch", "mlflow", "pyarrow", "duckdb", "onnxruntime", "onnx", "sqlglot", "numpy", "sklearn"]
print(list(space), [name for name in heavy if name in sys.modules])
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert shown.stdout.splitlines()[-1] == "['dag_one'] []"
