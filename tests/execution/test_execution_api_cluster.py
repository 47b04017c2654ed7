"""An API in a cluster: its options reach the pods, and so do secrets, which stand in no object but theirs."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey
from sqlrec.execution.run_step import run_step
from sqlrec.runtimes.kubernetes.client import open_cluster
from sqlrec.settings import Cluster, load
from tests.emulator.fixtures import api_client
from tests.execution.steps import steps_of
from tests.fakes import FakeRegistry
from tests.predict_server import Reply, ok, running

SCRIPT = """
CREATE MODEL far (user_id BIGINT, age INT, is_click INT)
  WITH (model = 'external', output_columns = 'probs:float', label_columns = 'is_click',
        url = 'URL', header.authorization = '{{ secret.far }}');
CREATE SERVICE rank ON MODEL far;
CREATE SQL FUNCTION f;
DEFINE INPUT TABLE users (user_id BIGINT, age INT);
CACHE TABLE r AS CALL call_service('rank', users);
RETURN r;
CREATE API score WITH f
  WITH (auth_token_env = 'API_TOKEN', 'kubernetes.env.API_TOKEN' = '{{ secret.api }}', drain = '1s',
        'kubernetes.label.team' = 'ads', pod_cpu_cores = '500m');
DROP API score;
"""
FAR, TOKEN = "Bearer far-and-hush", "api-and-hush"
KINDS = ("Deployment", "ReplicaSet", "Pod", "ConfigMap", "Service")


def prepared(cluster: Cluster) -> str:
    """Put the secrets into the cluster's Secret; the address at which pods reach this machine."""
    from kubernetes import client

    data = {k: base64.b64encode(v.encode()).decode() for k, v in {"far": FAR, "api": TOKEN}.items()}
    with api_client(Path(cluster.config)) as api:
        core = client.CoreV1Api(api)
        core.create_namespaced_secret(cluster.namespace, {"metadata": {"name": cluster.secret}, "data": data})
        (node,) = json.loads(core.list_node(_preload_content=False).data)["items"]
    return str(node["status"]["addresses"][0]["address"])


@pytest.mark.usefixtures("kube")
def test_an_api_asks_for_its_token_and_sends_the_secret_of_a_service(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLREC_SECRET_FAR", FAR)
    monkeypatch.setenv("API_TOKEN", TOKEN)
    settings = replace(load(tmp_path, environ={}), runtime="kubernetes", kubernetes=cluster)
    env = Environment(settings=settings, make_registry=lambda _: FakeRegistry())
    user = {"data": {"users": [{"user_id": 1, "age": 2}]}}
    with running(prepared(cluster)) as far:

        def answer(rows: list[dict[str, Any]]) -> Reply:
            known = far.headers[-1].get("authorization") == FAR
            return ok({"probs": [0.25] * len(rows)}) if known else Reply(status=401)

        far.answer = answer
        steps = steps_of(SCRIPT.replace("URL", far.url))
        drop = steps.pop("drop_api_score")
        for id_, step in steps.items():
            key = RunKey(dag_id="s", run_id="r", task_id=id_)
            done = run_step(step, env, key=key, report=lambda _: None)
        url = done.facts["url"]
        assert httpx.post(url, json=user, trust_env=False).status_code == 401
        known = {"Authorization": f"Bearer {TOKEN}"}
        told = httpx.post(url, json=user, headers=known, trust_env=False, timeout=20)
        assert told.json() == {"data": [{"user_id": 1, "age": 2, "probs": 0.25}]}
    cluster_client = open_cluster(cluster)
    found = {kind: list(cluster_client.list(kind, cluster.namespace)) for kind in KINDS}
    (pod,) = found["Pod"]
    assert pod["metadata"]["labels"]["team"] == "ads"
    assert pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "500m"
    written = json.dumps(found)
    assert "secretKeyRef" in written
    assert "hush" not in written
    run_step(drop, env, key=RunKey(dag_id="s", run_id="r", task_id="drop_api_score"), report=lambda _: None)
    assert cluster_client.list("Deployment", cluster.namespace) == []
