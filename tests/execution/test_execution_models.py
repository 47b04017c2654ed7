"""Models and checkpoints: define, train, register, export, drop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import JobError, NameNotFoundError, OptionError, StateError
from sqlrec.execution.key import RunKey
from sqlrec.execution.run_step import register_job_of, run_job_of
from sqlrec.plan.plan import DefineModelStep, DropModelStep, ExportStep, TrainStep
from sqlrec.spec.job import JobHandle, JobState, TrainWork
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.names import ModelName
from tests.execution.steps import MODEL, World, make_world, steps_of, work

SCRIPT = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples WHERE age > 1 WITH (num_epochs = 3);
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
DROP MODEL ctr;
"""
CTR = ModelName.parse("ctr")


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "data").mkdir()
    pq.write_table(
        pa.table({"user_id": [1], "age": [2], "is_click": [0]}), tmp_path / "data" / "samples.parquet"
    )
    made = make_world(tmp_path)
    made.run(steps_of(SCRIPT)["define_ctr"])
    return made


def train_step(**changes: object) -> TrainStep:
    step = steps_of(SCRIPT)["train_ctr"]
    assert isinstance(step, TrainStep)
    return replace(step, **changes)  # type: ignore[arg-type]


def test_a_definition_is_registered_once_and_a_retry_is_no_error(world: World) -> None:
    step = steps_of(SCRIPT)["define_ctr"]
    assert world.run(step).message == "defined model ctr"
    assert world.run(step, "r2").message == "kept model ctr"
    assert world.registry.model(CTR) is not None


def test_another_definition_needs_or_replace(world: World) -> None:
    other = steps_of(MODEL.replace("age INT", "age BIGINT"))["define_ctr"]
    with pytest.raises(StateError, match="SR201"):
        world.run(other, "r2")
    assert isinstance(other, DefineModelStep)
    assert world.run(replace(other, replace=True), "r2").message == "defined model ctr"


def test_training_gives_a_checkpoint_with_the_jobs_metrics(world: World) -> None:
    outcome = world.run(train_step())
    made = world.registry.checkpoint(CTR, "v1")
    assert made is not None
    assert (made.kind, made.version, made.metrics) == (CheckpointKind.ORIGIN, 1, {"auc": 0.75})
    assert outcome.message == "registered v1 (version 1) of ctr"
    assert outcome.facts["version"] == "1"
    assert "train begins" in world.said


def test_the_job_gets_effective_options_and_absolute_tables(world: World, tmp_path: Path) -> None:
    world.run(train_step())
    (job,) = world.jobs.jobs.values()
    assert isinstance(job.spec.work, TrainWork)
    assert job.spec.work.options["num_epochs"] == 3
    assert job.spec.work.options["embedding_dim"] == 16
    assert job.spec.work.data.sources["samples"].path == str(tmp_path / "data" / "samples.parquet")
    assert job.spec.image.startswith("sqlrec/tzrec:")


def test_the_same_task_again_makes_nothing_new_and_another_run_a_version(world: World) -> None:
    first = world.run(train_step())
    assert world.run(train_step()) == first
    assert [job.starts for job in world.jobs.jobs.values()] == [1]
    world.run(train_step(), "r2")
    assert [c.version for c in world.registry.checkpoints(CTR)] == [1, 2]


def test_a_registration_is_found_again_when_its_outcome_was_not_written(world: World) -> None:
    world.run(train_step())
    for file in world.env.runs.rglob("register_train_ctr.json"):
        file.unlink()
    assert "version 1" in world.run(train_step()).message
    assert len(world.registry.checkpoints(CTR)) == 1


