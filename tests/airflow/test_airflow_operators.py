"""Tasks of a script's DAG, run through Airflow's task SDK without a database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sqlrec.airflow.dag import build_dag
from sqlrec.airflow.links import CheckpointLink, ServiceLink
from sqlrec.airflow.loader import load_script
from sqlrec.airflow.operators import airflow_secret
from sqlrec.plan.build import build_plan
from sqlrec.settings import load
from tests.airflow.memory_api import Finished, run_dag

SCRIPT = """
DECLARE day STRING DEFAULT 'monday';
CACHE TABLE greeting AS SELECT '{{ params.day }}' AS day, '{{ ds }}' AS ds, '{{ ts_nodash }}' AS ts;
INSERT INTO log SELECT day, ds FROM greeting;
SELECT day, ds, ts FROM greeting;
"""

DEPLOY = """
CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON t;
EXPORT MODEL m CHECKPOINT = 'v1';
CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';
"""

Run = Callable[..., Finished]


@pytest.fixture
def run(project: Path) -> Run:
    def call(text: str, conf: dict[str, Any] | None = None, **options: Any) -> Finished:
        path = project / "dags" / "hello.sql"
        path.write_text(text)
        return run_dag(load_script(path, load(project)), conf, **options)

    return call


def first_row(done: Finished) -> list[str]:
    rows: list[list[str]] = done.outcome("select_greeting")["preview"]["rows"]
    return rows[0]


def test_a_run_renders_its_templates_and_hands_outcomes_on(run: Run, project: Path) -> None:
    done = run(SCRIPT, logical_date=datetime(2026, 1, 31, 5, tzinfo=UTC))
    assert set(done.states.values()) == {"success"}
    assert first_row(done) == ["monday", "2026-01-31", "20260131T050000"]
    assert pq.read_table(project / "data" / "log").to_pylist() == [{"day": "monday", "ds": "2026-01-31"}]


def test_conf_overrides_a_declared_parameter(run: Run) -> None:
    assert first_row(run(SCRIPT, {"day": 'it\'s "friday" {{ ds }}'}))[0] == 'it\'s "friday" {{ ds }}'


def test_a_run_without_logical_date_takes_the_time_from_which_it_may_run(run: Run) -> None:
    assert first_row(run(SCRIPT))[1:] == ["2026-03-01", "20260301T000000"]


def test_a_retried_append_adds_its_rows_once(run: Run, project: Path) -> None:
    run(SCRIPT)
    (outcome,) = (project / ".sqlrec" / "runs").rglob("insert_log.json")
    outcome.unlink()
    run(SCRIPT)
    assert pq.read_table(project / "data" / "log").num_rows == 1
    run(SCRIPT, run_id="manual__2")
    assert pq.read_table(project / "data" / "log").num_rows == 2


def test_a_finished_task_of_the_run_is_not_done_again(run: Run, project: Path) -> None:
    before = run("CACHE TABLE t AS SELECT random() AS x; SELECT x FROM t;").outcome("select_t")["preview"]
    again = run("CACHE TABLE t AS SELECT random() AS x; SELECT x FROM t;").outcome("select_t")["preview"]
    other = run("CACHE TABLE t AS SELECT random() AS x; SELECT x FROM t;", run_id="manual__2")
    assert before == again != other.outcome("select_t")["preview"]


def test_a_failure_that_stays_is_not_retried_and_stops_what_comes_after(run: Run) -> None:
    done = run("CACHE TABLE t AS SELECT * FROM nowhere; SELECT * FROM t;")
    assert done.states == {"cache_t": "failed", "select_t": "upstream_failed"}
    error = done.errors["cache_t"]
    assert type(error).__name__ == "AirflowFailException"
    assert "SR401" in str(error)
    assert "nowhere" in str(error)


def test_rendered_fields_show_the_step_of_this_run(run: Run) -> None:
    done = run(SCRIPT, logical_date=datetime(2026, 1, 31, tzinfo=UTC))
    shown = json.dumps(list(done.api.rendered.values()))
    assert "2026-01-31" in shown
    assert "{{ params.day }}" in shown, "the statement's own text stays as written"


def test_secrets_of_airflow_are_variables_and_fields_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "http", "password": "p", "extra": {"token": "t"}}
    monkeypatch.setenv("AIRFLOW_VAR_API_KEY", "k")
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps(connection))
    assert airflow_secret("api_key") == "k"
    assert airflow_secret("conn.db.password") == "p"
    assert airflow_secret("conn.db.extra.token") == "t"


def test_links_lead_to_what_a_task_has_made() -> None:
    dag = build_dag(build_plan(DEPLOY, path="d.sql", name="d"), project=Path("/p"))
    deploy, register = dag.get_task("deploy_s"), dag.get_task("register_export_m")
    assert ServiceLink().get_link(deploy, ti_key=None) == ""
    deploy.facts = {"url": "http://127.0.0.1:1/predict"}
    register.facts = {"tracking": "http://mlflow", "registered": "sqlrec.default.m"}
    assert ServiceLink().get_link(deploy, ti_key=None) == "http://127.0.0.1:1/metrics"
    assert CheckpointLink().get_link(register, ti_key=None) == "http://mlflow/#/models/sqlrec.default.m"
