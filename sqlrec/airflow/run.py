"""Run a script in this process: the very DAG that a scheduler would run, on an embedded Airflow.

An unfinished run of the same plan with the same parameters is taken up again, and steps it has finished
are not done twice. Airflow's own lines go to a log file; the caller gets events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.airflow import embedded, session
from sqlrec.airflow.cache import plan_of
from sqlrec.airflow.cluster import environment
from sqlrec.airflow.quiet import logging_to
from sqlrec.airflow.session import Event, Session
from sqlrec.errors import JobError, SqlRecError
from sqlrec.execution.environment import with_runtime
from sqlrec.execution.outcome import Journal, Outcome
from sqlrec.execution.params import bind_params
from sqlrec.execution.runs import Run, RunState, held_run, save
from sqlrec.execution.select import select_steps
from sqlrec.plan.plan import Plan
from sqlrec.plan.script_options import effective_settings
from sqlrec.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import DAG

RETRY_DELAY = timedelta(seconds=5)
"""Longest wait before a retry: somebody is watching."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """How a task ended: ``success``, ``failed``, ``upstream_failed`` and Airflow's other states."""

    id: str
    state: str
    seconds: float
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run ended. ``error`` is that of the task that failed first, None when all went well."""

    dag_id: str
    run_id: str
    folder: Path
    resumed: bool
    seconds: float
    tasks: tuple[TaskReport, ...]
    log: Path
    error: SqlRecError | None = None


def run_script(
    path: Path,
    *,
    params: Mapping[str, str],
    from_step: str = "",
    to_step: str = "",
    fresh: bool = False,
    settings: Settings,
    on_event: Callable[[Event], None],
) -> RunReport:
    """Run a script's DAG, or the part of it between two steps, and wait.

    A task that fails is reported, not raised: see :attr:`RunReport.error`. Raises ``ScriptError`` for a
    script with problems, ``OptionError`` SR321 for wrong parameters, ``NameNotFoundError`` SR720 for an
    unknown step, ``SetupError`` when the work directory cannot be used, and what interrupted the run.
    """
    whole = plan_of(path, settings.work_dir / "plans")
    plan = select_steps(whole, from_step=from_step, to_step=to_step)
    bound = bind_params(plan.params, params)
    named = str(effective_settings(plan.settings)["runtime"].value or "")
    env = environment(with_runtime(settings, named))
    with held_run(plan, bound, env.runs, fresh=fresh) as run:
        report = _run(plan, run, Session(env=env, on_event=on_event))
        state = RunState.FAILED if report.error else RunState.SUCCEEDED
        save(replace(run, state=state), env.runs)
    return report


def _run(plan: Plan, run: Run, running: Session) -> RunReport:
    settings = running.env.settings
    folder = run.folder(running.env.runs)
    log = folder / "airflow.log"
    began = time.monotonic()
    with ExitStack() as stack:
        file = stack.enter_context(log.open("a", encoding="utf-8"))
        stack.enter_context(logging_to(file))
        embedded.start(settings.work_dir)
        stack.enter_context(embedded.bundle(plan, settings.project, settings.runtime))
        stack.enter_context(session.opened(running))
        states = _test(_dag(plan, settings), run)
    if running.interrupt is not None:
        raise running.interrupt
    journal = Journal(folder)
    tasks = tuple(
        TaskReport(id=name, state=state, seconds=running.seconds.get(name, 0.0), outcome=journal.read(name))
        for name, state in states.items()
    )
    return RunReport(
        dag_id=plan.name,
        run_id=run.run_id,
        folder=folder,
        resumed=bool(run.resumed),
        seconds=time.monotonic() - began,
        tasks=tasks,
        log=log,
        error=_error(tasks, running, log),
    )


def _dag(plan: Plan, settings: Settings) -> DAG:
    from sqlrec.airflow.dag import build_dag

    dag = build_dag(plan, project=settings.project, runtime=settings.runtime)
    retries = effective_settings(plan.settings)["dag.retries"].value
    for task in dag.tasks:
        task.retries = retries  # those of the script: no process is lost here that another would replace
        task.retry_delay = min(task.retry_delay, RETRY_DELAY)
    return dag


def _test(dag: DAG, run: Run) -> dict[str, str]:
    """State of each task, in the order of the script."""
    from sqlrec.airflow.compat import serve_one_version

    serve_one_version()
    finished = dag.test(run_after=run.date, logical_date=run.date, run_conf=dict(run.params))
    found = {ti.task_id: str(ti.state) for ti in finished.get_task_instances()}
    return {name: found[name] for name in dag.task_dict if name in found}


def _error(tasks: tuple[TaskReport, ...], running: Session, log: Path) -> SqlRecError | None:
    bad = [task for task in tasks if task.state != "success"]
    if not bad:
        return None
    known = [running.errors[task.id] for task in bad if task.id in running.errors]
    for error in known:
        if isinstance(error, SqlRecError):
            return error
    failed = next((task for task in bad if task.state == "failed"), bad[0])
    said = f": {known[0]!r}" if known else ""
    return JobError("SR723", f"task {failed.id} {failed.state}{said}", hint=f"see {log}")
