"""Each kind of step as a task: which operator does it, and that a verdict is final."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from airflow.sdk import DAG

from sqlrec.airflow.dag import build_dag
from sqlrec.airflow.operators import as_text
from sqlrec.airflow.session import Session, opened
from sqlrec.execution.outcome import Preview
from sqlrec.plan.changes import RenameTo, ServeCheckpoint
from sqlrec.plan.plan import (
    AlterModelStep,
    AlterServiceStep,
    AssertStep,
    ChunkedCallStep,
    DefineApiStep,
    DefineFunctionStep,
    DefineModelStep,
    DeployStep,
    DropApiStep,
    DropFunctionStep,
    DropModelStep,
    DropServiceStep,
    EvaluateStep,
    ExplainStep,
    ExportStep,
    IfStep,
    ImportStep,
    Inspection,
    InspectStep,
    Plan,
    QueryMode,
    QueryStep,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.spec.function import ApiSpec, FunctionSpec, Program
from sqlrec.spec.job import JobKind
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql.statements import ObjectKind
from tests.airflow.memory_api import Finished, run_dag
from tests.execution.steps import World, make_world, probabilities, server

M = ModelName.of("m")
NUMBER = DataType.parse("INT")
MODEL = ModelSpec(
    name=M,
    type="tzrec.wide_and_deep",
    columns=Schema((Field(name="user_id", type=NUMBER), Field(name="y", type=NUMBER))),
    outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
    options={"label_columns": "y"},
)
ONE = Relation(query="SELECT 1 AS x")
PROGRAM = Program(name="f", inputs=(), steps=(), returns="")
FUNCTION = FunctionSpec(name="f", inputs=(), returns="", source="SELECT '{{ not_for_jinja }}'")
SELECT = QueryStep(id="select", line=1, sql="", mode=QueryMode.SELECT, query=ONE)
TARGET = TableSource(name="t", format=TableFormat.CACHE)

STEPS: dict[type, tuple[Any, list[str]]] = {
    type(step): (step, operators)
    for step, operators in [
        (DefineModelStep(id="s", line=1, sql="", model=MODEL), ["ModelOperator"]),
        (AlterModelStep(id="s", line=1, sql="", model=M, change=RenameTo(name=M)), ["ModelOperator"]),
        (DropModelStep(id="s", line=1, sql="", model=M), ["ModelOperator"]),
        (
            TrainStep(id="s", line=1, sql="", model=M, checkpoint="v1", data=ONE),
            ["JobOperator", "RegisterOperator"],
        ),
        (
            ExportStep(id="s", line=1, sql="", model=M, checkpoint="v1", exports=("v1_export",)),
            ["JobOperator", "RegisterOperator"],
        ),
        (
            ImportStep(id="s", line=1, sql="", model=M, checkpoint="imported"),
            ["JobOperator", "RegisterOperator"],
        ),
        (
            EvaluateStep(id="s", line=1, sql="", model=M, checkpoint="v1", data=ONE),
            ["JobOperator", "RegisterOperator"],
        ),
        (
            DeployStep(id="s", line=1, sql="", service="r", model=M, checkpoint="v1_export"),
            ["DeployOperator"],
        ),
        (
            AlterServiceStep(id="s", line=1, sql="", service="r", change=ServeCheckpoint(checkpoint="v2")),
            ["DeployOperator"],
        ),
        (RollbackStep(id="s", line=1, sql="", service="r"), ["DeployOperator"]),
        (DropServiceStep(id="s", line=1, sql="", service="r"), ["DeployOperator"]),
        (SELECT, ["QueryOperator"]),
        (ScoreStep(id="s", line=1, sql="", service="r", inputs=ONE), ["CallServiceOperator"]),
        (
            ChunkedCallStep(
                id="s", line=1, sql="", program=PROGRAM, arguments={"a": ONE}, chunked="a", size=2
            ),
            ["QueryOperator"],
        ),
        (AssertStep(id="s", line=1, sql="", query=ONE), ["ControlOperator"]),
        (IfStep(id="s", line=1, sql="", condition=ONE, then=SELECT), ["ControlOperator"]),
        (
            InspectStep(id="s", line=1, sql="", action=Inspection.SHOW, kind=ObjectKind.MODEL),
            ["InspectOperator"],
        ),
        (ExplainStep(id="s", line=1, sql="", step=SELECT), ["InspectOperator"]),
        (DefineFunctionStep(id="s", line=1, sql="", function=FUNCTION), ["FunctionOperator"]),
        (DropFunctionStep(id="s", line=1, sql="", function="f"), ["FunctionOperator"]),
        (
            DefineApiStep(id="s", line=1, sql="", api=ApiSpec(name="a", function="f", program=PROGRAM)),
            ["FunctionOperator"],
        ),
        (DropApiStep(id="s", line=1, sql="", api="a"), ["FunctionOperator"]),
    ]
}


def dag_of(*steps: Step) -> DAG:
    return build_dag(Plan(name="d", path="d.sql", steps=steps), project=Path("/p"))


def test_every_kind_of_step_is_here() -> None:
    assert set(STEPS) == set(get_args(Step))


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.__name__)
def test_a_step_is_the_task_of_its_operator(kind: type) -> None:
    step, operators = STEPS[kind]
    dag = dag_of(step)
    assert [type(task).__name__ for task in dag.tasks] == operators
    assert json.loads(json.dumps(dag.tasks[0].step))["$type"] == kind.__name__


def test_other_dags_wait_for_checkpoints_and_not_for_measurements() -> None:
    outlets = {kind: dag_of(STEPS[kind][0]).tasks[-1].outlets for kind in (TrainStep, EvaluateStep)}
    assert [asset.name for asset in outlets[TrainStep]] == ["model sqlrec.default.m"]
    assert outlets[EvaluateStep] == []


def test_the_text_of_a_function_is_no_template() -> None:
    (task,) = dag_of(STEPS[DefineFunctionStep][0]).tasks
    rendered = task.render_template(task.step, {"ds": "2026-01-01"})
    assert rendered["function"]["source"] == FUNCTION.source


def test_rows_are_aligned_in_a_log() -> None:
    preview = Preview(columns=("metric", "value"), rows=(("AUC", "0.75"), ("LogLoss", "")), total=5)
    assert as_text(preview) == "metric   value\nAUC      0.75\nLogLoss\n… and 3 more"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose jobs measure an AUC of 0.75, open for the operators."""
    with server(probabilities) as url:
        made = make_world(tmp_path, url)
        with opened(Session(env=made.env, on_event=lambda event: None)):
            yield made


