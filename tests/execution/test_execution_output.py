"""Where jobs publish: a result of other work is never taken for a job's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.artifacts.folder import is_complete
from sqlrec.execution.key import RunKey
from sqlrec.execution.output import result_digest, with_own_output
from sqlrec.execution.run_step import run_job_of
from sqlrec.plan.plan import TrainStep
from sqlrec.spec.job import JobKind, JobSpec, Resources, Topology, TrainWork
from sqlrec.spec.pod import Pod
from sqlrec.spec.table import Relation
from tests.execution.steps import MODEL, World, make_world, steps_of
from tests.registries import model

WORK = TrainWork(
    model=model(),
    checkpoint="v1",
    data=Relation(query="SELECT 1"),
    options={"num_epochs": 1, "pod_memory": "2Gi", "nnodes": 1},
)
JOB = JobSpec(id="j", kind=JobKind.TRAIN, work=WORK, output_uri="/out", image="job:1", env={"A": "1"})


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, work=replace(WORK, data=Relation(query="SELECT 2"))),
        replace(JOB, work=replace(WORK, options={**WORK.options, "num_epochs": 2})),
        replace(JOB, work=replace(WORK, base_uri="/models/1")),
        replace(JOB, image="job:2"),
        replace(JOB, env={"A": "2"}),
        replace(JOB, kind=JobKind.EVALUATE),
    ],
    ids=["query", "option", "base", "image", "environment", "kind"],
)
def test_what_is_done_decides_the_place(other: JobSpec) -> None:
    assert with_own_output(other).output_uri != with_own_output(JOB).output_uri


@pytest.mark.parametrize(
    "same",
    [
        replace(JOB, id="k", output_uri="/elsewhere"),
        replace(JOB, resources=Resources(memory="64Gi")),
        replace(JOB, topology=Topology(nodes=2)),
        replace(JOB, pod=Pod(service_account="trainer")),
        replace(JOB, work=replace(WORK, options={"num_epochs": 1, "pod_memory": "64Gi", "nnodes": 2})),
        replace(JOB, work=replace(WORK, options=dict(sorted(WORK.options.items(), reverse=True)))),
    ],
    ids=["name", "memory", "machines", "account", "options of the pod", "order"],
)
def test_where_it_is_done_does_not(same: JobSpec) -> None:
    assert result_digest(same) == result_digest(JOB)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clicks.csv").write_text("user_id,age,is_click\n1,2,0\n")
    made = make_world(tmp_path)
    made.run(steps_of(MODEL)["define_ctr"])
    return made


def train(options: str = "") -> TrainStep:
    text = f"{MODEL}TRAIN MODEL ctr CHECKPOINT = 'v1' ON clicks{options};"
    step = steps_of(text)["train_ctr"]
    assert isinstance(step, TrainStep)
    return step


def test_a_script_that_is_edited_between_two_tries_gets_a_result_of_its_own(world: World) -> None:
    def told(options: str) -> str:
        key = RunKey(dag_id="s", run_id="r1", task_id="train_ctr")
        done = run_job_of(train(options), world.env, key=key, report=world.said.append)
        (world.env.runs / key.run_folder / "train_ctr.json").unlink()  # the task died before it noted it
        return done.facts["output"]

    first = told("")
    assert told(" WITH (pod_memory = '9Gi')") == first
    assert told("") == first
    edited = told(" WITH (num_epochs = 3)")
    assert edited != first
    assert is_complete(edited)
    (job,) = world.jobs.jobs.values()
    assert job.starts == 2
    assert told("") == first, "and the first is found again when it is wanted again"
    assert job.starts == 2
