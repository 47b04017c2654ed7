"""Scripts on a cluster, through the command line: the objects they leave are what kubectl shows.

The cluster is the emulator, whose pods are processes of this machine; its API is spoken by the same client,
operators and kubectl as any other.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from sqlrec.settings import Cluster
from tests.asking import asking
from tests.e2e.whole_project import (
    DEPLOY,
    SCORE,
    TABLES,
    TASKS,
    Project,
    ask,
    candidates,
    make_project,
    rows_of,
    started_before,
)
from tests.tools import tool

KUBECTL = tool("kubectl")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.cluster,
    pytest.mark.skipif(not KUBECTL, reason="kubectl is not here: make tools"),
]


@dataclass(frozen=True, slots=True)
class OnCluster:
    """A project whose jobs and services run in a namespace of a cluster."""

    project: Project
    cluster: Cluster

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        command = [KUBECTL, "--kubeconfig", self.cluster.config, "-n", self.cluster.namespace, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def listed(self, kinds: str) -> list[dict[str, Any]]:
        """Objects of some kinds, as kubectl gives them."""
        return list(json.loads(self.kubectl("get", kinds, "-o", "json"))["items"])

    def names(self, kinds: str) -> set[str]:
        """``kind/name`` of objects."""
        return {f"{item['kind']}/{item['metadata']['name']}" for item in self.listed(kinds)}


@pytest.fixture
def on_cluster(cluster: Cluster, tmp_path: Path) -> Iterator[OnCluster]:
    project = started_before(make_project(tmp_path / "project"))
    given = {f.name: getattr(cluster, f.name) for f in fields(cluster)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in given.items()]
    text = "\n".join(['runtime = "kubernetes"', "[kubernetes]", *lines, ""])
    (project.folder / "sqlrec.toml").write_text(text)
    try:
        yield OnCluster(project, cluster)
    finally:
        project.kill_all()


TWO_MACHINES = (
    TABLES
    + """
TRAIN MODEL rank_model CHECKPOINT = 'two' ON behavior WHERE dt < '{{ params.holdout }}'
  WITH (num_epochs = 1, batch_size = 512, seed = 1, nnodes = 2, pod_memory = '1Gi');
EXPORT MODEL rank_model CHECKPOINT = 'two' ON behavior WHERE dt = '{{ params.holdout }}';
ALTER SERVICE rank SET CHECKPOINT = 'two_export' WITH (replicas = 2, drain = '2s');
"""
)
CANARY = """
ALTER SERVICE rank SET CHECKPOINT = 'day_2026-01-03_export' WITH (canary = '30%');
"""
BROKEN = """
ALTER SERVICE rank SET (image = 'registry.invalid/none', version = '1', progress_deadline = '20s');
"""


def test_a_project_lives_on_a_cluster(on_cluster: OnCluster) -> None:
    """The script of a laptop unchanged, two machines, a rollout and a broken one under load, the end."""
    project, rows = on_cluster.project, candidates(on_cluster.project)[:5]
    report = project.json("run", project.script(TABLES + DEPLOY + SCORE))
    assert [task["id"] for task in report["tasks"]] == TASKS
    assert {task["state"] for task in report["tasks"]} == {"success"}
    assert _jobs_are_gone(on_cluster)
    assert rows_of(project.folder / "data" / "predictions").num_rows == len(candidates(project))

    service = project.service()
    with asking(lambda: ask(service["url"], rows), clients=1, pause=0.03) as answers:
        report = project.json("run", project.script(TWO_MACHINES, "two"))
        assert {task["state"] for task in report["tasks"]} == {"success"}
        assert "[rank 1] " in next(project.state.glob("runs/two/*/airflow.log")).read_text()
        assert _jobs_are_gone(on_cluster)
        deployment = on_cluster.listed("deployment")[0]
        assert deployment["status"]["readyReplicas"] == 2
        assert deployment["metadata"]["annotations"]["sqlrec.io/checkpoint"] == "two_export"

        complaint = project.run("run", project.script(BROKEN, "broken"), status=1)
        assert "registry.invalid/none:1" in complaint
        assert "pull" in complaint.casefold()

        project.run("run", project.script(CANARY, "canary"))
        assert on_cluster.names("deployment") == {"Deployment/rank", "Deployment/rank-canary"}
        assert project.service()["version"] == version_of(project, "two_export")
        project.run("run", project.script("ALTER SERVICE rank PROMOTE;", "promote"))
        assert on_cluster.names("deployment") == {"Deployment/rank"}
        project.run("rollout", "undo", "rank")
    assert len(answers) > 20
    assert {len(answer["probs"]) for answer in answers} == {len(rows)}
    status = project.json("rollout", "status", "rank")
    assert (status["state"], status["revision"]["checkpoint"]) == ("ready", "two_export")
    actions = [(e["action"], e["state"]) for e in project.json("rollout", "history", "rank")]
    assert actions[-4:] == [
        ("deploy", "failed"),
        ("canary", "finished"),
        ("promote", "finished"),
        ("rollback", "finished"),
    ]
    images = {c["image"] for p in on_cluster.listed("pod") for c in p["spec"]["containers"]}
    assert images == {on_cluster.cluster.server_image}
    told = on_cluster.kubectl("describe", "deployment", "rank")
    assert "two_export" in told
    assert "2 available" in told
    assert "ready" in on_cluster.kubectl("logs", "deployment/rank")

    project.run("run", project.script("DROP SERVICE rank;", "drop"))
    assert on_cluster.names("all,configmap,lease,poddisruptionbudget") == set()


def version_of(project: Project, checkpoint: str) -> int:
    """The version that a checkpoint's name means."""
    found = {c["name"]: c["version"] for c in project.json("checkpoints", "rank_model")}
    return int(found[checkpoint])


def _jobs_are_gone(on_cluster: OnCluster) -> bool:
    """Whether only what belongs to services is left."""
    return not on_cluster.listed("job") and all(
        "sqlrec.io/service" in item["metadata"].get("labels", {})
        for item in on_cluster.listed("pod,configmap,service")
    )
