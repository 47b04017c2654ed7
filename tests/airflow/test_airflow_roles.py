"""The roles of the chart are what tasks and the triggerer use of the cluster: enough, and nothing besides."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.triggers.base import TriggerEvent

from sqlrec.airflow.triggers import JobTrigger, PodTrigger
from sqlrec.errors import JobError
from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.failures import Patience
from sqlrec.runtimes.kubernetes.job import CONTAINER, config_map, pod_manifest
from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime
from sqlrec.runtimes.kubernetes.services import KubernetesServiceRuntime
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobHandle, JobState
from sqlrec.spec.service import Endpoint, ExternalServiceSpec
from tests.airflow.cluster_project import ClusterProject
from tests.airflow.memory_api import Finished
from tests.charts.rendering import Manifest, named, needs_helm, of_kind, rendered
from tests.emulator.fixtures import Kube
from tests.registries import model
from tests.runtimes.cluster_job import job, runtime_of, until
from tests.runtimes.test_cluster_services import rank

pytestmark = [pytest.mark.cluster, needs_helm]
Right = tuple[str, str]
"""A verb and a resource with its group: ``("get", "apps/deployments")``."""

RBAC = "apis/rbac.authorization.k8s.io/v1"
WAITING = "trap 'exit 143' TERM; echo started; while true; do sleep 0.05; done"
BRIEF = "for second in 1 2 3; do echo $second; sleep 1; done"
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
FINALIZERS = {("update", f"{resource}/finalizers") for resource in ("pods", "batch/jobs", "apps/deployments")}
"""Clusters that guard ownerReferences (OpenShift) want it of whoever makes an object wait for another."""

RARE = {("watch", "pods"), ("watch", "batch/jobs"), ("watch", "events"), ("delete", "services")}
"""Asked only while something is on its way: a pod that starts or goes, a Service of an earlier try."""


def rights(role: Manifest) -> set[Right]:
    """What a role allows."""
    return {
        (verb, f"{group}/{resource}".lstrip("/"))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(kube: Kube, namespace: str) -> set[Right]:
    """What the requests since the last ``clear()`` needed."""
    found = set()
    for method, where in kube.faults.requests(path=f"/namespaces/{namespace}/"):
        url = urlsplit(where)
        path = re.fullmatch(
            r"/(?:api|apis/([^/]+))/\w+/namespaces/[^/]+/(\w+)(?:/([^/]+)(?:/(\w+))?)?", url.path
        )
        assert path, where
        group, resource, name, sub = path.groups(default="")
        query = parse_qs(url.query)
        reading = (
            "get" if name else "watch" if query.get("watch", [""])[0].lower() in {"true", "1"} else "list"
        )
        what = "/".join(filter(None, (group, resource, sub)))
        found.add((VERBS.get(method, reading), what))
        if method == "PATCH" and "fieldManager" in query and not sub:
            found.add(("create", what))  # applying makes what is not there
    return found


class Installed:
    """A cluster in which the chart's accounts and roles are in force."""

    def __init__(self, kube: Kube, cluster: Cluster) -> None:
        self.kube = kube
        self.cluster = cluster
        self.objects = rendered("", namespace=cluster.namespace)
        for kind, group in (("ServiceAccount", "api/v1"), ("Role", RBAC), ("RoleBinding", RBAC)):
            for each in of_kind(kind, self.objects):
                self._post(f"/{group}/namespaces/{cluster.namespace}/{kind.lower()}s", each)

    def rights(self, role: str) -> set[Right]:
        return rights(named("Role", f"-{role}", self.objects))

    def account(self, component: str) -> Cluster:
        """The cluster as the pods of a component reach it: with a token of their account."""
        name = named("ServiceAccount", f"-{component}", self.objects)["metadata"]["name"]
        return replace(self.cluster, config=str(self.kube.account(self.cluster.namespace, name)))

    def _post(self, path: str, body: Manifest) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.kube.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


@pytest.fixture
def client(cluster: Cluster) -> ClusterClient:
    return open_cluster(cluster)


@pytest.fixture
def installed(kube: Kube, cluster: Cluster) -> Installed:
    return Installed(kube, cluster)