def after(step: Any, name: str, *upstream: str) -> Any:
    return replace(step, id=name, upstream=upstream)


def gated(min_auc: float) -> list[Step]:
    measured = after(STEPS[EvaluateStep][0], "evaluate", "train")
    return [
        after(STEPS[DefineModelStep][0], "define"),
        after(STEPS[TrainStep][0], "train", "define"),
        replace(measured, options={"metrics": "auc", "min_auc": min_auc}),
        after(STEPS[ExportStep][0], "export", "evaluate"),
        after(STEPS[DeployStep][0], "deploy", "export"),
    ]


def run(*steps: Step) -> Finished:
    return run_dag(dag_of(*steps))


def test_a_checkpoint_that_passes_is_deployed(world: World) -> None:
    done = run(*gated(0.7))
    assert set(done.states.values()) == {"success"}
    assert done.outcome("register_evaluate")["preview"]["rows"] == [["AUC", "0.75"]]
    assert world.registry.service("r") is not None


def test_a_checkpoint_that_does_not_pass_is_not_deployed_and_not_tried_again(world: World) -> None:
    done = run(*gated(0.8))
    assert (done.states["evaluate"], done.states["register_evaluate"]) == ("success", "failed")
    assert (done.states["export"], done.states["deploy"]) == ("upstream_failed", "upstream_failed")
    error = done.errors["register_evaluate"]
    assert type(error).__name__ == "AirflowFailException"
    assert "AUC is 0.75, below min_auc = 0.8" in str(error)
    assert world.registry.service("r") is None
    assert [job.spec.kind for job in world.jobs.jobs.values()] == [JobKind.TRAIN, JobKind.EVALUATE]


def test_services_are_changed_and_taken_back(world: World) -> None:
    second = [
        after(replace(STEPS[TrainStep][0], checkpoint="v2"), "train2", "deploy"),
        after(replace(STEPS[ExportStep][0], checkpoint="v2", exports=("v2_export",)), "export2", "train2"),
        after(
            replace(STEPS[AlterServiceStep][0], change=ServeCheckpoint(checkpoint="v2_export")),
            "alter",
            "export2",
        ),
        after(STEPS[RollbackStep][0], "back", "alter"),
    ]
    done = run(*gated(0.7), *second)
    assert set(done.states.values()) == {"success"}
    assert [entry.checkpoint for entry in world.registry.history("r")] == [
        "v1_export",
        "v2_export",
        "v1_export",
    ]


def test_an_if_does_its_branch_in_its_own_task_and_an_assertion_is_final(world: World) -> None:
    caches = QueryStep(id="", line=1, sql="", mode=QueryMode.CACHE, query=ONE, target=TARGET)
    false = Relation(query="SELECT $p1 < '2026' AS early", parameters={"p1": "{{ ds }}"})
    done = run(
        after(IfStep(id="", line=1, sql="", condition=false, then=caches), "if_t"),
        after(AssertStep(id="", line=1, sql="ASSERT …", query=Relation(query="SELECT 1 > 2 AS b")), "assert"),
    )
    assert done.states == {"if_t": "success", "assert": "failed"}
    assert done.outcome("if_t")["facts"]["branch"] == "else"
    assert "row 1 has b = false" in str(done.errors["assert"])
    assert type(done.errors["assert"]).__name__ == "AirflowFailException"
