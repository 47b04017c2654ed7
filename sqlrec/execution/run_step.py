"""Run one step of a plan: the one place that knows what each kind of step does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from sqlrec.execution.call import Call, Report
from sqlrec.execution.define import define_model, drop_model, drop_service
from sqlrec.execution.deploy import deploy
from sqlrec.execution.environment import Environment
from sqlrec.execution.key import RunKey, registration_of
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.query import run_query
from sqlrec.execution.score import run_score
from sqlrec.execution.train import export_job, register, train_job
from sqlrec.plan.plan import (
    DefineModelStep,
    DeployStep,
    DropModelStep,
    DropServiceStep,
    ExportStep,
    QueryStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.spec.service import ServiceState

JobStep = TrainStep | ExportStep


def run_step(step: Step, env: Environment, *, key: RunKey, report: Report) -> Outcome:
    """Do a whole step, once per run: a step that is done gives its recorded outcome.

    All failures are errors of our tree. An interrupt stops the step's job with all its processes.
    """
    if isinstance(step, TrainStep | ExportStep):
        job = run_job_of(step, env, key=key, report=report)
        return register_job_of(step, env, key=key.of(registration_of(key.task_id)), report=report, job=job)
    call = Call(env=env, key=key, report=report)
    return _once(step, call, lambda: _run(step, call))


def run_job_of(step: JobStep, env: Environment, *, key: RunKey, report: Report) -> Outcome:
    """The first half of TRAIN or EXPORT: the job."""
    call = Call(env=env, key=key, report=report)
    return _once(step, call, lambda: _run(step, call))


def register_job_of(step: JobStep, env: Environment, *, key: RunKey, report: Report, job: Outcome) -> Outcome:
    """The second half: what the job made becomes checkpoints."""
    call = Call(env=env, key=key, report=report)
    return _once(step, call, lambda: register(step, call, job))


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
    if isinstance(step, DeployStep):
        running = call.env.services.endpoint(step.service)
        return running is not None and running.state is ServiceState.READY
    return "path" not in done.facts or Path(done.facts["path"]).exists()


def _run(step: Step, call: Call) -> Outcome:
    match step:
        case DefineModelStep():
            return define_model(step, call)
        case TrainStep():
            return train_job(step, call)
        case ExportStep():
            return export_job(step, call)
        case DeployStep():
            return deploy(step, call)
        case DropModelStep():
            return drop_model(step, call)
        case DropServiceStep():
            return drop_service(step, call)
        case QueryStep():
            return run_query(step, call)
        case ScoreStep():
            return run_score(step, call)
        case _:
            assert_never(step)