def test_a_failed_job_says_why_and_the_next_try_runs_it_again(world: World) -> None:
    def broken(job: object, say: object) -> None:
        raise JobError("SR520", "training diverged")

    world.jobs.program = broken
    with pytest.raises(JobError, match="training diverged"):
        world.run(train_step())
    assert world.registry.checkpoints(CTR) == ()
    world.jobs.program = work
    world.run(train_step())
    assert [job.starts for job in world.jobs.jobs.values()] == [2]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_cancels_the_job(world: World, stop: type[BaseException]) -> None:
    world.jobs.paused = True
    step, key = train_step(), RunKey(dag_id="s", run_id="r1", task_id="train_ctr")

    class Stopping:
        """The job runtime, where waiting for the log is interrupted."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.jobs, name)

        def logs(self, handle: JobHandle) -> list[str]:
            raise stop

    env = replace(world.env, make_jobs=lambda settings: Stopping())  # type: ignore[arg-type, return-value]
    with pytest.raises(stop):
        run_job_of(step, env, key=key, report=world.said.append)
    assert world.jobs.state(JobHandle(id=key.job, runtime="fake")) is JobState.CANCELLED


def test_export_comes_from_the_training_checkpoint(world: World) -> None:
    steps = steps_of(SCRIPT)
    world.run(steps["train_ctr"])
    world.run(steps["export_ctr"])
    made = world.registry.checkpoint(CTR, "v1_export")
    assert made is not None
    assert (made.kind, made.parent, made.parent_version) == (CheckpointKind.EXPORT, "v1", 1)


def test_two_runs_at_once_each_go_on_with_their_own_checkpoint(world: World) -> None:
    steps = steps_of(SCRIPT)
    for name in ("train_ctr", "export_ctr"):
        for run in ("r1", "r2"):
            world.run(steps[name], run)
    assert [(c.version, c.parent_version) for c in world.registry.checkpoints(CTR)][2:] == [(3, 1), (4, 2)]


def test_names_that_do_not_exist_are_told_with_what_exists(world: World) -> None:
    step = steps_of(SCRIPT)["export_ctr"]
    assert isinstance(step, ExportStep)
    with pytest.raises(NameNotFoundError, match=r"SR207.*no checkpoint yet"):
        world.run(step)
    world.run(train_step())
    with pytest.raises(NameNotFoundError, match=r"v2 for model ctr \(checkpoints: v1\)"):
        world.run(replace(step, checkpoint="v2"))
    with pytest.raises(NameNotFoundError, match=r"SR205.*Did you mean 'ctr'"):
        world.run(train_step(model=ModelName.parse("ctrr")), "r2")
    with pytest.raises(NameNotFoundError, match="SR207"):
        world.run(train_step(base="v0"), "r2")


def test_training_goes_on_from_a_training_checkpoint_only(world: World) -> None:
    steps = steps_of(SCRIPT)
    world.run(steps["train_ctr"])
    world.run(steps["export_ctr"])
    with pytest.raises(StateError, match=r"SR209.*it was made from: v1"):
        world.run(train_step(base="v1_export"), "r2")
    world.run(train_step(base="v1", checkpoint="v2"), "r2")
    again = world.registry.checkpoint(CTR, "v2")
    assert again is not None
    assert again.parent == "v1"


@pytest.mark.parametrize("name", ["", "../x", "v 1"])
def test_a_rendered_name_that_cannot_be_one_is_told(world: World, name: str) -> None:
    with pytest.raises(OptionError, match="SR211"):
        world.run(train_step(checkpoint=name))
    assert world.jobs.jobs == {}


def test_a_missing_table_is_told_before_a_job_starts(world: World, tmp_path: Path) -> None:
    (tmp_path / "data" / "samples.parquet").unlink()
    with pytest.raises(NameNotFoundError, match=r"SR401.*samples"):
        world.run(train_step())
    assert world.jobs.jobs == {}


def test_files_that_are_gone_are_told(world: World) -> None:
    key = RunKey(dag_id="s", run_id="r1", task_id="train_ctr")
    job = run_job_of(train_step(), world.env, key=key, report=world.said.append)
    gone = replace(job, facts={**job.facts, "output": "/nowhere"})
    with pytest.raises(StateError, match="SR511"):
        register_job_of(train_step(), world.env, key=key.of("x"), report=world.said.append, job=gone)


def test_drop_model_is_done_once_and_a_retry_knows_it(world: World) -> None:
    step = steps_of(SCRIPT)["drop_model_ctr"]
    dropped = world.run(step)
    assert (dropped.message, dropped.facts) == ("dropped model ctr", {"gone_model": "ctr"})
    for file in world.env.runs.rglob("drop_model_ctr.json"):
        file.unlink()
    assert world.run(step).message == "no model ctr to drop"
    with pytest.raises(NameNotFoundError, match="SR205"):
        world.run(step, "r2")
    assert isinstance(step, DropModelStep)
    assert world.run(replace(step, if_exists=True), "r2").message == "no model ctr to drop"
