"""EVALUATE: measured in a job, recorded on the checkpoint, and only then judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.artifacts.folder import publish, staging
from sqlrec.errors import EXIT_REFUSED, JobError, NameNotFoundError, OptionError, PolicyError, StateError
from sqlrec.execution.key import RunKey, registration_of
from sqlrec.execution.run_step import register_job_of, run_job_of
from sqlrec.plan.plan import EvaluateStep
from sqlrec.spec.job import EvaluateWork, JobKind, JobResult, JobSpec
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.execution.steps import MODEL, World, make_world, steps_of, work

SCRIPT = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples;
EXPORT MODEL ctr CHECKPOINT = 'v1';
"""
CTR = ModelName.of("ctr")
METRICS = {"auc": 0.75, "logloss": 0.25}
ROWS = Relation(
    query="SELECT * FROM samples",
    sources={"samples": TableSource(name="samples", format=TableFormat.WAREHOUSE)},
)


def program(
    metrics: Mapping[str, float], asked: str = ""
) -> Callable[[JobSpec, Callable[[str], None]], None]:
    """Jobs that do next to nothing, evaluations with these metrics."""

    def run(job: JobSpec, say: Callable[[str], None]) -> None:
        if job.kind is not JobKind.EVALUATE:
            return work(job, say)
        output = Path(job.output_uri)
        publish(
            staging(output),
            output,
            JobResult(rows=1000, seconds=1.5, metrics=metrics, params={"metrics": asked}),
        )
        return None

    return run


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "data").mkdir()
    pq.write_table(
        pa.table({"user_id": [1], "age": [2], "is_click": [0]}), tmp_path / "data" / "samples.parquet"
    )
    made = make_world(tmp_path)
    made.jobs.program = program(METRICS)
    for name in ("define_ctr", "train_ctr", "export_ctr"):
        made.run(steps_of(SCRIPT)[name])
    return made


def evaluate(checkpoint: str = "v1", **options: OptionValue) -> EvaluateStep:
    return EvaluateStep(
        id="evaluate_ctr", line=1, sql="", model=CTR, checkpoint=checkpoint, data=ROWS, options=options
    )


def evaluations(world: World) -> list[JobSpec]:
    return [job.spec for job in world.jobs.jobs.values() if job.spec.kind is JobKind.EVALUATE]


def metrics(world: World, name: str = "v1") -> Mapping[str, float]:
    found = world.registry.checkpoint(CTR, name)
    assert found is not None
    return found.metrics


@pytest.mark.parametrize(
    ("checkpoint", "kind"), [("v1", CheckpointKind.ORIGIN), ("v1_export", CheckpointKind.EXPORT)]
)
def test_a_checkpoint_of_either_kind_is_measured(world: World, checkpoint: str, kind: CheckpointKind) -> None:
    outcome = world.run(evaluate(checkpoint, metrics="logloss, auc, gauc", group_column="user_id"))
    assert outcome.preview is not None
    assert outcome.preview.columns == ("metric", "value")
    assert outcome.preview.rows == (("LogLoss", "0.25"), ("AUC", "0.75"), ("GAUC", ""))
    assert f"evaluated {checkpoint} of ctr on 1,000 rows: LogLoss 0.25, AUC 0.75" in outcome.message
    (job,) = evaluations(world)
    assert isinstance(job.work, EvaluateWork)
    assert (job.work.kind, job.work.checkpoint) == (kind, checkpoint)
    assert job.work.options["group_column"] == "user_id"
    assert Path(job.work.data.sources["samples"].path).is_absolute()


def test_the_metrics_stand_beside_those_of_the_training(world: World) -> None:
    world.run(evaluate(metrics="auc"))
    assert metrics(world) == {"auc": 0.75, "evaluation.auc": 0.75, "evaluation.logloss": 0.25}


def test_what_the_job_leaves_for_people_is_shown_with_the_checkpoint(world: World) -> None:
    outcome = world.run(evaluate())
    assert list(world.registry.shown.values()) == [Path(outcome.facts["plots"]).parent]


