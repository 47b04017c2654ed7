"""Which operators a DAG has for a cluster, and that they cost its parsing nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk import DAG

from sqlrec.airflow.cluster import access, is_deferrable, keeps_failed
from sqlrec.airflow.dag import build_dag
from sqlrec.errors import SetupError
from sqlrec.plan.build import build_plan
from sqlrec.settings import Cluster

SCRIPT = """
CREATE MODEL m (user_id BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (num_epochs = 1{train});
EXPORT MODEL m CHECKPOINT = 'v1';
"""


def dag(before: str = "", train: str = "", runtime: str = "local") -> DAG:
    plan = build_plan(before + SCRIPT.format(train=train), path="d.sql", name="d")
    return build_dag(plan, project=Path("/p"), runtime=runtime)


def operators(built: DAG) -> list[str]:
    return [type(built.get_task(name)).__name__ for name in ("train_m", "export_m")]


@pytest.mark.parametrize(
    ("before", "runtime", "expected"),
    [
        ("", "local", "JobOperator"),
        ("", "kubernetes", "PodJobOperator"),
        ("SET 'runtime' = 'kubernetes';", "local", "PodJobOperator"),
        ("SET 'runtime' = 'local';", "kubernetes", "JobOperator"),
    ],
)
def test_the_script_goes_before_the_settings(before: str, runtime: str, expected: str) -> None:
    assert operators(dag(before, runtime=runtime)) == [expected, expected]


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (", nnodes = 2", "IndexedJobOperator"),
        (", nnodes = 1", "PodJobOperator"),
        (", nnodes = '{{ params.n }}'", "PodJobOperator"),
    ],
)
def test_a_job_of_several_machines_is_seen_in_the_plan(train: str, expected: str) -> None:
    built = dag("DECLARE n INT DEFAULT 2;", train=train, runtime="kubernetes")
    assert operators(built) == [expected, "PodJobOperator"]


def test_a_job_is_tried_again_unless_the_script_says_otherwise() -> None:
    for before, retries in (("", 1), ("SET 'dag.retries' = 0;", 0), ("SET 'dag.retries' = 3;", 3)):
        assert dag(before, runtime="kubernetes").get_task("train_m").retries == retries
    assert dag(runtime="kubernetes").get_task("register_train_m").retries == 0
    assert dag().get_task("train_m").retries == 0


def test_a_dag_for_a_cluster_imports_nothing_of_the_provider() -> None:
    code = f"""
import sys
from pathlib import Path
from sqlrec.airflow.dag import build_dag
from sqlrec.plan.build import build_plan
plan = build_plan({SCRIPT.format(train=", nnodes = 2")!r}, path="d.sql", name="d")
build_dag(plan, project=Path("/p"), runtime="kubernetes")
heavy = ["kubernetes", "kubernetes_asyncio", "airflow.providers.cncf.kubernetes.operators.pod"]
print([name for name in heavy if name in sys.modules])
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_deferrable_is_true_or_false() -> None:
    assert [is_deferrable(Cluster(deferrable=text)) for text in ("True", "false")] == [True, False]
    with pytest.raises(SetupError, match=r"SR725.*'maybe'"):
        is_deferrable(Cluster(deferrable="maybe"))
    with pytest.raises(SetupError, match="delete_succeeded_pod"):
        keeps_failed(Cluster(on_finish_action="keep_pod"))


def test_the_provider_is_told_where_the_cluster_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.touch()
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert access(Cluster(context="c")) == {"cluster_context": "c", "config_file": str(config)}
    assert access(Cluster(config="/a")) == {"cluster_context": None, "config_file": "/a"}
    assert access(Cluster(conn_id="ml")) == {"cluster_context": None}
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert access(Cluster()) == {"in_cluster": True}
