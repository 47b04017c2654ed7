"""KubernetesPodOperator as it comes, against the test cluster: what our own operators are built on."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG

from sqlrec.settings import Cluster
from tests.airflow.memory_api import run_dag
from tests.emulator.fixtures import JOB_IMAGE
from tests.emulator.workloads import home

pytestmark = pytest.mark.cluster


def operator(task_id: str, script: str, cluster: Cluster, **options: Any) -> KubernetesPodOperator:
    return KubernetesPodOperator(
        task_id=task_id,
        name=task_id.replace("_", "-"),
        image=JOB_IMAGE,
        cmds=["sh", "-c", script],
        namespace=cluster.namespace,
        config_file=cluster.config,
        startup_check_interval_seconds=1,
        poll_interval=0.2,
        **options,
    )


def test_values_failures_and_waiting_elsewhere(cluster: Cluster) -> None:
    value = shlex.quote(json.dumps({"rows": 3}))
    with DAG("pods", schedule=None) as dag:
        operator("value", f"echo {value} > /airflow/xcom/return.json", cluster, do_xcom_push=True)
        operator("deferred", "echo done", cluster, deferrable=True)
        operator("failed", "echo no luck; exit 3", cluster)
    done = run_dag(dag)
    assert done.states == {"value": "success", "deferred": "success", "failed": "failed"}, done.errors
    assert done.outcome("value") == {"rows": 3}
    assert "exit_code': 3" in str(done.errors["failed"]).replace('"', "'")
    with home(Path(cluster.config), cluster.namespace) as place:
        assert place.pods() == []
