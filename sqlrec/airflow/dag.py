"""Plan to DAG: the same plan always gives the same DAG.

Each step is a task; TRAIN, EXPORT, an import and EVALUATE are two, the job and the registration of its
result, so that a registration that fails does not cost a training. The script's text is the DAG's
documentation, and the plan's digest is in every task, so a change of the script makes one new version of
the DAG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, assert_never

from airflow.sdk import DAG, Asset

from sqlrec.airflow.cluster_jobs import IndexedJobOperator, PodJobOperator
from sqlrec.airflow.operators import (
    CallServiceOperator,
    ControlOperator,
    DeployOperator,
    FunctionOperator,
    InspectOperator,
    JobOperator,
    ModelOperator,
    QueryOperator,
    RegisterOperator,
    StepOperator,
)
from sqlrec.airflow.params import dag_params
from sqlrec.errors import OptionError
from sqlrec.execution.key import registration_of
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
    InspectStep,
    Plan,
    QueryStep,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.plan.script_options import effective_settings
from sqlrec.spec import codec

TAG = "sqlrec"
CLUSTER_RETRIES = 1
"""Of the job of a cluster, unless the script says otherwise: a task that was killed finds its job again."""

NODES = "nnodes"

JobStep = TrainStep | ExportStep | ImportStep | EvaluateStep
JobMaker = Callable[..., JobOperator]


def build_dag(plan: Plan, *, project: Path, runtime: str = "local") -> DAG:
    """The DAG of a plan. ``project`` is where its tasks look for their settings.

    ``runtime`` is that of the settings, for a script that names none. Raises ``OptionError`` SR322 for a
    schedule of a script that must be given a parameter.
    """
    settings = effective_settings(plan.settings)
    chosen = {key: option.value for key, option in settings.items()}
    _check_schedule(plan, _schedule(chosen))
    common = {"digest": plan.digest, "project": str(project), "runtime": str(chosen["runtime"] or "")}
    job_task: JobMaker = JobOperator
    if (chosen["runtime"] or runtime) == "kubernetes":
        nodes = {step.id: _nodes(step) for step in plan.steps}
        is_set = settings["dag.retries"].origin == "script"
        job_task = partial(_cluster_job, nodes, retries=chosen["dag.retries"] if is_set else CLUSTER_RETRIES)
    with DAG(**_dag_arguments(plan, chosen)) as dag:
        done: dict[str, StepOperator] = {}
        for step in plan.steps:
            first, last = _tasks(step, common, job_task)
            first.set_upstream([done[name] for name in step.upstream])
            done[step.id] = last
    return dag


def _tasks(step: Step, plan: Mapping[str, str], job_task: JobMaker) -> tuple[StepOperator, StepOperator]:
    """First and last task of a step; ``plan`` is what all tasks of the plan share."""
    common: dict[str, Any] = {
        **plan,
        "step": codec.encode(step),
        "doc_md": f"```sql\n{step.sql}\n```",
    }
    match step:
        case TrainStep() | ExportStep() | ImportStep() | EvaluateStep():
            return _job_tasks(step, common, job_task)
        case DefineModelStep() | AlterModelStep() | DropModelStep():
            task: StepOperator = ModelOperator(task_id=step.id, **common)
        case DeployStep() | AlterServiceStep() | RollbackStep() | DropServiceStep():
            task = DeployOperator(task_id=step.id, **common)
        case ScoreStep():
            task = CallServiceOperator(task_id=step.id, **common)
        case QueryStep() | ChunkedCallStep():
            task = QueryOperator(task_id=step.id, **common)
        case AssertStep() | IfStep():
            task = ControlOperator(task_id=step.id, **common)
        case InspectStep() | ExplainStep():
            task = InspectOperator(task_id=step.id, **common)
        case DefineFunctionStep() | DropFunctionStep() | DefineApiStep() | DropApiStep():
            task = FunctionOperator(task_id=step.id, **common)
        case _:
            assert_never(step)
    return task, task


def _job_tasks(
    step: JobStep, common: Mapping[str, Any], job_task: JobMaker
) -> tuple[StepOperator, StepOperator]:
    """A job, and what is recorded of it; all but EVALUATE make something that others may wait for."""
    job = job_task(task_id=step.id, **common)
    outlets = [] if isinstance(step, EvaluateStep) else [model_asset(step)]
    register = RegisterOperator(task_id=registration_of(step.id), job_task=step.id, outlets=outlets, **common)
    register.set_upstream(job)
    return job, register


def _cluster_job(nodes: Mapping[str, int], *, task_id: str, **arguments: Any) -> JobOperator:
    """The job of a step in a cluster: that of several machines if the plan knows of them."""
    operator = IndexedJobOperator if nodes[task_id] > 1 else PodJobOperator
    return operator(task_id=task_id, **arguments)


def _nodes(step: Step) -> int:
    """Machines of a step's job as far as the plan knows: a template has no number yet."""
    given = str(step.options.get(NODES, 1)) if isinstance(step, TrainStep | ExportStep) else "1"
    return int(given) if given.isdecimal() else 1


def model_asset(step: TrainStep | ExportStep | ImportStep) -> Asset:
    """What other DAGs may wait for: new checkpoints of a model."""
    return Asset(name=f"model {step.model.full}", uri=f"sqlrec://models/{step.model.full}")


def _dag_arguments(plan: Plan, chosen: Mapping[str, Any]) -> dict[str, Any]:
    start = datetime.fromisoformat(str(chosen["dag.start_date"]))
    timeout = chosen["dag.timeout"]
    return {
        "dag_id": plan.name,
        "schedule": _schedule(chosen),
        "start_date": start if start.tzinfo else start.replace(tzinfo=UTC),
        "catchup": chosen["dag.catchup"],
        "description": chosen["dag.description"] or None,
        "tags": sorted({TAG, *chosen["dag.tags"]}),
        "max_active_runs": chosen["dag.max_active_runs"],
        "max_active_tasks": chosen["dag.max_active_tasks"],
        "params": dag_params(plan.params),
        "doc_md": f"```sql\n{plan.source.strip()}\n```",
        "default_args": {
            "owner": chosen["dag.owner"],
            "retries": chosen["dag.retries"],
            "retry_delay": timedelta(seconds=chosen["dag.retry_delay"]),
            "execution_timeout": timedelta(seconds=timeout) if timeout else None,
            "pool": chosen["dag.pool"],
        },
    }


def _schedule(chosen: Mapping[str, Any]) -> str | None:
    text = str(chosen["dag.schedule"] or "none").strip()
    return None if text.casefold() == "none" else text


def _check_schedule(plan: Plan, schedule: str | None) -> None:
    missing = [param.name for param in plan.params if param.default is None]
    if schedule and missing:
        raise OptionError(
            "SR322",
            f"parameter {missing[0]!r} has no default, which a run of the schedule {schedule!r} needs",
            hint=f"write DECLARE {missing[0]} … DEFAULT …, or drop SET 'dag.schedule'",
        )
