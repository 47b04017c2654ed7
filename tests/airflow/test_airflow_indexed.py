"""Jobs of several machines: an Indexed Job, its ranks and their ends, on the emulated cluster."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from sqlrec.airflow.session import Event, EventKind
from tests.airflow.cluster_project import WAIT, ClusterProject, Told
from tests.airflow.memory_api import Finished, run_dag

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


def test_ending_the_task_ends_its_job(
    pods: ClusterProject, watched: Callable[..., Finished], told: Told
) -> None:
    pods.program(WAIT)
    told["[rank 1] waiting"] = lambda: signal.raise_signal(signal.SIGTERM)
    assert watched(TWO).states["train_m"] == "failed"
    assert pods.left() == []


def test_the_triggerer_waits_for_a_job(pods: ClusterProject) -> None:
    pods.configure(deferrable="true")
    done = run_dag(pods.dag(TWO))
    assert set(done.states.values()) == {"success"}, done.errors
    assert done.api.store == {"job": done.outcome("train_m")["facts"]["job"]}
