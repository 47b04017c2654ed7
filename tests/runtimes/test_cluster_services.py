"""Services in a cluster, with real servers: rolled out, taken back, killed half-way, shared, and removed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.errors import JobError, RemoteError, StateError
from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.services import KubernetesServiceRuntime
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServedModel, ServiceSpec, ServiceState
from tests.asking import asking
from tests.emulator.fixtures import SERVER_IMAGE
from tests.registries import columns, export_output, model
from tests.runtimes.pods import stand_in
from tests.runtimes.test_local_real_server import predict

KINDS = (
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Lease",
    "Pod",
    "PodDisruptionBudget",
    "ReplicaSet",
    "Service",
)
LEASE = 1.5
SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
time.sleep(600)
"""


@pytest.fixture
def client(cluster: Cluster) -> ClusterClient:
    return open_cluster(cluster)


@pytest.fixture
def services(cluster: Cluster, client: ClusterClient) -> Iterator[KubernetesServiceRuntime]:
    made = KubernetesServiceRuntime(client, cluster, lease_seconds=LEASE, poll=0.1)
    yield made
    made.remove("rank")


def rank(folder: Path, version: int, **fields: Any) -> ServiceSpec:
    """A revision that answers its own version."""
    files = folder / f"v{version}"
    if not files.exists():
        export_output(files, factor=float(version))
    shape = replace(
        model(),
        columns=columns(user_id="BIGINT", price="DOUBLE"),
        options={},
        outputs=columns(probs="FLOAT"),
    )
    served = ServedModel(model=shape, checkpoint=f"v{version}_export", version=version, model_uri=str(files))
    options = {"progress_deadline": 60.0, "drain": 1.0, "request_timeout": 2.0, **fields.pop("options", {})}
    return ServiceSpec(
        **{"name": "rank", "models": (served,), "image": SERVER_IMAGE, "options": options, **fields}
    )


def light(folder: Path, version: int, **fields: Any) -> ServiceSpec:
    """The same, but the program in its pods is a stand-in that is up at once."""
    return rank(folder, version, env={"PYTHONPATH": str(stand_in(folder))}, **fields)


def without_files(service: ServiceSpec, path: Path) -> ServiceSpec:
    """The same with its checkpoint at another place."""
    return replace(service, models=(replace(service.own, model_uri=str(path)),))


def proof(endpoint: Endpoint) -> None:
    predict(endpoint.url)


def refusal(endpoint: Endpoint) -> None:
    raise RemoteError("SR637", "it leaves out 'probs'", retriable=False)


def unexpected(endpoint: Endpoint) -> None:
    raise AssertionError("there is nothing to prove")


def left(client: ClusterClient, namespace: str) -> list[str]:
    """All objects of the namespace that can be orphaned."""
    return [f"{k}/{o['metadata']['name']}" for k in KINDS for o in client.list(k, namespace)]


