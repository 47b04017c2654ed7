"""Jobs whose pods cannot start: waited for, told of, and given up with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.runtimes.kubernetes.client import open_cluster
from sqlrec.runtimes.kubernetes.failures import Patience
from sqlrec.runtimes.kubernetes.jobs import patience_of
from sqlrec.settings import Cluster
from sqlrec.spec.job import JobState, Resources
from tests.emulator.fixtures import Kube
from tests.runtimes.cluster_job import job, pods, runtime_of, until


def test_an_image_that_never_comes_is_given_up(
    cluster: Cluster, kube: Kube, namespace: str, tmp_path: Path
) -> None:
    runtime = runtime_of(cluster, patience=Patience(image=1.0))
    kube.faults.image("sqlrec/job:none", fails=True)
    handle = runtime.submit(job(tmp_path, "succeed", image="sqlrec/job:none"))
    lines = list(runtime.logs(handle))
    assert lines[0].startswith("waiting: its image sqlrec/job:none cannot be pulled")
    assert runtime.state(handle) is JobState.FAILED
    for who in (runtime, runtime_of(cluster)):
        error = who.error(handle)
        assert error.code == "SR590"
        assert "its image sqlrec/job:none cannot be pulled" in error.message
        assert "job_image" in error.hint
    until(lambda: pods(open_cluster(cluster), namespace) == {})
    runtime.submit(job(tmp_path, "succeed"))
    assert list(runtime.logs(handle)) == ["succeed: started"]


def test_a_job_that_nobody_follows_is_given_up_by_who_asks_for_its_state(
    cluster: Cluster, kube: Kube, tmp_path: Path
) -> None:
    runtime = runtime_of(cluster, patience=Patience(image=1.0))
    kube.faults.image("sqlrec/job:none", fails=True)
    handle = runtime.submit(job(tmp_path, "succeed", image="sqlrec/job:none"))
    denied = 'events is forbidden: User "u" cannot list resource "events" in API group ""'
    kube.faults.answer(403, path="/events", times=-1, message=denied)
    until(lambda: runtime.state(handle) is JobState.FAILED)
    assert "sqlrec/job:none cannot be pulled" in runtime.error(handle).message


def test_a_pod_that_fits_nowhere_waits_and_is_told_of(
    cluster: Cluster, kube: Kube, namespace: str, tmp_path: Path
) -> None:
    runtime = runtime_of(cluster, patience=Patience(machine=1.0))
    kube.faults.capacity(cpu="1", memory="1Gi")
    handle = runtime.submit(job(tmp_path, "succeed", resources=Resources(cpu="64", memory="64Mi")))
    assert runtime.state(handle) is JobState.PENDING
    lines = list(runtime.logs(handle))
    assert lines[0].startswith("waiting: no machine takes its pod: 0/")
    error = runtime.error(handle)
    assert error.code == "SR590"
    assert "Insufficient cpu" in error.message
    assert "pod_cpu_cores" in error.hint


def test_a_missing_secret_is_given_up(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlrec.runtimes.kubernetes.failures.SOON_SECONDS", 0.0)
    runtime = runtime_of(cluster, patience=Patience(config=0.5))
    spec = replace(job(tmp_path, "succeed"), env={"BEHAVE": "succeed", "KEY": "secret:key"})
    handle = runtime.submit(spec)
    (line,) = runtime.logs(handle)
    assert line.startswith("waiting: its container cannot be made")
    assert runtime.state(handle) is JobState.FAILED
    error = runtime.error(handle)
    assert "sqlrec-secrets" in error.message
    assert (error.code, "Secret" in error.hint) == ("SR590", True)


def test_how_long_pods_wait_by_the_settings() -> None:
    assert patience_of(Cluster()) == Patience()
    assert patience_of(Cluster(pending_timeout="30m")) == Patience(machine=1800.0)
