"""Kill a run at any moment and run it again: the end is that of an undisturbed run.

One run is killed again and again, each time a bit further on, because starting Airflow and MLflow costs
more than the small training. Once only the command line dies and its job or server lives on; once all of
them die, as when the machine loses power.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import digests, read_result
from tests.e2e.project_state import Finished, state_of
from tests.e2e.whole_project import RANK, Project, ask, candidates, wait_until

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a run, seen from what lies on disk."""

    name: str
    reached: Callable[[Project], object]


def done(task: str) -> Moment:
    return Moment(f"{task} is done", lambda project: task in project.done())


def exists(name: str, pattern: str) -> Moment:
    return Moment(name, lambda project: next(project.state.glob(pattern), None))


def logged(name: str, pattern: str, text: str) -> Moment:
    return Moment(name, lambda project: any(text in path.read_text() for path in project.state.glob(pattern)))


FIRST_START = exists("the registry's database is being made", "mlflow.db.new")
DEFINED = done("define_rank_model")
TRAINING = logged("the training job works", "jobs/*train*/log.txt", "encoding")
TRAINED = exists("trained, not registered", "runs/*/*/output/train_rank_model*/result.json")
REGISTERING = exists("the checkpoint's files are being copied", "models/*/*/*/models/m-*")
EXPORTING = logged("the export job works", "jobs/*export*/log.txt", "comparing")
STARTING = exists("the server is being started", "services/rank/spec.1.json")
TAKING_OVER = exists("the server runs, nobody has noted it", "services/rank/service.json")
SCORING = exists("some shards are scored", "runs/*/*/tables/.scored.score/shard-000003.*")
SCORED = done("score_scored")


def kill_at(moment: Moment, project: Project, script: Path) -> None:
    """Start the run and kill the command line at the moment."""
    process = project.start("run", script)
    wait_until(lambda: process.poll() is not None or moment.reached(project), moment.name)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"it ended before this: {moment.name}\n{err}"


@pytest.mark.parametrize(
    ("moments", "all_of_it"),
    [
        pytest.param([DEFINED, TRAINING, TRAINED, STARTING, SCORING], False, id="command-line"),
        pytest.param([FIRST_START, TRAINING, REGISTERING, EXPORTING, TAKING_OVER, SCORED], True, id="all"),
    ],
)
def test_killed_again_and_again(
    new_project: Project, finished: Finished, moments: list[Moment], all_of_it: bool
) -> None:
    project, script = new_project, new_project.script(RANK)
    for moment in moments:
        kill_at(moment, project, script)
        if all_of_it:
            project.kill_all()
    report = project.json("run", script)
    assert {task["state"] for task in report["tasks"]} == {"success"}
    assert len(project.runs()) == 1, "it was one run all the time"
    assert state_of(project) == finished.state
    rows = candidates(project)[:100]
    assert ask(project.service()["url"], rows) == ask(finished.project.service()["url"], rows)
    outputs = [path for path in project.state.glob("runs/*/*/output/*") if not path.name.startswith(".")]
    assert all(digests(output) == read_result(output).files for output in outputs)
    assert len(outputs) == 2
