"""A script that is edited between two tries of a task: its job is done as it is told now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.execution_time.comms import DeferTask
from airflow.sdk.serde import deserialize

from sqlrec.airflow.session import Event, EventKind
from tests.airflow.cluster_project import WAIT, ClusterProject, Told
from tests.airflow.memory_api import Finished, MemoryApi, begin, run_task

pytestmark = pytest.mark.cluster
TWO = "nnodes = 2, "
EDITED = "num_epochs = 3, "
ONE_OR_TWO = pytest.mark.parametrize("options", ["", TWO], ids=["pod", "job"])


def first_try(pods: ClusterProject, options: str) -> tuple[MemoryApi, DeferTask]:
    """A task whose job runs while the triggerer waits for it."""
    pods.configure(deferrable="true")
    pods.program(WAIT)
    dag, api = pods.dag(options), MemoryApi("train", "manual__1")
    run_task(dag.get_task("define_m"), api)
    deferred = begin(dag.get_task("train_m"), api).msg
    assert isinstance(deferred, DeferTask)
    pods.until(lambda: len(pods.starts) == (2 if options else 1))
    pods.configure()
    return api, deferred


def outputs(pods: ClusterProject) -> list[Path]:
    """Results that jobs of the task have published."""
    return [path.parent for path in (pods.folder / ".sqlrec" / "runs").rglob("output/train_m*/result.json")]


@ONE_OR_TWO
def test_a_job_that_runs_is_ended_and_done_anew(options: str, pods: ClusterProject) -> None:
    api, _ = first_try(pods, options)
    started = len(pods.starts)
    pods.program("")
    result = run_task(pods.dag(options + EDITED).get_task("train_m"), api)
    assert str(result.ti.state.value) == "success", result.error
    assert len(pods.starts) == 2 * started
    assert len(outputs(pods)) == 1
    assert pods.left() == []


@ONE_OR_TWO
def test_the_same_job_is_followed(options: str, pods: ClusterProject) -> None:
    api, _ = first_try(pods, options)
    started = pods.starts
    (pods.folder / "go").touch()
    result = run_task(pods.dag(options).get_task("train_m"), api)
    assert str(result.ti.state.value) == "success", result.error
    assert pods.starts == started
    assert pods.left() == []


@ONE_OR_TWO
def test_what_the_triggerer_waited_for_is_not_taken_when_it_was_told_otherwise(
    options: str, pods: ClusterProject
) -> None:
    api, deferred = first_try(pods, options)
    started = len(pods.starts)
    (pods.folder / "go").touch()
    trigger: Any = import_string(deferred.classpath)(**deserialize(deferred.trigger_kwargs))
    event = asyncio.run(anext(trigger.run())).payload
    (old,) = outputs(pods)
    task = pods.dag(options + EDITED).get_task("train_m")
    result = begin(task, api, str(deferred.next_method), {"event": event})
    assert str(result.ti.state.value) == "success", result.error
    assert len(pods.starts) == 2 * started
    assert api.xcom["train_m", "return_value"]["facts"]["output"] != str(old)
    assert pods.left() == []


def test_who_watches_a_run_is_told(
    pods: ClusterProject, watched: Callable[..., Finished], events: list[Event], told: Told
) -> None:
    first_try(pods, "")
    for outcome in (pods.folder / ".sqlrec" / "runs").rglob("define_m.json"):
        outcome.unlink()  # the watched run's registry is new
    pods.program("")
    done = watched(EDITED)
    assert set(done.states.values()) == {"success"}, done.errors
    (said,) = [e.message for e in events if e.kind is EventKind.PROGRESS and "of other settings" in e.message]
    assert "(work.options.num_epochs)" in said
    assert pods.left() == []