def test_revisions_change_and_bad_ones_are_taken_back_while_no_request_fails(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    proved: list[Endpoint] = []
    first = services.apply(rank(tmp_path, 1), proved.append)
    assert (first.state, first.checkpoint, first.version) == (ServiceState.READY, "v1_export", 1)
    assert [e.url for e in proved] == [first.url]
    assert services.endpoint("RANK") == first
    assert services.endpoints() == (first,)
    with asking(lambda: predict(first.url), clients=1, pause=0.01) as answers:
        second = services.apply(rank(tmp_path, 2), proof)
        assert (second.url, second.checkpoint, predict(second.url)) == (first.url, "v2_export", 2.0)
        assert services.apply(rank(tmp_path, 2), unexpected) == second
        with pytest.raises(JobError, match=r"SR506.*rank was not deployed.*ImagePullBackOff"):
            services.apply(rank(tmp_path, 3, image="no/such:1"), proof)
        with pytest.raises(JobError, match=r"(?s)CrashLoopBackOff.*exit status 1.*/gone"):
            services.apply(without_files(rank(tmp_path, 3), tmp_path / "gone"), proof)
        (tmp_path / "sitecustomize.py").write_text(SLEEPER)
        slow = {"progress_deadline": 2.0}
        never = rank(tmp_path, 3, options=slow, env={"PYTHONPATH": str(tmp_path)})
        with pytest.raises(JobError, match=r"ProgressDeadlineExceeded.*does not get ready"):
            services.apply(never, proof)
        with pytest.raises(JobError, match=r"rank was not deployed: it leaves out 'probs'"):
            services.apply(rank(tmp_path, 2, env={"A": "1"}), refusal)
    assert set(answers) == {1.0, 2.0}
    assert services.endpoint("rank") == second
    assert "active" in services.logs("rank", 5)
    services.remove("rank")
    assert services.endpoint("rank") is None
    assert left(client, cluster.namespace) == []


def test_a_first_revision_that_fails_leaves_nothing(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    with pytest.raises(JobError, match="ImagePullBackOff"):
        services.apply(light(tmp_path, 1, image="no/such:1"), proof)
    assert services.endpoint("rank") is None
    assert left(client, cluster.namespace) == []
    assert services.logs("rank") == ""


KILLED = """
import os, signal, sys
from sqlrec.runtimes.kubernetes.client import open_cluster
from sqlrec.runtimes.kubernetes.services import KubernetesServiceRuntime
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.service import ServiceSpec
cluster, service = codec.loads(Cluster, sys.argv[1]), codec.loads(ServiceSpec, sys.argv[2])
services = KubernetesServiceRuntime(open_cluster(cluster), cluster, lease_seconds=1.5, poll=0.1)
services.apply(service, lambda endpoint: os.kill(os.getpid(), signal.SIGKILL))
"""


def killed(cluster: Cluster, service: ServiceSpec) -> None:
    """Begin a deployment in a process that dies before it is proved."""
    told = [codec.dumps(cluster), codec.dumps(service)]
    assert subprocess.run([sys.executable, "-c", KILLED, *told], check=False).returncode == -9


def test_a_deployment_that_was_killed_is_finished_or_taken_back_by_the_next(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    first = services.apply(light(tmp_path, 1), proof)
    killed(cluster, light(tmp_path, 2))
    found = services.endpoint("rank")
    assert found is not None
    assert "a rollout is not finished" in found.detail
    with pytest.raises(JobError, match="ImagePullBackOff"):
        services.apply(light(tmp_path, 3, image="no/such:1"), proof)
    assert predict(first.url) == 1.0, "what was proved last is put back, not what was begun last"
    killed(cluster, light(tmp_path, 2))
    second = services.apply(light(tmp_path, 2), proof)
    assert (predict(second.url), second.url) == (2.0, first.url)
    assert services.endpoint("rank") == second
    config_maps = [o["metadata"]["name"] for o in client.list("ConfigMap", cluster.namespace)]
    assert len(config_maps) == len(set(config_maps)) <= 3
    services.remove("rank")
    assert left(client, cluster.namespace) == []


def test_two_deployments_at_once_take_turns(
    services: KubernetesServiceRuntime, cluster: Cluster, tmp_path: Path
) -> None:
    busy, overlaps, ended = threading.Semaphore(), [], []

    def deploy(version: int) -> None:
        other = KubernetesServiceRuntime(open_cluster(cluster), cluster, lease_seconds=LEASE, poll=0.1)
        with other.lock("rank"):
            overlaps.append(not busy.acquire(blocking=False))
            ended.append(other.apply(service[version], proof))
            busy.release()

    service = {version: light(tmp_path, version) for version in (1, 2)}
    threads = [threading.Thread(target=deploy, args=(version,)) for version in service]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == [False, False]
    assert services.endpoint("rank") == ended[-1]
    assert predict(ended[-1].url) == ended[-1].version


def test_a_canary_has_its_share_until_it_ends(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    stable, canary = light(tmp_path, 1), light(tmp_path, 2)
    with pytest.raises(StateError, match="SR272"):
        services.canary(canary, 0.1, proof)
    first = services.apply(stable, proof)
    proved: list[Endpoint] = []
    told = services.canary(canary, 0.5, proved.append)
    assert told.detail == "the canary has 1 of 2 pods, 50% of the requests (50% was asked for)"
    assert told.url == first.url != proved[0].url
    assert predict(proved[0].url) == 2.0
    found = services.endpoint("rank")
    assert found is not None
    assert (found.checkpoint, found.detail) == (
        "v1_export",
        "canary v2_export (version 2) has 1 of 2 pods, 50%",
    )
    assert {predict(first.url) for _ in range(64)} == {1.0, 2.0}
    refused = pytest.raises(JobError, match=r"SR506.*the canary of rank.*ImagePullBackOff")
    with asking(lambda: predict(first.url), clients=1, pause=0.01), refused:
        services.canary(light(tmp_path, 3, image="no/such:1"), 0.5, proof)
    assert services.endpoint("rank") == first
    assert {predict(first.url) for _ in range(8)} == {1.0}
    services.end_canary("rank")
    services.remove("rank")
    assert left(client, cluster.namespace) == []


def test_changes_by_hand_are_told_and_taken_back(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    first = services.apply(light(tmp_path, 1), proof)
    assert services.drift("rank") == ()
    (container,) = client.list("Deployment", cluster.namespace)[0]["spec"]["template"]["spec"]["containers"]
    edited = {**container, "env": [*container["env"], {"name": "DEBUG", "value": "1"}]}
    spec = {"replicas": 2, "template": {"spec": {"containers": [edited]}}}
    client.patch("Deployment", "rank", cluster.namespace, {"spec": spec})
    told = [(change.field, change.applied, change.found) for change in services.drift("rank")]
    assert told == [
        ("spec.replicas", "1", "2"),
        ("spec.template.spec.containers[server].env[DEBUG]", "", '{"name": "DEBUG", "value": "1"}'),
    ]
    again = services.apply(light(tmp_path, 1), proof)
    assert again.detail.startswith("taken back spec.replicas: 1 → 2")
    assert services.drift("rank") == ()
    assert services.endpoint("rank") == first


def test_a_service_is_scaled_stopped_and_started_where_it_was(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    first = services.apply(light(tmp_path, 1), proof)
    (pod,) = (o["metadata"]["name"] for o in client.list("Pod", cluster.namespace))
    services.apply(light(tmp_path, 1, replicas=2, options={"max_replicas": 3}), proof)
    pods = [o["metadata"]["name"] for o in client.list("Pod", cluster.namespace)]
    assert len(pods) == 2
    assert pod in pods, "scaling replaces no pod"
    assert len(client.list("PodDisruptionBudget", cluster.namespace)) == 1
    assert len(client.list("HorizontalPodAutoscaler", cluster.namespace)) == 1
    services.stop("rank")
    found = services.endpoint("rank")
    assert found is not None
    assert (found.state, found.url) == (ServiceState.STOPPED, first.url)
    assert client.list("Pod", cluster.namespace) == []
    assert services.apply(light(tmp_path, 1), proof) == first
    assert client.list("PodDisruptionBudget", cluster.namespace) == []
    assert client.list("HorizontalPodAutoscaler", cluster.namespace) == []


def test_a_service_of_somebody_else_is_a_note(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster
) -> None:
    spec = ExternalServiceSpec(
        name="rank", url="http://elsewhere/predict", model=model(), checkpoint="external", version=3
    )
    asked: list[Endpoint] = []
    noted = services.apply(spec, asked.append)
    assert asked == [noted]
    assert (noted.url, noted.version, noted.detail) == ("http://elsewhere/predict", 3, "runs elsewhere")
    assert services.endpoint("rank") == noted
    assert services.endpoints() == (noted,)
    assert len(left(client, cluster.namespace)) == 1
    services.remove("rank")
    assert left(client, cluster.namespace) == []


def test_a_lock_is_lost_when_somebody_else_took_it(
    services: KubernetesServiceRuntime, client: ClusterClient, cluster: Cluster, tmp_path: Path
) -> None:
    first = services.apply(light(tmp_path, 1), proof)

    def taken(endpoint: Endpoint) -> None:
        (lease,) = client.list("Lease", cluster.namespace)
        client.delete("Lease", lease["metadata"]["name"], cluster.namespace)

    with pytest.raises(JobError, match="SR596"):
        services.apply(light(tmp_path, 2), taken)
    found = services.endpoint("rank")
    assert found is not None
    assert "a rollout is not finished" in found.detail, "whoever has the lock decides what becomes of it"
    assert services.apply(light(tmp_path, 1), proof) == first
