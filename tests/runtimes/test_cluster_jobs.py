"""Jobs of a cluster under faults: nothing is lost, nothing runs twice, nothing is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import is_complete
from sqlrec.errors import NameNotFoundError
from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.job import job_manifests
from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.job import JobHandle, JobState, Resources
from sqlrec.spec.pod import Pod
from tests.emulator.fixtures import Kube
from tests.runtimes.cluster_job import created, job, leftovers, pods, runtime_of, until

RANKS = """
echo started
echo $$ > "$BEHAVE/$JOB_COMPLETION_INDEX"
trap 'echo told to stop; exit 143' TERM
while true; do sleep 0.05; done
"""
"""Machines that wait: each writes that it runs into the folder BEHAVE."""


@pytest.fixture
def client(cluster: Cluster) -> ClusterClient:
    return open_cluster(cluster)


@pytest.fixture
def runtime(cluster: Cluster) -> KubernetesJobRuntime:
    return runtime_of(cluster)


def test_a_job_is_submitted_once_and_found_by_others(
    runtime: KubernetesJobRuntime, cluster: Cluster, kube: Kube, namespace: str, tmp_path: Path
) -> None:
    spec = job(tmp_path, "wait")
    handle = runtime.submit(spec)
    other = runtime_of(cluster)
    assert other.submit(spec) == handle
    told = codec.loads(JobHandle, codec.dumps(handle))
    third = runtime_of(cluster)
    until(lambda: third.state(told) is JobState.RUNNING)
    (tmp_path / "gate").touch()
    assert list(third.logs(told)) == ["wait: started"]
    assert [r.state(handle) for r in (runtime, other, third)] == [JobState.SUCCEEDED] * 3
    assert third.state(JobHandle(id=spec.id, runtime="kubernetes")) is JobState.SUCCEEDED
    assert (created(kube, "jobs"), created(kube, "configmaps")) == (1, 1)


def test_parallel_submitters_start_one_job(
    cluster: Cluster, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    spec = job(tmp_path, "wait")
    runtimes = [runtime_of(cluster) for _ in range(4)]
    threads = [threading.Thread(target=r.submit, args=(spec,)) for r in runtimes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (tmp_path / "gate").touch()
    handle = runtimes[0].handle(spec)
    assert list(runtimes[0].logs(handle)) == ["wait: started"]
    assert len(pods(client, namespace)) == 1


def test_what_a_dead_submitter_left_undone_is_done(
    runtime: KubernetesJobRuntime,
    cluster: Cluster,
    client: ClusterClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sqlrec.runtimes.kubernetes.jobs.GIVE_SECONDS", 0.2)
    spec = job(tmp_path, "succeed")
    client.create(job_manifests(spec, cluster).job)
    handle = runtime.submit(spec)
    assert list(runtime.logs(handle))[-1] == "succeed: started"
    assert runtime.state(handle) is JobState.SUCCEEDED


def test_the_files_of_a_job_that_is_gone_are_not_taken_for_ours(
    runtime: KubernetesJobRuntime,
    cluster: Cluster,
    client: ClusterClient,
    namespace: str,
    tmp_path: Path,
) -> None:
    spec = job(tmp_path, "succeed")
    stale = job_manifests(spec, cluster).config_map
    client.create({**stale, "data": {"start.sh": "echo stale"}})
    removing = threading.Timer(0.3, client.delete, ["ConfigMap", stale["metadata"]["name"], namespace])
    removing.start()
    handle = runtime.submit(spec)
    removing.join()
    assert list(runtime.logs(handle))[-1] == "succeed: started"


def test_output_that_is_there_already_needs_no_job(
    runtime: KubernetesJobRuntime, kube: Kube, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    list(runtime.logs(runtime.submit(job(tmp_path, "succeed"))))
    runtime.forget(runtime.handle(job(tmp_path, "succeed")))
    until(lambda: leftovers(client, namespace) == [])
    handle = runtime.submit(job(tmp_path, "fail"))
    assert runtime.state(handle) is JobState.SUCCEEDED
    assert list(runtime.logs(handle)) == []
    assert created(kube, "jobs") == 1


def test_a_failed_job_is_deleted_and_started_anew(
    runtime: KubernetesJobRuntime, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "fail"))
    assert list(runtime.logs(handle)) == ["fail: started", "Traceback: ran out of luck"]
    error = runtime.error(handle)
    assert error.code == "SR505"
    assert "its program ended with exit status 3" in error.message
    assert error.message.endswith("Traceback: ran out of luck")
    (tmp_path / ".output.deadbeef.tmp").mkdir()
    runtime.submit(job(tmp_path, "succeed"))
    assert list(runtime.logs(handle)) == ["succeed: started"]
    assert runtime.state(handle) is JobState.SUCCEEDED
    assert not (tmp_path / ".output.deadbeef.tmp").exists()
    assert len(pods(client, namespace)) == 1


def test_cancelling_leaves_nothing(
    runtime: KubernetesJobRuntime, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    assert next(runtime.logs(handle)) == "wait: started"
    runtime.cancel(handle)
    assert pods(client, namespace) == {}
    until(lambda: leftovers(client, namespace) == [])
    assert runtime.state(handle) is JobState.CANCELLED
    assert "cancelled" in runtime.error(handle).message


def test_a_job_that_somebody_deletes_is_missed(
    runtime: KubernetesJobRuntime, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    lines = runtime.logs(handle)
    assert next(lines) == "wait: started"
    (found,) = client.list("Job", namespace)
    client.delete("Job", found["metadata"]["name"], namespace)
    assert list(lines) == []
    assert runtime.state(handle) is JobState.UNKNOWN
    with pytest.raises(NameNotFoundError, match="somebody deleted") as caught:
        runtime.error(handle)
    assert caught.value.code == "SR509"


def test_an_api_server_that_restarts_costs_nothing(
    runtime: KubernetesJobRuntime, kube: Kube, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    posts = created(kube, "jobs")
    lines = runtime.logs(handle)
    assert next(lines) == "wait: started"
    kube.faults.restart_server(0.3)
    (tmp_path / "gate").touch()
    assert list(lines) == []
    assert runtime.state(handle) is JobState.SUCCEEDED
    assert posts + created(kube, "jobs") <= 2


def test_watches_that_break_all_the_time_cost_nothing(
    runtime: KubernetesJobRuntime, kube: Kube, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    lines = runtime.logs(handle)
    assert next(lines) == "wait: started"
    for _ in range(100):
        kube.faults.drop_watches()
    (tmp_path / "gate").touch()
    assert list(lines) == []
    assert runtime.state(handle) is JobState.SUCCEEDED


def test_answers_that_get_lost_start_nothing_twice(
    runtime: KubernetesJobRuntime, kube: Kube, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    kube.faults.lose_answer(method="POST", path="/jobs")
    kube.faults.lose_answer(method="POST", path="/configmaps")
    kube.faults.answer(500, method="GET", path="/jobs", times=2)
    handle = runtime.submit(job(tmp_path, "succeed"))
    assert list(runtime.logs(handle)) == ["succeed: started"]
    assert len(client.list("Job", namespace)) == len(pods(client, namespace)) == 1


def test_a_rank_that_dies_fails_the_job_at_once(
    cluster: Cluster, kube: Kube, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    runtime = runtime_of(cluster, RANKS)
    folder = tmp_path / "ranks"
    folder.mkdir()
    folder.chmod(0o777)
    handle = runtime.submit(job(tmp_path, str(folder), nodes=3))
    lines = runtime.logs(handle)
    assert sorted(next(lines) for _ in range(3)) == [f"[rank {n}] started" for n in range(3)]
    until(lambda: len(list(folder.iterdir())) == 3)
    (victim,) = [name for name in pods(client, namespace) if "-job-1-" in name]
    kube.faults.kill(namespace, victim)
    assert all(line == "[rank 0] told to stop" or "[rank 2]" in line for line in lines)
    assert runtime.state(handle) is JobState.FAILED
    error = runtime.error(handle)
    assert error.message.startswith("job dag/run 1/train failed: rank 1: its program was killed by SIGKILL")
    assert error.message.endswith("\nstarted")
    assert error.code == "SR591"
    runtime.submit(job(tmp_path, str(folder), nodes=3))
    runtime.cancel(handle)
    until(lambda: leftovers(client, namespace) == [])


def test_a_job_without_memory(
    runtime: KubernetesJobRuntime, kube: Kube, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    resources = Resources(cpu="100m", memory="64Mi", memory_limit="128Mi")
    handle = runtime.submit(job(tmp_path, "wait", resources=resources))
    lines = runtime.logs(handle)
    assert next(lines) == "wait: started"
    kube.faults.run_out_of_memory(namespace, *pods(client, namespace))
    assert list(lines) == []
    error = runtime.error(handle)
    assert "it used more memory than its limit of 128Mi" in error.message
    assert (error.code, "pod_memory" in error.hint) == ("SR591", True)


def test_an_evicted_pod_is_replaced(
    runtime: KubernetesJobRuntime, kube: Kube, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "wait"))
    lines = runtime.logs(handle)
    assert next(lines) == "wait: started"
    kube.faults.evict(namespace, *pods(client, namespace))
    assert next(lines) == "wait: started"
    (tmp_path / "gate").touch()
    assert list(lines) == []
    assert runtime.state(handle) is JobState.SUCCEEDED


def test_the_output_of_a_completed_job_may_take_a_while_to_be_seen(
    runtime: KubernetesJobRuntime, cluster: Cluster, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "forget"))
    list(runtime.logs(handle))
    patient = runtime_of(cluster, settle=3600.0)
    assert (runtime.state(handle), patient.state(handle)) == (JobState.FAILED, JobState.RUNNING)
    assert "without publishing" in runtime.error(handle).message
    patient.submit(job(tmp_path, "forget"))
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "result.json").write_text("{}")
    assert list(patient.logs(handle)) == ["forget: started", "done, but nothing written"]
    assert patient.state(handle) is JobState.SUCCEEDED


def test_what_a_program_said_outlives_its_job(
    runtime: KubernetesJobRuntime, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    handle = runtime.submit(job(tmp_path, "explain"))
    list(runtime.logs(handle))
    assert runtime.error(handle).code == "SR402"
    (found,) = client.list("Job", namespace)
    client.delete("Job", found["metadata"]["name"], namespace, propagation="Foreground", wait=30)
    error = runtime.error(handle)
    assert (error.code, error.hint) == ("SR402", "check the WHERE")


def test_a_job_of_another_namespace_is_found_by_its_handle(
    runtime: KubernetesJobRuntime, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    spec = job(tmp_path, "succeed", pod=Pod(namespace=namespace))
    elsewhere = KubernetesJobRuntime(
        open_cluster(cluster),
        Cluster(job_image=cluster.job_image, volume=cluster.volume, mount=cluster.mount),
    )
    handle = elsewhere.handle(spec)
    assert runtime.submit(spec) == handle
    list(runtime.logs(handle))
    assert elsewhere.state(handle) is JobState.SUCCEEDED
    assert is_complete(spec.output_uri)
