"""A real Airflow whose scheduler dies while jobs of its tasks run in the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.airflow.cluster_project import WAIT, ClusterProject
from tests.airflow.live_stack import Stack, stack
from tests.emulator.fixtures import Kube
from tests.registries import template

pytestmark = [pytest.mark.airflow, pytest.mark.cluster]
LOADER = Path(__file__).parents[2] / "dags" / "sqlrec_dags.py"
SOON = {
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": 1,
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 5,
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 1,
}
"""A scheduler that died is missed after seconds; by default it takes minutes."""
SCRIPT = """
SET 'dag.retry_delay' = '1s';
CREATE TABLE samples (user_id BIGINT, y INT) WITH (connector = 'csv', path = 'samples.csv');
CREATE MODEL one (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
CREATE MODEL two (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL one CHECKPOINT = 'v1' ON samples WITH (kubernetes.env.PYTHONPATH = '{programs}');
TRAIN MODEL two CHECKPOINT = 'v1' ON samples WITH (nnodes = 2, kubernetes.env.PYTHONPATH = '{programs}');
"""


def test_jobs_outlive_the_scheduler(pods: ClusterProject, kube: Kube) -> None:
    """One task dies with it, the other one lives and is told that another try has taken its place."""
    pods.program(WAIT)
    dags = pods.folder / "dags"
    (dags / LOADER.name).write_text(LOADER.read_text())
    (dags / "two.sql").write_text(SCRIPT.format(programs=pods.folder / "programs"))
    pods.settings.work_dir.mkdir()
    (pods.settings.work_dir / "mlflow.db").write_bytes(template())
    with stack(pods.folder / "airflow", dags, options=SOON) as airflow:
        airflow.until("the DAG", lambda: airflow.call("GET", "/api/v2/dags/two"))
        run = airflow.call("POST", "/api/v2/dags/two/dagRuns", {"logical_date": None})
        path = f"/api/v2/dags/two/dagRuns/{run['dag_run_id']}"
        airflow.until("the start of all programs", lambda: sorted(pods.starts) == ["0", "0", "1"])
        orphan = psutil.Process(running(airflow, path, try_number=1)["train_two"])
        airflow.kill("scheduler", spared=orphan.pid)
        airflow.start("scheduler")
        airflow.until("the second tries", lambda: len(running(airflow, path, try_number=2)) == 2)
        airflow.until("the end of the first", lambda: not orphan.is_running())
        (pods.folder / "go").touch()
        assert airflow.until("the end of the run", lambda: ended(airflow, path)) == "success"
    assert sorted(pods.starts) == ["0", "0", "1"]
    made = kube.faults.requests("POST", f"/apis?/.*/namespaces/{pods.cluster.namespace}/(pods|jobs)")
    assert sorted(where.rsplit("/")[-1] for _, where in made) == ["jobs", "pods"]
    assert pods.left() == []


def ended(airflow: Stack, path: str) -> str:
    now = str(airflow.call("GET", path)["state"])
    return now if now in ("success", "failed") else ""


def running(airflow: Stack, path: str, try_number: int) -> dict[str, int]:
    """Processes of the tasks that train, those of the try that run."""
    found: list[dict[str, Any]] = airflow.call("GET", f"{path}/taskInstances")["task_instances"]
    tries = (task for task in found if task["task_id"].startswith("train") and task["state"] == "running")
    return {
        task["task_id"]: task["pid"] for task in tries if task["try_number"] == try_number and task["pid"]
    }
