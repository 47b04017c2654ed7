"""Jobs in pods: a script's training as KubernetesPodOperator runs it, on the emulated cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from sqlrec.airflow.session import Event, EventKind
from tests.airflow.cluster_project import WAIT, ClusterProject, Told
from tests.airflow.memory_api import Finished, run_dag
from tests.emulator.fixtures import Kube

pytestmark = pytest.mark.cluster
TASK = """
import sys
from dataclasses import replace
from pathlib import Path
from sqlrec.airflow.cluster import environment
from sqlrec.airflow.loader import load_script
from sqlrec.airflow.session import Session, opened
from sqlrec.settings import load
from tests.airflow.memory_api import run_dag
from tests.fakes import FakeRegistry

project = Path(sys.argv[1])
settings, registry = load(project, environ={}), FakeRegistry()
env = replace(environment(settings), make_registry=lambda _: registry)
with opened(Session(env=env, on_event=lambda event: None)):
    run_dag(load_script(project / "dags" / "train.sql", settings))
"""


def test_lines_of_the_pod_are_progress_and_nothing_is_left(
    watched: Callable[..., Finished], pods: ClusterProject, events: list[Event]
) -> None:
    pods.program("print('two lines,\\nand then', flush=True)")
    done = watched()
    assert set(done.states.values()) == {"success"}, done.errors
    said = [e.message for e in events if e.kind is EventKind.PROGRESS and e.task == "train_m"]
    assert said == ["epoch 1 of 1", "two lines,", "and then", "trained m as v1"]
    assert done.outcome("train_m")["rows"] == 3
    assert pods.left() == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit('no such column')", ["exit status 1", "no such column"]),
        ("sys.exit(0)", ["ended without publishing"]),
        (
            "output.parent.mkdir(parents=True, exist_ok=True)\n"
            "output.with_name(output.name + '.error.json').write_text("
            """'{"code": "SR402", "message": "no column x", "hint": "add it"}')\nsys.exit(1)""",
            ["[SR402]", "no column x", "add it"],
        ),
    ],
    ids=["exits", "publishes nothing", "says why"],
)
def test_a_program_that_fails(
    body: str, words: list[str], watched: Callable[..., Finished], pods: ClusterProject
) -> None:
    pods.program(body)
    done = watched()
    assert (done.states["train_m"], done.states["register_train_m"]) == ("failed", "upstream_failed")
    assert all(text in str(done.errors["train_m"]) for text in words), done.errors
    assert pods.left() == []


def test_what_failed_may_stay_until_the_next_try(
    watched: Callable[..., Finished], pods: ClusterProject
) -> None:
    pods.configure(on_finish_action="delete_succeeded_pod")
    pods.program("sys.exit('no such column')")
    assert watched().states["train_m"] == "failed"
    assert [found.split()[0] for found in pods.objects()] == ["Pod", "ConfigMap"]
    pods.program("")
    next(pods.settings.work_dir.glob("runs/*/*/define_m.json")).unlink()  # the next run's registry is new
    assert set(watched().states.values()) == {"success"}
    assert pods.left() == []


def test_an_image_that_cannot_be_pulled(watched: Callable[..., Finished], pods: ClusterProject) -> None:
    error = str(watched("image = 'nowhere/job', version = '1', ").errors["train_m"])
    assert "its image nowhere/job:1 cannot be pulled" in error
    assert pods.left() == []


@pytest.fixture
def heeding_ctrl_c() -> Iterator[None]:
    """Tests started in the background ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_ending_the_task_ends_its_pod(
    number: signal.Signals, pods: ClusterProject, watched: Callable[..., Finished], told: Told
) -> None:
    """As Airflow does when a task is marked or cleared, and Ctrl-C."""
    pods.program(WAIT)
    told["epoch 1 of 1"] = lambda: signal.raise_signal(number)
    done = watched()
    assert done.states["train_m"] == "failed"
    assert pods.left() == []


def test_another_pod_goes_on_for_one_that_is_evicted(
    pods: ClusterProject, watched: Callable[..., Finished], told: Told, kube: Kube
) -> None:
    def evict() -> None:
        (pod,) = pods.client.list("Pod", pods.cluster.namespace)
        kube.faults.evict(pods.cluster.namespace, pod["metadata"]["name"])
        (pods.folder / "go").touch()

    pods.program(WAIT)
    told["epoch 1 of 1"] = evict
    done = watched()
    assert set(done.states.values()) == {"success"}, done.errors
    assert pods.starts == "00"
    assert pods.left() == []


def test_another_pod_goes_on_for_one_that_somebody_deletes(
    pods: ClusterProject, watched: Callable[..., Finished], told: Told
) -> None:
    def delete() -> None:
        (pod,) = pods.client.list("Pod", pods.cluster.namespace)
        pods.client.delete("Pod", pod["metadata"]["name"], pods.cluster.namespace)

    pods.program("print('waiting', flush=True)\nif (folder / 'starts').read_text() == '0': time.sleep(60)")
    told["epoch 1 of 1"] = delete
    done = watched()
    assert set(done.states.values()) == {"success"}, done.errors
    assert pods.starts == "00"
    assert pods.left() == []


def test_a_killed_task_finds_its_pod_again(pods: ClusterProject, watched: Callable[..., Finished]) -> None:
    pods.program(WAIT)
    pods.script()
    command = [sys.executable, "-W", "ignore", "-c", TASK, str(pods.folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ)) as task:
        pods.until(lambda: pods.starts)
        task.kill()
    for outcome in (pods.folder / ".sqlrec" / "runs").rglob("define_m.json"):
        outcome.unlink()
    (pods.folder / "go").touch()
    done = watched()
    assert set(done.states.values()) == {"success"}, done.errors
    assert pods.starts == "0"
    assert pods.left() == []


def test_a_pod_whose_creation_was_not_answered_is_not_made_twice(
    pods: ClusterProject, watched: Callable[..., Finished], kube: Kube
) -> None:
    kube.faults.lose_answer(method="POST", path=".*/pods")
    done = watched()
    assert set(done.states.values()) == {"success"}, done.errors
    assert pods.starts == "0"


def test_a_connection_of_airflow(
    pods: ClusterProject, watched: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"kube_config_path": pods.cluster.config}
    monkeypatch.setenv("AIRFLOW_CONN_ML", json.dumps({"conn_type": "kubernetes", "extra": extra}))
    pods.configure(config="", conn_id="ml")
    done = watched()
    assert set(done.states.values()) == {"success"}, done.errors
    pods.configure(config="", conn_id="other")
    (pods.folder / ".sqlrec").rename(pods.folder / "before")
    assert "Airflow has no connection 'other'" in str(watched().errors["train_m"])


def test_the_triggerer_waits(pods: ClusterProject) -> None:
    pods.configure(deferrable="true")
    done = run_dag(pods.dag())
    assert set(done.states.values()) == {"success"}, done.errors
    assert pods.left() == []


def test_the_triggerer_sees_a_failure(pods: ClusterProject) -> None:
    pods.configure(deferrable="true")
    pods.program("sys.exit('no such column')")
    done = run_dag(pods.dag())
    assert "no such column" in str(done.errors["train_m"])
    assert pods.left() == []
