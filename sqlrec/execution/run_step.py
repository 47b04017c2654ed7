"""Run one step of a plan: the one place that knows what each kind of step does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from sqlrec.artifacts.store import exists
from sqlrec.execution.alter_model import alter_model
from sqlrec.execution.api import define_api, drop_api, is_registered, service_name
from sqlrec.execution.call import Call, Report
from sqlrec.execution.control import run_assert, run_if, taken
from sqlrec.execution.define import define_model, drop_model, drop_service
from sqlrec.execution.deploy import deploy
from sqlrec.execution.environment import Environment
from sqlrec.execution.evaluate import evaluate_job, record_evaluation
from sqlrec.execution.explain import explain_step
from sqlrec.execution.functions import define_function, drop_function
from sqlrec.execution.inspect import inspect
from sqlrec.execution.key import RunKey, registration_of
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.program import run_chunked_call
from sqlrec.execution.query import run_query
from sqlrec.execution.score import run_score
from sqlrec.execution.service_changes import alter_service, rollback_service
from sqlrec.execution.train import export_job, import_job, register, train_job
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
    QueryStep,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.registry.registry import DeployState
from sqlrec.spec.job import JobResult, JobSpec
from sqlrec.spec.service import ServiceState

ModelStep = DefineModelStep | AlterModelStep | DropModelStep
JobStep = TrainStep | ExportStep | ImportStep | EvaluateStep
"""Steps of two tasks: the job, and the record of what it made or measured."""
ServiceStep = DeployStep | AlterServiceStep | RollbackStep | DropServiceStep
RowStep = QueryStep | ScoreStep | ChunkedCallStep
ControlStep = AssertStep | IfStep
LookStep = InspectStep | ExplainStep
FunctionStep = DefineFunctionStep | DropFunctionStep | DefineApiStep | DropApiStep


def run_step(step: Step, env: Environment, *, key: RunKey, report: Report) -> Outcome:
    """Do a whole step, once per run: a step that is done gives its recorded outcome.

    All failures are errors of our tree. An interrupt stops the step's job with all its processes.
    """
    return _whole(step, Call(env=env, key=key, report=report))


def run_job_of(
    step: JobStep,
    env: Environment,
    *,
    key: RunKey,
    report: Report,
    job_runner: Callable[[JobSpec], JobResult] | None = None,
) -> Outcome:
    """The first half of TRAIN, EXPORT, an import or EVALUATE: the job, by ``job_runner`` if it is given."""
    call = Call(env=env, key=key, report=report, job_runner=job_runner)
    return _once(step, call, lambda: _job(step, call))


def register_job_of(step: JobStep, env: Environment, *, key: RunKey, report: Report, job: Outcome) -> Outcome:
    """The second half: what the job made becomes checkpoints, what it measured is recorded and judged."""
    call = Call(env=env, key=key, report=report)
    return _once(step, call, lambda: _registered(step, call, job))


def _whole(step: Step, call: Call) -> Outcome:
    if not isinstance(step, JobStep):
        return _once(step, call, lambda: _run(step, call))
    job = run_job_of(step, call.env, key=call.key, report=call.report)
    key = call.key.of(registration_of(call.key.task_id))
    return register_job_of(step, call.env, key=key, report=call.report, job=job)


def _once(step: Step, call: Call, work: Callable[[], Outcome]) -> Outcome:
    done = call.journal.read(call.key.task_id)
    if done is not None and _still_holds(step, done, call):
        call.report(f"done before in this run: {done.message}")
        return done
    began = time.monotonic()
    outcome = work()
    if not outcome.seconds:
        outcome = replace(outcome, seconds=round(time.monotonic() - began, 3))
    call.journal.write(call.key.task_id, outcome)
    call.report(outcome.message)
    return outcome


def _still_holds(step: Step, done: Outcome, call: Call) -> bool:
    """Whether what a step did is still there: a service may have died since, a file been removed."""
    if isinstance(step, IfStep):
        branch = taken(step, done)
        return _still_holds(branch, done, call) if branch else _has_its_file(done)
    if isinstance(step, DeployStep | AlterServiceStep | RollbackStep):
        running = call.env.services.endpoint(step.service)
        is_ready = running is not None and running.state is ServiceState.READY
        return is_ready or _has_been_changed(step.service, call)
    if isinstance(step, DefineApiStep):
        server = call.env.services.endpoint(service_name(step.api.name))
        is_ready = server is not None and server.state is ServiceState.READY
        return is_ready or not is_registered(step.api.name, call.env.registry)
    return _has_its_file(done)


def _has_its_file(done: Outcome) -> bool:
    return "path" not in done.facts or exists(done.facts["path"])


def _has_been_changed(service: str, call: Call) -> bool:
    """Whether a later step of the run took the service over: that one looks after it now."""
    done = [e for e in call.env.registry.history(service) if e.state is DeployState.FINISHED]
    last = max(done, key=lambda entry: (entry.finished_at, entry.revision), default=None)
    return last is not None and last.key != call.key.text and last.key.startswith(call.key.run)


def _run(step: Step, call: Call) -> Outcome:
    match step:
        case DefineModelStep() | AlterModelStep() | DropModelStep():
            return _model(step, call)
        case TrainStep() | ExportStep() | ImportStep() | EvaluateStep():
            return _job(step, call)
        case DeployStep() | AlterServiceStep() | RollbackStep() | DropServiceStep():
            return _service(step, call)
        case QueryStep() | ScoreStep() | ChunkedCallStep():
            return _rows(step, call)
        case AssertStep() | IfStep():
            return _control(step, call)
        case InspectStep() | ExplainStep():
            return _look(step, call)
        case DefineFunctionStep() | DropFunctionStep() | DefineApiStep() | DropApiStep():
            return _function(step, call)
        case _:
            assert_never(step)


def _model(step: ModelStep, call: Call) -> Outcome:
    match step:
        case DefineModelStep():
            return define_model(step, call)
        case AlterModelStep():
            return alter_model(step, call)
        case DropModelStep():
            return drop_model(step, call)
        case _:
            assert_never(step)


def _job(step: JobStep, call: Call) -> Outcome:
    match step:
        case TrainStep():
            return train_job(step, call)
        case ExportStep():
            return export_job(step, call)
        case ImportStep():
            return import_job(step, call)
        case EvaluateStep():
            return evaluate_job(step, call)
        case _:
            assert_never(step)


def _registered(step: JobStep, call: Call, job: Outcome) -> Outcome:
    return record_evaluation(step, call, job) if isinstance(step, EvaluateStep) else register(step, call, job)


def _service(step: ServiceStep, call: Call) -> Outcome:
    match step:
        case DeployStep():
            return deploy(step, call)
        case AlterServiceStep():
            return alter_service(step, call)
        case RollbackStep():
            return rollback_service(step, call)
        case DropServiceStep():
            return drop_service(step, call)
        case _:
            assert_never(step)


def _rows(step: RowStep, call: Call) -> Outcome:
    match step:
        case QueryStep():
            return run_query(step, call)
        case ScoreStep():
            return run_score(step, call)
        case ChunkedCallStep():
            return run_chunked_call(step, call)
        case _:
            assert_never(step)


def _control(step: ControlStep, call: Call) -> Outcome:
    match step:
        case AssertStep():
            return run_assert(step, call)
        case IfStep():
            return run_if(step, call, _whole)
        case _:
            assert_never(step)


def _look(step: LookStep, call: Call) -> Outcome:
    return inspect(step, call) if isinstance(step, InspectStep) else explain_step(step, call)


def _function(step: FunctionStep, call: Call) -> Outcome:
    match step:
        case DefineFunctionStep():
            return define_function(step, call)
        case DropFunctionStep():
            return drop_function(step, call)
        case DefineApiStep():
            return define_api(step, call)
        case DropApiStep():
            return drop_api(step, call)
        case _:
            assert_never(step)