def as_services_do(services: KubernetesServiceRuntime, folder: Path) -> None:
    """The life of a service: revisions, one of them scaled, a canary, a failure, and its end."""

    def proof(endpoint: Endpoint) -> None:
        assert endpoint.url

    services.apply(rank(folder, 1, replicas=2, options={"max_replicas": 3}), proof)
    services.canary(rank(folder, 2), 0.5, proof)
    services.end_canary("rank")
    services.apply(rank(folder, 2), proof)
    with pytest.raises(JobError, match="ImagePullBackOff"):
        services.apply(rank(folder, 3, image="no/such:1"), proof)
    assert services.endpoints()
    assert services.logs("rank")
    services.stop("rank")
    services.remove("rank")
    services.apply(elsewhere("rank"), proof)
    services.remove("rank")


def elsewhere(name: str) -> ExternalServiceSpec:
    """A service that somebody else runs."""
    return ExternalServiceSpec(
        name=name, url="http://127.0.0.1:9/predict", model=model(), checkpoint="v1", version=1
    )


def test_tasks_are_allowed_what_they_do_and_nothing_else(
    installed: Installed, pods: ClusterProject, watched: Callable[..., Finished], tmp_path: Path
) -> None:
    mine = installed.account("scheduler")
    pods.configure(config=mine.config)
    installed.kube.faults.clear()
    for options in ("", "nnodes = 2, "):
        for body, state in (("sys.exit('no such column')", "failed"), ("", "success")):
            pods.program(body)
            shutil.rmtree(pods.settings.work_dir / "runs", ignore_errors=True)
            done = watched(options)
            assert done.states["train_m"] == state, done.errors
    impatient = KubernetesJobRuntime(open_cluster(mine), mine, patience=Patience(image=0.0))
    given_up(impatient, impatient.submit(job(tmp_path, "", nodes=2, image="no/such:1")))
    as_services_do(KubernetesServiceRuntime(open_cluster(mine), mine, lease_seconds=0.6, poll=0.1), tmp_path)
    needed, allowed = used(installed.kube, mine.namespace), installed.rights("tasks")
    assert sorted(needed - allowed) == []
    assert sorted(allowed - needed - FINALIZERS - RARE) == []
    assert allowed >= FINALIZERS


def given_up(runtime: KubernetesJobRuntime, handle: JobHandle) -> None:
    """A job that waits for an image that never comes, until its runtime has no patience any more."""
    until(lambda: runtime.state(handle) is JobState.FAILED)
    assert "no/such:1" in str(runtime.error(handle))


def test_the_triggerer_is_allowed_what_it_does_and_nothing_else(
    installed: Installed, client: ClusterClient, tmp_path: Path
) -> None:
    mine = installed.account("triggerer")
    handle = runtime_of(installed.cluster, WAITING).submit(job(tmp_path, "", nodes=2))
    alone = replace(job(tmp_path, ""), id="alone")
    client.create(config_map(alone, installed.cluster, {"start.sh": BRIEF}))
    pod = pod_manifest(alone, installed.cluster)
    client.create(pod)
    stuck = runtime_of(installed.cluster).submit(
        replace(job(tmp_path, "", nodes=2, image="no/such:1"), id="stuck")
    )
    installed.kube.faults.clear()
    waiting = pod_trigger(pod["metadata"]["name"], mine)
    assert asyncio.run(first(waiting.run())).payload["status"] == "success"
    asyncio.run(pod_trigger(waiting.pod_name, mine).on_kill())
    for deadline, status in ((time.time() + 1, "timeout"), (None, "ended")):
        trigger = JobTrigger(job=asdict(handle), cluster=asdict(mine), extras={}, deadline=deadline)
        assert asyncio.run(first(trigger.run())).payload["status"] == status
        asyncio.run(trigger.on_kill())
    impatient = KubernetesJobRuntime(open_cluster(mine), mine, patience=Patience(image=0.0))
    given_up(impatient, stuck)
    needed, allowed = used(installed.kube, mine.namespace), installed.rights("triggers")
    assert sorted(needed - allowed) == []
    assert sorted(allowed - needed - RARE) == []


def pod_trigger(name: str, cluster: Cluster) -> PodTrigger:
    """What waits for the pod of a job, and comes back for lines of its log every second."""
    return PodTrigger(
        pod_name=name,
        pod_namespace=cluster.namespace,
        trigger_start_time=datetime.now(UTC),
        base_container_name=CONTAINER,
        config_dict=json.loads(Path(cluster.config).read_text()),
        connection_extras={},
        logging_interval=1,
        startup_check_interval=1,
    )


async def first(events: AsyncIterator[TriggerEvent]) -> TriggerEvent:
    return await anext(events)
