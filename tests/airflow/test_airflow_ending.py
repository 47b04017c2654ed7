"""Which jobs end with the process of their task, or with what the triggerer runs for it."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest
from airflow.sdk import DAG, get_current_context
from airflow.sdk import task as airflow_task
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.execution_time.comms import DeferTask
from airflow.sdk.serde import deserialize

from sqlrec.airflow.triggers import PodTrigger
from tests.airflow.cluster_project import WAIT, ClusterProject
from tests.airflow.memory_api import MemoryApi, begin, run_task

pytestmark = pytest.mark.cluster
TWO = "nnodes = 2, "
KINDS = pytest.mark.parametrize("options", ["", TWO], ids=["pod", "job"])


def killing(trigger: Any) -> Any:
    """A task that does what the triggerer does with a trigger of it that is not to run any more."""

    def kill() -> None:
        trigger._task_instance = get_current_context()["ti"]
        asyncio.run(trigger.on_kill())

    with DAG("train") as dag:
        airflow_task(task_id="train_m")(kill)()
    return dag.get_task("train_m")


def begun(pods: ClusterProject, options: str) -> tuple[Any, MemoryApi]:
    """The task that trains, and an Airflow in which all before it is done."""
    pods.program(WAIT)
    dag, api = pods.dag(options), MemoryApi("train", "manual__1")
    run_task(dag.get_task("define_m"), api)
    return dag.get_task("train_m"), api


@KINDS
@pytest.mark.parametrize("state", ["running", "unknown"])
def test_a_job_goes_on_for_the_next_try(options: str, state: str, pods: ClusterProject) -> None:
    task, api = begun(pods, options)
    api.states = {} if state == "unknown" else {"train_m": state}
    terminated(pods, task, api)
    (pods.folder / "go").touch()
    assert run_task(task, api).ti.state.value == "success"
    assert sorted(pods.starts) == (["0", "1"] if options else ["0"])
    assert pods.left() == []


@pytest.mark.parametrize(
    ("options", "states"),
    [("", {"train_m": "failed"}), (TWO, {"train_m": "restarting"}), ("", {"other": "running"})],
    ids=["marked", "cleared", "deleted"],
)
def test_a_job_ends_with_its_task(options: str, states: dict[str, str | None], pods: ClusterProject) -> None:
    task, api = begun(pods, options)
    api.states = states
    terminated(pods, task, api)
    assert pods.left() == []


def terminated(pods: ClusterProject, task: Any, api: MemoryApi) -> None:
    """Begin a task, and send it SIGTERM as soon as its job runs."""
    main = threading.get_ident()

    def end() -> None:
        started(pods)
        signal.pthread_kill(main, signal.SIGTERM)

    ender = threading.Thread(target=end)
    ender.start()
    ended = begin(task, api)
    ender.join()
    assert isinstance(ended.error, SystemExit), ended.error


def started(pods: ClusterProject) -> None:
    """Wait until all programs of the job run."""
    ranks = "01" if "nnodes" in (pods.folder / "dags" / "train.sql").read_text() else "0"
    pods.until(lambda: "".join(sorted(pods.starts)) == ranks)


@KINDS
def test_a_trigger_ends_what_no_later_one_waits_for(options: str, pods: ClusterProject) -> None:
    pods.configure(deferrable="true")
    task, api = begun(pods, options)
    deferred = begin(task, api).msg
    assert isinstance(deferred, DeferTask)
    trigger = import_string(deferred.classpath)(**deserialize(deferred.trigger_kwargs))
    assert isinstance(trigger, PodTrigger) == (not options)
    kill = killing(trigger)
    started(pods)
    api.states = {"train_m": "deferred"}
    assert run_task(kill, api).error is None
    assert [o for o in pods.objects() if o.startswith("Pod")]
    api.states = {"train_m": "failed"}
    assert run_task(kill, api).error is None
    assert pods.left() == []
