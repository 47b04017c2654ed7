"""What every runtime does, in memory or with processes."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import publish, staging
from sqlrec.errors import DataError, JobError, NameNotFoundError, RemoteError
from sqlrec.runtimes.kubernetes.client import open_cluster
from sqlrec.runtimes.kubernetes.jobs import KubernetesJobRuntime
from sqlrec.runtimes.kubernetes.services import KubernetesServiceRuntime
from sqlrec.runtimes.kubernetes.start import SPEC
from sqlrec.runtimes.local.jobs import LocalJobRuntime
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.runtimes.runtime import JobRuntime, ServiceRuntime
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobHandle, JobKind, JobResult, JobSpec, JobState, TrainWork
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec, ServiceState
from sqlrec.spec.table import Relation
from tests.fakes import FakeJobRuntime, FakeServiceRuntime
from tests.registries import model
from tests.runtimes.pods import stand_in

PROGRAMS = Path(__file__).parent.parent / "runtimes"
JOB = (sys.executable, str(PROGRAMS / "program_job.py"))
SERVER = (sys.executable, str(PROGRAMS / "program_server.py"))


def program(job: JobSpec, log: Callable[[str], None]) -> None:
    """What ``program_job.py`` does, in this process."""
    behave = job.env["BEHAVE"]
    log(f"{behave}: started")
    if behave == "explain":
        raise DataError("SR402", "label clicked holds one class only")
    if behave == "succeed":
        output = Path(job.output_uri)
        publish(staging(output), output, JobResult())


@pytest.fixture(params=["fake", "local", "kubernetes"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> JobRuntime:
    if request.param == "fake":
        return FakeJobRuntime(program)
    if request.param == "kubernetes":
        cluster: Cluster = request.getfixturevalue("cluster")
        start = {"start.sh": f"exec {shlex.join(JOB)} --spec {SPEC}"}
        return KubernetesJobRuntime(open_cluster(cluster), cluster, files=lambda job: start, settle=0.0)
    return LocalJobRuntime(tmp_path / "jobs", program=JOB, grace=1.0)


@pytest.fixture(params=["fake", "local", "kubernetes"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceRuntime]:
    if request.param == "fake":
        fake = FakeServiceRuntime()
        fake.broken.add("v9")
        yield fake
        return
    if request.param == "kubernetes":
        cluster = request.getfixturevalue("cluster")
        in_pods = KubernetesServiceRuntime(open_cluster(cluster), cluster, poll=0.1)
        yield in_pods
        in_pods.remove("rank")
        return
    runtime = LocalServiceRuntime(tmp_path / "services", command=SERVER, ready_timeout=30)
    yield runtime
    runtime.remove("rank")


def job(tmp_path: Path, behave: str) -> JobSpec:
    work = TrainWork(model=model(), checkpoint="v1", data=Relation(query="SELECT 1"))
    return JobSpec(
        id="dag/run/train",
        kind=JobKind.TRAIN,
        work=work,
        output_uri=str(tmp_path / "output"),
        env={"BEHAVE": behave},
    )


def finish(runtime: JobRuntime, handle: JobHandle) -> tuple[JobState, list[str]]:
    lines = list(runtime.logs(handle))
    deadline = time.monotonic() + 20
    while not runtime.state(handle).finished:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return runtime.state(handle), lines


def test_a_job_succeeds_once(jobs: JobRuntime, tmp_path: Path) -> None:
    handle = jobs.submit(job(tmp_path, "succeed"))
    assert finish(jobs, handle) == (JobState.SUCCEEDED, ["succeed: started"])
    assert jobs.submit(job(tmp_path, "fail")) == handle
    assert finish(jobs, handle) == (JobState.SUCCEEDED, ["succeed: started"])


def test_a_failed_job_says_why_and_may_be_tried_again(jobs: JobRuntime, tmp_path: Path) -> None:
    handle = jobs.submit(job(tmp_path, "explain"))
    assert finish(jobs, handle) == (JobState.FAILED, ["explain: started"])
    error = jobs.error(handle)
    assert isinstance(error, JobError)
    assert error.message == "job dag/run/train failed: label clicked holds one class only"
    assert jobs.submit(job(tmp_path, "succeed")) == handle
    assert finish(jobs, handle) == (JobState.SUCCEEDED, ["succeed: started"])


def test_a_job_that_runs_makes_way_for_one_that_is_told_otherwise(jobs: JobRuntime, tmp_path: Path) -> None:
    if isinstance(jobs, FakeJobRuntime):
        jobs.paused = True
    first = job(tmp_path, "wait")
    assert jobs.submit(first) == jobs.submit(first)
    if isinstance(jobs, FakeJobRuntime):
        jobs.paused = False
    handle = jobs.submit(replace(job(tmp_path, "succeed"), output_uri=str(tmp_path / "other")))
    state, lines = finish(jobs, handle)
    assert (state, lines[-1]) == (JobState.SUCCEEDED, "succeed: started")
    (tmp_path / "gate").touch()
    time.sleep(0.2)
    assert not (tmp_path / "output").exists(), "nobody waits for the gate any more"


def test_the_result_of_other_work_lies_elsewhere_and_is_not_taken(jobs: JobRuntime, tmp_path: Path) -> None:
    assert finish(jobs, jobs.submit(job(tmp_path, "succeed")))[0] is JobState.SUCCEEDED
    other = replace(job(tmp_path, "forget"), output_uri=str(tmp_path / "other"))
    state, lines = finish(jobs, jobs.submit(other))
    assert (state, lines[0]) == (JobState.FAILED, "forget: started")
    assert jobs.state(jobs.submit(job(tmp_path, "succeed"))) is JobState.SUCCEEDED


def test_a_job_without_output_has_failed(jobs: JobRuntime, tmp_path: Path) -> None:
    handle = jobs.submit(job(tmp_path, "forget"))
    assert finish(jobs, handle)[0] is JobState.FAILED


def test_a_job_nobody_knows(jobs: JobRuntime) -> None:
    handle = JobHandle(id="never", runtime="any")
    assert jobs.state(handle) is JobState.UNKNOWN
    assert list(jobs.logs(handle)) == []
    jobs.cancel(handle)
    with pytest.raises(NameNotFoundError, match="never") as caught:
        jobs.error(handle)
    assert caught.value.code == "SR509"


def test_a_finished_job_stays_what_it_is(jobs: JobRuntime, tmp_path: Path) -> None:
    handle = jobs.submit(job(tmp_path, "succeed"))
    finish(jobs, handle)
    jobs.cancel(handle)
    assert jobs.state(handle) is JobState.SUCCEEDED


def test_a_job_whose_result_was_read_is_forgotten(jobs: JobRuntime, tmp_path: Path) -> None:
    handle = jobs.submit(job(tmp_path, "succeed"))
    finish(jobs, handle)
    jobs.forget(handle)
    jobs.forget(handle)
    assert jobs.state(handle) is JobState.SUCCEEDED


def test_only_success_is_forgotten(jobs: JobRuntime, tmp_path: Path) -> None:
    handle = jobs.submit(job(tmp_path, "forget"))
    finish(jobs, handle)
    jobs.forget(handle)
    assert jobs.state(handle) is JobState.FAILED


@pytest.fixture
def service(tmp_path: Path) -> Callable[[int], ServiceSpec]:
    """A revision by its version; in pods, too, the server is a stand-in. The one of version 9 crashes."""

    def made(version: int) -> ServiceSpec:
        uri = tmp_path / "no checkpoint" if version == 9 else tmp_path
        options = {"behave": "crash"} if version == 9 else {}
        return ServiceSpec(
            name="rank",
            models=(
                ServedModel(model=model(), checkpoint=f"v{version}", version=version, model_uri=str(uri)),
            ),
            options={**options, "drain": 1.0, "request_timeout": 2.0},
            env={"PYTHONPATH": str(stand_in(tmp_path))},
        )

    return made


Made = Callable[[int], ServiceSpec]


def test_a_service_is_proved_before_it_stands(services: ServiceRuntime, service: Made) -> None:
    proved: list[Endpoint] = []
    assert services.endpoint("rank") is None
    endpoint = services.apply(service(1), proved.append)
    assert (endpoint.state, endpoint.checkpoint, endpoint.version) == (ServiceState.READY, "v1", 1)
    assert endpoint.url.endswith("/predict")
    assert proved[-1].url == endpoint.url
    assert services.endpoint("RANK") == endpoint
    assert services.endpoints() == (endpoint,)
    assert services.logs("rank") != ""


def test_the_same_service_again_is_not_proved_again(services: ServiceRuntime, service: Made) -> None:
    endpoint = services.apply(service(1), lambda e: None)
    proved: list[Endpoint] = []
    assert services.apply(service(1), proved.append) == endpoint
    assert proved == []


def test_a_service_keeps_its_url(services: ServiceRuntime, service: Made) -> None:
    first = services.apply(service(1), lambda e: None)
    second = services.apply(service(2), lambda e: None)
    assert (second.url, second.checkpoint) == (first.url, "v2")
    assert services.endpoints() == (second,)


def test_a_server_that_does_not_start_changes_nothing(services: ServiceRuntime, service: Made) -> None:
    first = services.apply(service(1), lambda e: None)
    with pytest.raises(JobError, match="exit status 1") as caught:
        services.apply(service(9), lambda e: None)
    assert caught.value.code == "SR506"
    assert services.endpoint("rank") == first


def test_a_service_that_answers_wrongly_changes_nothing(services: ServiceRuntime, service: Made) -> None:
    def refuse(endpoint: Endpoint) -> None:
        raise RemoteError("SR601", "probs is missing", retriable=False)

    with pytest.raises(JobError, match=r"rank was not deployed: .*probs is missing"):
        services.apply(service(1), refuse)
    assert services.endpoint("rank") is None
    first = services.apply(service(1), lambda e: None)
    with pytest.raises(JobError):
        services.apply(service(2), refuse)
    assert services.endpoint("rank") == first


def test_stopping_and_removing(services: ServiceRuntime, service: Made) -> None:
    first = services.apply(service(1), lambda e: None)
    services.stop("rank")
    stopped = services.endpoint("rank")
    assert stopped is not None
    assert (stopped.state, stopped.url) == (ServiceState.STOPPED, first.url)
    assert services.apply(service(1), lambda e: None) == first
    services.remove("rank")
    services.remove("rank")
    assert services.endpoint("rank") is None
    assert services.endpoints() == ()
    assert services.logs("rank") == ""
