"""A run on a cluster with its files in an object store: pods get the key by reference, it stands nowhere."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.artifacts import store
from sqlrec.artifacts.folder import read_result
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.run_step import run_step
from sqlrec.plan.build import build_plan
from sqlrec.runtimes.kubernetes.client import open_cluster
from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime
from sqlrec.settings import Cluster, load
from sqlrec.spec import codec
from sqlrec.spec.job import JobHandle, JobSpec
from sqlrec.spec.names import ModelName
from tests.emulator.fixtures import api_client
from tests.object_store import KEY, KEY_ID, client_of, serving
from tests.registries import template

SCRIPT = """
CREATE TABLE samples (a DOUBLE, b DOUBLE) WITH (connector = 'csv', path = 's3://cluster/samples.csv');
CREATE MODEL groups (a DOUBLE, b DOUBLE)
  WITH (type = 'training', algorithm = 'kmeans', num_clusters = 2);
TRAIN MODEL groups CHECKPOINT = 'v1' ON samples WITH (
  'kubernetes.env.AWS_ENDPOINT_URL' = '{url}',
  'kubernetes.env.AWS_ACCESS_KEY_ID' = '{{{{ secret.key_id }}}}',
  'kubernetes.env.AWS_SECRET_ACCESS_KEY' = '{{{{ secret.aws.key }}}}'
);
"""
KINDS = ("Job", "Pod", "ConfigMap", "Service")


class Watched(KubernetesJobRuntime):
    """The runtime, which keeps what there is in the namespace when a job was submitted and when it ends."""

    def __init__(self, cluster: Cluster, seen: list[str]) -> None:
        self.client, self.namespace, self.seen = open_cluster(cluster), cluster.namespace, seen
        super().__init__(self.client, cluster)

    def look(self) -> None:
        found = (thing for kind in KINDS for thing in self.client.list(kind, self.namespace))
        self.seen.extend(map(json.dumps, found))

    def submit(self, job: JobSpec) -> JobHandle:
        handle = super().submit(job)
        self.look()
        return handle

    def logs(self, handle: JobHandle, since: str = "") -> Iterator[str]:
        yield from super().logs(handle, since)
        self.look()


def prepared(cluster: Cluster) -> str:
    """Put the key into the cluster's Secret; the address at which pods reach this machine."""
    from kubernetes import client

    secret = {"key_id": KEY_ID, "aws.key": KEY}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in secret.items()}
    with api_client(Path(cluster.config)) as api:
        core = client.CoreV1Api(api)
        core.create_namespaced_secret(cluster.namespace, {"metadata": {"name": cluster.secret}, "data": data})
        (node,) = json.loads(core.list_node(_preload_content=False).data)["items"]
    return str(node["status"]["addresses"][0]["address"])


def test_the_key_of_a_store_reaches_pods_and_stands_nowhere(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = prepared(cluster)
    with serving(address) as url:
        client_of(url, tmp_path, monkeypatch).create_bucket(Bucket="cluster")
        rows = "".join(f"{n % 2}.{n},{n % 2 * 9}.5\n" for n in range(40))
        store.write("s3://cluster/samples.csv", f"a,b\n{rows}".encode())
        settings = replace(
            load(tmp_path, environ={}),
            runtime="kubernetes",
            kubernetes=cluster,
            staging="s3://cluster/staging",
            model_base_path="s3://cluster/models",
        )
        settings.work_dir.mkdir()
        (settings.work_dir / "mlflow.db").write_bytes(template())
        seen: list[str] = []
        env = Environment(settings=settings, make_jobs=lambda _: Watched(cluster, seen))
        plan = build_plan(SCRIPT.format(url=url), path="s.sql", name="s")
        for step in plan.steps:
            run_step(step, env, key=RunKey(dag_id="s", run_id="r", task_id=step.id), report=seen.append)
        (made,) = env.registry.checkpoints(ModelName.of("groups"))
        assert made.uri.startswith("s3://cluster/models/")
        assert read_result(made.uri).rows == 36, "a tenth is held out"
        stored = {name: store.read(f"s3://cluster/{name}") for name in store.files("s3://cluster")}
    everything = "\n".join(seen) + codec.dumps(plan)
    assert "secretKeyRef" in everything, "what there was in the namespace was seen"
    assert KEY not in everything
    with closing(sqlite3.connect(settings.work_dir / "mlflow.db")) as database:
        assert KEY not in "\n".join(database.iterdump())
    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert [name for name, content in {**files, **stored}.items() if KEY.encode() in content] == []
