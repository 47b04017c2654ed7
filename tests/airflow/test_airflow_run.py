"""Whole runs in this process, on Airflow with a database, and in processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sqlrec.airflow.run import RunReport, run_script
from sqlrec.airflow.session import Event, EventKind
from sqlrec.errors import OptionError, ScriptError
from sqlrec.settings import load
from tests.airflow.cluster_project import ClusterProject

pytestmark = pytest.mark.airflow
SCRIPT = """
DECLARE day STRING DEFAULT 'monday';
CACHE TABLE a AS SELECT random() AS x, '{{ params.day }}' AS day;
INSERT INTO log SELECT x, day FROM a;
SELECT x, day FROM a;
"""
IDS = ["cache_a", "insert_log", "select_a"]
Run = Callable[..., RunReport]


@pytest.fixture(scope="session", autouse=True)
def database() -> None:
    """Airflow's metadata database, once."""
    from airflow.utils.db import initdb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        initdb()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def run(project: Path, events: list[Event]) -> Run:
    def call(text: str = SCRIPT, params: dict[str, str] | None = None, **options: Any) -> RunReport:
        path = project / "dags" / "hello.sql"
        path.write_text(text)
        settings = load(project, environ={})
        return run_script(path, params=params or {}, settings=settings, on_event=events.append, **options)

    return call


def row(report: RunReport) -> tuple[str, ...]:
    outcome = report.tasks[-1].outcome
    assert outcome is not None
    assert outcome.preview is not None
    return outcome.preview.rows[0]


def test_a_run_reports_tasks_in_order_with_outcomes_and_events(run: Run, events: list[Event]) -> None:
    report = run(params={"day": "friday"})
    assert report.error is None
    assert [(task.id, task.state) for task in report.tasks] == [(name, "success") for name in IDS]
    assert row(report)[1] == "friday"
    ends = [(e.kind, e.task) for e in events if e.kind is not EventKind.PROGRESS]
    assert ends[:2] == [(EventKind.STARTED, "cache_a"), (EventKind.FINISHED, "cache_a")]
    assert sorted(ends) == sorted((k, n) for n in IDS for k in (EventKind.STARTED, EventKind.FINISHED))
    assert all(task.seconds > 0 for task in report.tasks)


def test_a_run_builds_the_one_version_of_the_api_that_its_client_speaks(run: Run) -> None:
    """Airflow's other eight take seconds, and nobody in this process asks for them."""
    from airflow.sdk.api.datamodels._generated import API_VERSION
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    for _ in range(2):
        assert run("SELECT 1 AS x;").error is None
    assert list(in_process_api_server().app.versions.version_values) == [API_VERSION]


def test_a_second_run_is_a_new_one(run: Run, project: Path) -> None:
    first, second = run(), run()
    assert first.run_id != second.run_id
    assert row(first) != row(second)
    assert pq.read_table(project / "data" / "log").num_rows == 2


def test_a_failed_run_is_taken_up_where_it_stopped(run: Run, project: Path) -> None:
    text = SCRIPT + "SELECT * FROM late;"
    first = run(text)
    assert first.error is not None
    assert first.error.code == "SR401"
    assert [task.state for task in first.tasks] == ["success", "success", "success", "failed"]
    (project / "data" / "late.csv").write_text("x\n1\n")
    second = run(text)
    assert (second.run_id, second.resumed, second.error) == (first.run_id, True, None)
    assert second.tasks[2].outcome == first.tasks[2].outcome, "what was done is not done again"
    assert pq.read_table(project / "data" / "log").num_rows == 1


def test_fresh_starts_anew(run: Run) -> None:
    text = SCRIPT + "SELECT * FROM late;"
    first, second = run(text), run(text, fresh=True)
    assert first.run_id != second.run_id
    assert not second.resumed


def test_a_part_of_the_script(run: Run) -> None:
    report = run(from_step="select_a")
    assert [task.id for task in report.tasks] == ["cache_a", "select_a"]
    assert [task.id for task in run(to_step="insert_log").tasks] == IDS[:2]


