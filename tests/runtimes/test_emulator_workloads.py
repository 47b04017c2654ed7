"""Jobs, Deployments and Services in the test cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.objects import Object
from tests.emulator.waiting import eventually
from tests.emulator.workloads import SERVICE, Home, get, home, job, server

pytestmark = pytest.mark.cluster
INDEXED: Object = {"completionMode": "Indexed", "completions": 2, "parallelism": 2}
REDUCE = """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
value = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(value)
print("sum", int(value), "of", dist.get_world_size(), flush=True)
dist.destroy_process_group()
"""


@pytest.fixture
def place(kubeconfig: Path, namespace: str) -> Iterator[Home]:
    with home(kubeconfig, namespace) as opened:
        yield opened


def create(place: Home, body: Object) -> None:
    place.batch.create_namespaced_job(place.namespace, body)


def test_an_indexed_job_runs_every_index_once(place: Home) -> None:
    create(place, job("j", "sh", "-c", "echo $JOB_COMPLETION_INDEX; hostname", **INDEXED))
    assert place.job_ended("j") == "Complete"
    status = place.job("j").status
    assert (status.succeeded, status.completed_indexes) == (2, "0-1")
    logs = sorted(place.log(p.metadata.name) for p in place.pods("job-name=j"))
    assert logs == ["0\nj-0\n", "1\nj-1\n"]


def test_a_failed_index_ends_the_others(place: Home) -> None:
    script = "[ $JOB_COMPLETION_INDEX = 1 ] && exit 5; trap 'exit 1' TERM; while :; do sleep 0.1; done"
    create(place, job("j", "sh", "-c", script, **INDEXED))
    assert place.job_ended("j") == "Failed"
    failed = next(c for c in place.job("j").status.conditions if c.type == "Failed")
    assert failed.reason == "BackoffLimitExceeded"
    eventually(lambda: len(place.pods("job-name=j")) == 1)
    (left,) = place.pods("job-name=j")
    assert left.status.container_statuses[0].state.terminated.exit_code == 5


def test_a_failure_within_the_limit_is_tried_again(place: Home, tmp_path: Path) -> None:
    body = job("j", "sh", "-c", f"mkdir {tmp_path}/first", backoffLimit=1, **INDEXED)
    spec = body["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "host", "hostPath": {"path": str(tmp_path)}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": str(tmp_path)}]
    spec["containers"][0]["command"][2] += f" || {{ rmdir {tmp_path}/first; exit 1; }}"
    create(place, body)
    assert place.job_ended("j") == "Complete"
    assert place.job("j").status.failed == 1


def test_an_old_job_is_forgotten_with_all_it_owns(place: Home) -> None:
    create(place, job("j", "true", ttlSecondsAfterFinished=0))
    eventually(lambda: not place.batch.list_namespaced_job(place.namespace).items)
    eventually(lambda: not place.pods())


def test_deleting_a_job_without_saying_how_leaves_its_pods(place: Home) -> None:
    create(place, job("j", "true"))
    place.job_ended("j")
    place.batch.delete_namespaced_job("j", place.namespace)
    eventually(lambda: not place.batch.list_namespaced_job(place.namespace).items)
    (pod,) = place.pods()
    assert not pod.metadata.owner_references


def test_a_job_that_takes_too_long(place: Home) -> None:
    create(place, job("j", "sleep", "60", activeDeadlineSeconds=1))
    assert place.job_ended("j") == "Failed"
    assert place.job("j").status.conditions[-1].reason == "DeadlineExceeded"


@pytest.mark.ml
def test_two_pods_of_torchrun_reduce_over_the_network(place: Home) -> None:
    core, namespace = place.core, place.namespace
    headless = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"job-name": "j"}}
    core.create_namespaced_service(namespace, {"metadata": {"name": "ranks"}, "spec": headless})
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}, "data": {"reduce.py": REDUCE}})
    run = "exec torchrun --nnodes 2 --nproc-per-node 1 --node-rank $JOB_COMPLETION_INDEX"
    run += " --master-addr j-0.ranks --master-port 29500 /data/reduce.py"
    body = job("j", "sh", "-c", run, **INDEXED)
    spec = body["spec"]["template"]["spec"]
    spec |= {"subdomain": "ranks", "volumes": [{"name": "data", "configMap": {"name": "c"}}]}
    spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    spec["containers"][0]["env"] = [{"name": "OMP_NUM_THREADS", "value": "1"}]
    create(place, body)
    assert place.job_ended("j") == "Complete"
    assert all("sum 3 of 2\n" in place.log(p.metadata.name) for p in place.pods("job-name=j"))


def test_a_rolling_update_fails_no_request(place: Home) -> None:
    apps, namespace = place.apps, place.namespace
    apps.create_namespaced_deployment(namespace, server("one"))
    place.core.create_namespaced_service(namespace, SERVICE)
    place.rolled_out()
    url, answers, failures, stop = place.url(), [], [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(get(url))
            except OSError as error:
                failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        apps.replace_namespaced_deployment("web", namespace, server("two"))
        place.rolled_out()
        eventually(lambda: answers and answers[-1] == "two")
    finally:
        stop.set()
        asking.join()
    assert not failures
    assert set(answers) == {"one", "two"}
    sets = apps.list_namespaced_replica_set(namespace).items
    revisions = {s.metadata.annotations["deployment.kubernetes.io/revision"]: s.spec.replicas for s in sets}
    assert revisions == {"1": 0, "2": 2}


def test_a_version_that_never_gets_ready_leaves_the_old_one(place: Home) -> None:
    apps, namespace = place.apps, place.namespace
    apps.create_namespaced_deployment(namespace, server("one", replicas=1))
    place.core.create_namespaced_service(namespace, SERVICE)
    place.rolled_out()
    broken = server("two", replicas=1, progressDeadlineSeconds=1)
    broken["spec"]["template"]["spec"]["containers"][0]["command"] = ["sleep", "60"]
    apps.replace_namespaced_deployment("web", namespace, broken)

    def reason() -> str:
        conditions = apps.read_namespaced_deployment("web", namespace).status.conditions
        return next(str(c.reason) for c in conditions if c.type == "Progressing")

    eventually(lambda: reason() == "ProgressDeadlineExceeded")
    assert get(place.url()) == "one"
    assert len([p for p in place.pods("app=web") if not p.metadata.deletion_timestamp]) == 2


def test_endpoints_follow_readiness(place: Home) -> None:
    place.core.create_namespaced_service(place.namespace, SERVICE)
    place.apps.create_namespaced_deployment(place.namespace, server("one"))
    place.rolled_out()

    def addresses() -> int:
        subsets = place.core.read_namespaced_endpoints("web", place.namespace).subsets or []
        return sum(len(s.addresses or []) for s in subsets)

    eventually(lambda: addresses() == 2)
    place.apps.patch_namespaced_deployment_scale("web", place.namespace, {"spec": {"replicas": 1}})
    eventually(lambda: addresses() == 1)
