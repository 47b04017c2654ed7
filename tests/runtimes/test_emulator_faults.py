"""Faults on demand: each does to a client or a pod what it says, and is over when the test is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from kubernetes import watch
from kubernetes.client.exceptions import ApiException

from tests.emulator.fixtures import Kube
from tests.emulator.waiting import eventually
from tests.emulator.workloads import Home, container, home, job, pod


@pytest.fixture
def place(kube: Kube, kubeconfig: Path, namespace: str) -> Iterator[Home]:
    with home(kubeconfig, namespace) as opened:
        opened.core.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        yield opened


def test_answers_by_method_and_path(place: Home, kube: Kube) -> None:
    kube.faults.answer(429, method="POST", path="/configmaps", times=2, retry_after=3)
    place.core.list_namespaced_config_map(place.namespace)
    for _ in range(2):
        with pytest.raises(ApiException) as raised:
            place.core.create_namespaced_config_map(place.namespace, {"metadata": {"name": "a"}})
        assert (raised.value.status, raised.value.headers["Retry-After"]) == (429, "3")
    place.core.create_namespaced_config_map(place.namespace, {"metadata": {"name": "a"}})
    assert len(kube.faults.requests("POST", f"{place.namespace}/configmaps")) == 3
    kube.faults.clear()
    assert kube.faults.requests() == []


def test_connections_are_cut_before_or_after(place: Home, kube: Kube) -> None:
    kube.faults.reset(method="POST")
    kube.faults.lose_answer(method="POST")
    for name in ("before", "after"):
        with pytest.raises(urllib3.exceptions.HTTPError):
            place.core.create_namespaced_config_map(place.namespace, {"metadata": {"name": name}})
    names = {o.metadata.name for o in place.core.list_namespaced_config_map(place.namespace).items}
    assert "after" in names
    assert "before" not in names


def test_a_late_answer(place: Home, kube: Kube) -> None:
    kube.faults.delay(5, path="/configmaps")
    with pytest.raises(urllib3.exceptions.HTTPError):
        place.core.list_namespaced_config_map(place.namespace, _request_timeout=0.2)


def test_watches_are_dropped(place: Home, kube: Kube) -> None:
    stream = watch.Watch().stream(place.core.list_namespaced_config_map, place.namespace)
    place.core.create_namespaced_config_map(place.namespace, {"metadata": {"name": "a"}})
    assert next(stream)["object"].metadata.name == "a"
    assert kube.faults.drop_watches() == 1
    with pytest.raises(urllib3.exceptions.HTTPError):
        next(stream)


def test_the_server_restarts_and_containers_go_on(place: Home, kube: Kube) -> None:
    place.batch.create_namespaced_job(place.namespace, job("j", "sh", "-c", "sleep 1; echo done"))
    eventually(lambda: place.pods("job-name=j"))
    kube.faults.restart_server(0.2)
    with pytest.raises(urllib3.exceptions.HTTPError):
        place.job("j")

    def is_back() -> bool:
        try:
            return bool(place.job("j"))
        except urllib3.exceptions.HTTPError:
            return False

    eventually(is_back)
    assert place.job_ended("j") == "Complete"
    assert place.job("j").status.failed is None


def test_a_pod_is_evicted(place: Home, kube: Kube) -> None:
    place.start(pod("p", container("sleep", "60")))
    place.running("p")
    kube.faults.evict(place.namespace, "p")
    status = place.ended("p").status
    assert (status.phase, status.reason) == ("Failed", "Evicted")
    assert "DisruptionTarget" in {c.type for c in status.conditions}
    assert status.container_statuses[0].state.terminated.exit_code == 137


def test_a_container_is_killed(place: Home, kube: Kube) -> None:
    place.start(pod("p", container("sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done")))
    place.running("p")
    eventually(lambda: place.log("p") == "up\n")
    kube.faults.kill(place.namespace, "p", signal=15)
    assert place.ended("p").status.container_statuses[0].state.terminated.exit_code == 9


def test_a_container_runs_out_of_memory(place: Home, kube: Kube) -> None:
    place.start(pod("p", container("sleep", "60")))
    place.running("p")
    kube.faults.run_out_of_memory(place.namespace, "p")
    state = place.ended("p").status.container_statuses[0].state.terminated
    assert (state.reason, state.exit_code) == ("OOMKilled", 137)


def test_a_node_is_lost(place: Home, kube: Kube) -> None:
    place.batch.create_namespaced_job(place.namespace, job("j", "sleep", "60", backoffLimit=1))
    (first,) = eventually(lambda: [p for p in place.pods("job-name=j") if p.status.phase == "Running"])
    kube.faults.lose_node(place.namespace, first.metadata.name, seconds=0.5)
    lost = place.pod(first.metadata.name)
    assert lost.status.reason == "NodeLost"
    assert lost.metadata.deletion_timestamp

    def others() -> list[str]:
        return [p.metadata.name for p in place.pods("job-name=j") if p.metadata.name != first.metadata.name]

    assert eventually(others)
    eventually(lambda: len(place.pods("job-name=j")) == 1)


def test_an_image_that_does_not_come(place: Home, kube: Kube) -> None:
    place.start(pod("p", container("true", image="no/such:image")))
    eventually(lambda: (s := place.state("p")) and s.waiting and s.waiting.reason == "ImagePullBackOff")
    assert place.pod("p").status.phase == "Pending"
    assert "Failed" in place.events("p")


def test_an_image_that_comes_late(place: Home, kube: Kube) -> None:
    kube.faults.image("sqlrec/job:test", seconds=0.5)
    began = time.monotonic()
    place.start(pod("p", container("true")))
    eventually(lambda: "Pulling" in place.events("p"))
    place.ended("p")
    assert time.monotonic() - began >= 0.5


def test_a_pod_that_fits_nowhere(place: Home, kube: Kube) -> None:
    kube.faults.capacity(cpu="1")
    place.start(pod("p", container("true", resources={"requests": {"cpu": "2"}})))
    scheduled = eventually(lambda: (c := place.pod("p").status.conditions) and c[0])
    assert (scheduled.reason, scheduled.message) == (
        "Unschedulable",
        "0/1 nodes are available: 1 Insufficient cpu.",
    )
    kube.faults.clear()
    assert place.ended("p").status.phase == "Succeeded"