def test_metrics_that_the_objective_decided_are_shown_with_those_of_each_label(world: World) -> None:
    world.jobs.program = program({"rmse": 2.0, "auc.click": 0.5}, asked="rmse,mae")
    outcome = world.run(evaluate(metrics="rmse"))
    assert outcome.preview is not None
    assert outcome.preview.rows == (("RMSE", "2"), ("MAE", ""), ("AUC of click", "0.5"))


def test_a_checkpoint_beyond_a_bound_is_refused_after_it_was_recorded(world: World) -> None:
    with pytest.raises(PolicyError) as caught:
        world.run(evaluate(min_auc=0.8, max_logloss=0.3))
    assert caught.value.exit_status == EXIT_REFUSED
    assert caught.value.message == (
        "checkpoint v1 (version 1) of ctr does not pass: AUC is 0.75, below min_auc = 0.8"
    )
    assert metrics(world)["evaluation.auc"] == 0.75
    assert any("AUC 0.75" in line for line in world.said)


def test_a_refusal_stays_one_and_nothing_is_measured_again(world: World) -> None:
    for _ in range(2):
        with pytest.raises(PolicyError):
            world.run(evaluate(min_auc=0.8))
    assert [job.starts for job in world.jobs.jobs.values()] == [1, 1, 1]
    assert world.run(evaluate(min_auc=0.75), "r2").metrics == METRICS


def test_the_verdict_is_a_task_of_its_own(world: World) -> None:
    key = RunKey(dag_id="s", run_id="r1", task_id="evaluate_ctr")
    step = evaluate(min_auc=0.9)
    job = run_job_of(step, world.env, key=key, report=world.said.append)
    assert "evaluation.auc" not in metrics(world)
    with pytest.raises(PolicyError):
        register_job_of(
            step, world.env, key=key.of(registration_of(key.task_id)), report=world.said.append, job=job
        )


def test_an_undefined_metric_breaks_its_bound(world: World) -> None:
    world.jobs.program = program({"logloss": 0.1})
    with pytest.raises(PolicyError, match=r"AUC is undefined on these rows, which breaks min_auc = 0\.5"):
        world.run(evaluate(min_auc=0.5))


@pytest.mark.parametrize(
    ("step", "error", "says"),
    [
        (evaluate(min_acu=0.5), OptionError, r"SR301.*Did you mean 'min_auc'"),
        (evaluate(metrics="auc, magic"), OptionError, r"SR303.*'magic'"),
        (evaluate(metrics="gauc"), OptionError, r"SR265.*group_column"),
        (evaluate("v9"), NameNotFoundError, "SR207"),
        (replace(evaluate(), model=ModelName.of("nope")), NameNotFoundError, "SR205"),
        (
            replace(
                evaluate(), data=replace(ROWS, sources={"s": TableSource(name="s", format=TableFormat.CACHE)})
            ),
            NameNotFoundError,
            "SR401",
        ),
    ],
)
def test_what_cannot_be_measured_starts_no_job(
    world: World, step: EvaluateStep, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        world.run(step)
    assert evaluations(world) == []


def test_a_job_that_fails_records_nothing(world: World) -> None:
    def broken(job: object, say: object) -> None:
        raise JobError("SR451", "samples has no rows")

    world.jobs.program = broken
    with pytest.raises(JobError, match="samples has no rows"):
        world.run(evaluate())
    assert metrics(world) == {"auc": 0.75}


def test_a_version_that_is_dropped_meanwhile_is_told(world: World) -> None:
    key = RunKey(dag_id="s", run_id="r1", task_id="evaluate_ctr")
    job = run_job_of(evaluate(), world.env, key=key, report=world.said.append)
    world.registry.drop_checkpoint(CTR, "v1")
    with pytest.raises(StateError, match=r"SR263.*version 1 of model ctr"):
        register_job_of(evaluate(), world.env, key=key.of("x"), report=world.said.append, job=job)
