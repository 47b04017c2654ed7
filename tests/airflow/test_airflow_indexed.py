"""Jobs of several machines: an Indexed Job, its ranks and their ends, on the emulated cluster."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from airflow.sdk.execution_time.comms import DeferTask

from sqlrec.airflow.session import Event, EventKind
from sqlrec.airflow.triggers import JobTrigger
from tests.airflow.cluster_project import WAIT, ClusterProject, Told
from tests.airflow.memory_api import Finished, MemoryApi, begin, run_dag, run_task

pytestmark = pytest.mark.cluster
TWO = "nnodes = 2, "


def test_lines_of_all_ranks_are_progress(
    watched: Callable[..., Finished], pods: ClusterProject, events: list[Event]
) -> None:
    done = watched(TWO)
    assert set(done.states.values()) == {"success"}, done.errors
    said = [e.message for e in events if e.kind is EventKind.PROGRESS and e.task == "train_m"]
    assert sorted(said[:2]) == ["[rank 0] epoch 1 of 1", "[rank 1] epoch 1 of 1"]
    assert sorted(pods.starts) == ["0", "1"]
    assert pods.left() == []


def test_one_rank_that_fails_ends_the_others(watched: Callable[..., Finished], pods: ClusterProject) -> None:
    pods.program("if rank == '1': sys.exit('no memory left')\ntime.sleep(300)")
    error = str(watched(TWO).errors["train_m"])
    assert "rank 1: its program ended with exit status 1" in error
    assert "no memory left" in error


def test_a_job_that_failed_may_stay(watched: Callable[..., Finished], pods: ClusterProject) -> None:
    pods.configure(on_finish_action="delete_succeeded_pod")
    pods.program("if rank == '1': sys.exit('no memory left')\ntime.sleep(300)")
    assert watched(TWO).states["train_m"] == "failed"
    assert {"Job", "Pod", "ConfigMap"} <= {found.split()[0] for found in pods.objects()}


def test_ending_the_task_ends_its_job(
    pods: ClusterProject, watched: Callable[..., Finished], told: Told
) -> None:
    def end() -> None:
        pods.until(lambda: len(pods.starts) == 2)
        signal.raise_signal(signal.SIGTERM)

    pods.program(WAIT)
    told["[rank 1] waiting"] = end
    assert watched(TWO).states["train_m"] == "failed"
    assert pods.left() == []


def test_the_triggerer_waits_for_a_job(pods: ClusterProject) -> None:
    pods.configure(deferrable="true")
    done = run_dag(pods.dag(TWO))
    assert set(done.states.values()) == {"success"}, done.errors
    assert done.api.store == {"job": done.outcome("train_m")["facts"]["job"]}


def test_a_job_that_somebody_deleted_is_started_again(
    pods: ClusterProject, watched: Callable[..., Finished], told: Told
) -> None:
    def delete() -> None:
        (job,) = pods.client.list("Job", pods.cluster.namespace)
        name = job["metadata"]["name"]
        pods.until(lambda: len(pods.starts) == 2)
        pods.client.delete("Job", name, pods.cluster.namespace, propagation="Foreground", wait=30)
        (pods.folder / "go").touch()

    pods.program(WAIT)
    told["[rank 1] waiting"] = delete
    done = watched(TWO)
    assert set(done.states.values()) == {"success"}, done.errors
    assert sorted(pods.starts) == ["0", "0", "1", "1"]
    assert pods.left() == []


@pytest.mark.parametrize("options", ["", TWO], ids=["pod", "job"])
def test_a_job_is_ended_when_the_triggerer_fails(options: str, pods: ClusterProject) -> None:
    pods.configure(deferrable="true")
    pods.program("time.sleep(300)")
    dag, api = pods.dag(options), MemoryApi("train", "manual__1")
    run_task(dag.get_task("define_m"), api)
    task = dag.get_task("train_m")
    assert isinstance(begin(task, api).msg, DeferTask)
    pods.until(lambda: len(pods.starts) == (2 if options else 1))
    ended = begin(task, api, "__fail__", {"error": "Trigger failure"})
    assert "was given up: Trigger failure" in str(ended.error)
    assert pods.left() == []


def test_a_job_is_given_up_when_the_time_of_its_task_is_over(pods: ClusterProject) -> None:
    """The triggerer says so; it says nothing of trouble with the API server, which may pass."""
    trigger = JobTrigger(job={"id": "j", "runtime": "kubernetes"}, cluster=asdict(pods.cluster), extras={})
    assert JobTrigger(**trigger.serialize()[1]).serialize() == trigger.serialize()
    trigger.deadline = 0.0
    events: Any = trigger.run()
    event = asyncio.run(anext(events))
    assert event.payload == {"status": "timeout", "message": "the time of its task is over"}