def test_an_error_of_the_step_is_the_error_of_the_run(run: Run, events: list[Event]) -> None:
    report = run("CACHE TABLE a AS SELECT nope FROM (SELECT 1 AS x); SELECT * FROM a;")
    assert report.error is not None
    assert report.error.code == "SR402"
    assert [task.state for task in report.tasks] == ["failed", "upstream_failed"]
    assert (events[-1].kind, events[-1].task) == (EventKind.FAILED, "cache_a")


def test_a_template_that_cannot_be_rendered_is_told(run: Run) -> None:
    report = run("DECLARE n INT DEFAULT 0; CACHE TABLE a AS SELECT '{{ 1 // params.n }}' AS x;")
    assert report.error is not None
    assert report.error.code == "SR724"


def test_a_failure_that_may_pass_is_retried(run: Run, project: Path, events: list[Event]) -> None:
    """A job that dies is tried again; the trained table is empty, so it dies each time."""
    (project / "data").mkdir()
    (project / "data" / "samples.csv").write_text("user_id,y\n")
    report = run(
        """SET 'dag.retries' = 1; SET 'dag.retry_delay' = 0;
        CREATE TABLE samples (user_id BIGINT, y INT) WITH (connector = 'csv', path = 'data/samples.csv');
        CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
        TRAIN MODEL m CHECKPOINT = 'v1' ON samples;"""
    )
    assert report.error is not None
    assert "empty" in report.error.message or "no rows" in report.error.message
    started = [e.task for e in events if e.kind is EventKind.STARTED]
    assert started.count("train_m") == 2
    assert [task.state for task in report.tasks] == ["success", "failed", "upstream_failed"]


def test_nothing_is_run_when_script_or_parameters_are_wrong(run: Run, project: Path) -> None:
    with pytest.raises(ScriptError):
        run("SELCT 1; SELECT 1 FROM")
    with pytest.raises(OptionError, match="SR321"):
        run(params={"dya": "x"})
    assert not (project / ".sqlrec" / "runs").exists()


@pytest.mark.cluster
def test_a_run_whose_jobs_are_in_a_cluster(pods: ClusterProject, events: list[Event]) -> None:
    pods.configure(deferrable="true")
    report = run_script(pods.script(), params={}, settings=pods.settings, on_event=events.append)
    assert report.error is None
    assert (EventKind.PROGRESS, "epoch 1 of 1") in [(e.kind, e.message) for e in events]
    assert pods.left() == []


CHILD = """
import sys
from pathlib import Path
from sqlrec.airflow.run import run_script
from sqlrec.settings import load

project = Path(sys.argv[1])
report = run_script(
    project / "dags" / "hello.sql",
    params={},
    settings=load(project, environ={}),
    on_event=lambda event: print(event.kind, event.task, flush=True),
)
print("ended", report.run_id, report.resumed, report.error)
"""


def child(project: Path) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came: {process.stderr.read() if process.stderr else ''}")


def test_a_process_is_quiet_and_one_that_was_killed_is_gone_on_from(project: Path) -> None:
    """Two processes with an Airflow of their own below the work directory."""
    slow = "SELECT count(*) AS n FROM a, range(100000000000) AS r(i) WHERE i % 7 = 8"
    script = project / "dags" / "hello.sql"
    script.write_text(f"CACHE TABLE a AS SELECT random() AS x; CACHE TABLE b AS {slow}; SELECT x FROM a;")
    with child(project) as process:
        wait_for(process, "started cache_b")
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
    (first,) = (project / ".sqlrec" / "runs" / "hello").iterdir()
    kept = (first / "cache_a.json").read_text()
    script.write_text(script.read_text() + " -- a comment changes nothing")
    with child(project) as process:
        wait_for(process, "started cache_b")
        os.kill(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "ended" not in out
    (again,) = (project / ".sqlrec" / "runs" / "hello").iterdir()
    assert (again / "cache_a.json").read_text() == kept
    assert "Airflow" not in err + out
    assert list((project / ".sqlrec" / "airflow" / "process").iterdir()) == []
