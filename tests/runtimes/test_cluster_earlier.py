"""Jobs that were told otherwise: found by their task, ended and done anew, on the emulated cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import is_complete
from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.earlier import make_way, sweep_pods
from sqlrec.runtimes.kubernetes.job import config_map, job_manifests, pod_manifest
from sqlrec.runtimes.kubernetes.pod import owned_by
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobSpec, JobState, Resources, TrainWork
from sqlrec.spec.options import Parsed
from tests.emulator.fixtures import Kube
from tests.runtimes.cluster_job import created, job, leftovers, pods, runtime_of, until


@pytest.fixture
def client(cluster: Cluster) -> ClusterClient:
    return open_cluster(cluster)


def edited(spec: JobSpec, output: str, **options: Parsed) -> JobSpec:
    """The job of a script that was edited: it does other work and publishes elsewhere."""
    output_uri = str(Path(spec.output_uri).with_name(output))
    return replace(spec, work=replace(spec.work, options=options), output_uri=output_uri)


def test_a_job_that_runs_with_other_options_is_ended_and_told_of(
    cluster: Cluster, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    runtime, first = runtime_of(cluster), job(tmp_path, "wait")
    old = runtime.submit(first)
    assert next(runtime.logs(old)) == "wait: started"
    (before,) = pods(client, namespace).values()
    new = runtime_of(cluster).submit(edited(first, "other", num_epochs=3))
    later = runtime_of(cluster)
    until(lambda: later.state(new) is JobState.RUNNING)
    (now,) = pods(client, namespace).values()
    assert now["metadata"]["uid"] != before["metadata"]["uid"]
    assert later.state(old) is JobState.UNKNOWN, "who waited for it learns that it is gone"
    (tmp_path / "gate").touch()
    said, *lines = later.logs(new)
    assert said.endswith(
        "-job of other settings (work.options.num_epochs), as the script or the project had them before, "
        "was deleted"
    )
    assert (lines, later.state(new)) == (["wait: started"], JobState.SUCCEEDED)
    assert not is_complete(first.output_uri)


@pytest.mark.parametrize("what", ["image", "memory", "policy"])
def test_settings_count_as_well_as_the_script(
    what: str, cluster: Cluster, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    spec = job(tmp_path, "wait")
    now, settings = {
        "image": (replace(spec, image="sqlrec/job:mended"), cluster),
        "memory": (replace(spec, resources=Resources(cpu="100m", memory="128Mi")), cluster),
        "policy": (spec, replace(cluster, image_pull_policy="Always")),
    }[what]
    runtime_of(cluster).submit(spec)
    runtime = runtime_of(settings)
    handle = runtime.submit(now)
    runtime_of(settings).submit(now)
    (made,) = client.list("Job", namespace)
    named = {"image": " (image)", "memory": " (resources.memory)", "policy": ""}[what]
    assert f"of other settings{named}, as" in made["metadata"]["annotations"]["sqlrec.io/instead"]
    runtime.cancel(handle)


def test_a_result_that_is_there_ends_a_job_that_nobody_wants_any_more(
    cluster: Cluster, client: ClusterClient, kube: Kube, namespace: str, tmp_path: Path
) -> None:
    runtime, first = runtime_of(cluster), job(tmp_path, "succeed")
    handle = runtime.submit(first)
    list(runtime.logs(handle))
    runtime.submit(edited(replace(first, env={"BEHAVE": "wait"}), "other", num_epochs=3))
    until(lambda: pods(client, namespace))
    assert runtime.submit(first) == handle
    assert runtime.state(handle) is JobState.SUCCEEDED
    until(lambda: leftovers(client, namespace) == [])
    assert created(kube, "jobs") == 2


def test_what_has_ended_makes_way_without_a_word(
    cluster: Cluster, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    runtime = runtime_of(cluster)
    first = job(tmp_path, "fail")
    list(runtime.logs(runtime.submit(first)))
    handle = runtime.submit(edited(replace(first, env={"BEHAVE": "succeed"}), "other", num_epochs=3))
    assert list(runtime.logs(handle)) == ["succeed: started"]
    assert len(pods(client, namespace)) == 1


def test_a_pod_of_the_task_makes_way_for_several_machines(
    cluster: Cluster, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    """The script asks for two machines now, or names another checkpoint: the objects have other names."""
    spec = job(tmp_path, "wait")
    pod = client.create(pod_manifest(spec, cluster))
    assert pod is not None
    files = config_map(spec, cluster)
    client.create(owned_by(files, {"apiVersion": "v1", "kind": "Pod", **pod}))
    assert isinstance(spec.work, TrainWork)
    other = replace(spec, work=replace(spec.work, checkpoint="v0"))
    client.create(job_manifests(other, cluster).job)
    runtime = runtime_of(cluster)
    handle = runtime.submit(replace(spec, topology=replace(spec.topology, nodes=2)))
    said = next(runtime.logs(handle))
    (made,) = client.list("Job", namespace)
    runtime.cancel(handle)
    assert made["spec"]["completions"] == 2
    assert said.startswith("Job rank-model-v0-")
    assert ", Pod rank-model-v1-" in said
    assert "(topology.nodes)" in said


def test_pods_of_a_job_are_no_jobs_of_their_own(
    cluster: Cluster, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    spec = job(tmp_path, "wait")
    runtime = runtime_of(cluster)
    runtime.submit(spec)
    until(lambda: pods(client, namespace))
    (made,) = client.list("Job", namespace)
    (files,) = client.list("ConfigMap", namespace)
    assert make_way(client, made, files, is_done=False) == ""
    assert len(pods(client, namespace)) == 1
    runtime.cancel(runtime.handle(spec))


def pod_of(spec: JobSpec, cluster: Cluster, client: ClusterClient, start: str) -> str:
    """A pod that is a job by itself; gives its name."""
    pod = client.create(pod_manifest(spec, cluster))
    assert pod is not None
    files = config_map(spec, cluster, {"start.sh": start})
    client.create(owned_by(files, {"apiVersion": "v1", "kind": "Pod", **pod}))
    return str(pod["metadata"]["name"])


def test_pods_that_ended_long_ago_are_swept_with_their_files(
    cluster: Cluster,
    client: ClusterClient,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A day later: a task that failed for good without a process has nobody else who would do it."""
    spec = job(tmp_path, "wait")
    pod_of(replace(spec, id="fails"), cluster, client, "exit 3")
    pod_of(replace(spec, id="succeeds"), cluster, client, "exit 0")
    alive = pod_of(replace(spec, id="runs"), cluster, client, "sleep 600")
    phases = ["Failed", "Running", "Succeeded"]
    until(lambda: sorted(pod["status"]["phase"] for pod in pods(client, namespace).values()) == phases)
    sweep_pods(client, namespace)
    assert len(pods(client, namespace)) == 3, "they may be looked at for a day"
    monkeypatch.setattr("sqlrec.runtimes.kubernetes.earlier.KEPT_SECONDS", -60)
    sweep_pods(client, namespace)
    until(lambda: [*pods(client, namespace)] == [alive])
    until(lambda: leftovers(client, namespace) == [f"Pod {alive}", f"ConfigMap {alive}-cm"])
