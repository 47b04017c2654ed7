"""Jobs of a test cluster, and what is asked of it: for tests of the runtime ``kubernetes``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime
from sqlrec.runtimes.kubernetes.start import SPEC
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobKind, JobSpec, Resources, Topology, TrainWork
from sqlrec.spec.table import Relation
from tests.emulator.fixtures import Kube
from tests.registries import model

PROGRAM = Path(__file__).with_name("program_job.py")
PYTHON = f"""
trap 'kill $!; exit 143' TERM
python {PROGRAM} --spec {SPEC} &
wait $!
"""


def job(
    tmp_path: Path, behave: str, *, nodes: int = 1, resources: Resources | None = None, **more: Any
) -> JobSpec:
    return JobSpec(
        id="dag/run 1/train",
        kind=JobKind.TRAIN,
        work=TrainWork(model=model(), checkpoint="v1", data=Relation(query="SELECT 1")),
        output_uri=str(tmp_path / "output"),
        topology=Topology(nodes=nodes),
        resources=resources or Resources(cpu="100m", memory="64Mi"),
        env={"BEHAVE": behave},
        **more,
    )


def runtime_of(
    cluster: Cluster, start: str = PYTHON, *, settle: float = 0.0, **more: Any
) -> KubernetesJobRuntime:
    files = {"start.sh": start}
    client = open_cluster(cluster)
    return KubernetesJobRuntime(client, cluster, files=lambda job: files, settle=settle, **more)


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.02)


def pods(client: ClusterClient, namespace: str) -> Mapping[str, dict[str, Any]]:
    return {pod["metadata"]["name"]: pod for pod in client.list("Pod", namespace)}


def leftovers(client: ClusterClient, namespace: str) -> list[str]:
    kinds = ("Job", "Pod", "ConfigMap", "Service")
    return [f"{kind} {o['metadata']['name']}" for kind in kinds for o in client.list(kind, namespace)]


def created(kube: Kube, kind: str) -> int:
    return len(kube.faults.requests("POST", f"/{kind}"))
