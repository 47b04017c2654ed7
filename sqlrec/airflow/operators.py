"""Operators: one task of a run, told what to do by a step of the plan.

The step travels as plain data in a templated field. Airflow renders its templates for each run, shows the
result under "Rendered Templates" and, because only templated fields count for a DAG's version, sees every
change of it. What a step does is the business of :mod:`sqlrec.execution`, imported when a task runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from sqlrec.airflow import session
from sqlrec.airflow.links import CheckpointLink, ServiceLink
from sqlrec.errors import JobError, RemoteError, SqlRecError, StateError
from sqlrec.execution.rendering import VERBATIM

if TYPE_CHECKING:
    from sqlrec.execution.call import Report
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.key import RunKey
    from sqlrec.execution.outcome import Outcome, Preview
    from sqlrec.plan.plan import Step


class StepOperator(BaseOperator):
    """Does one step of a script.

    ``digest`` is the plan's; ``project`` is the folder of the settings, ``runtime`` what the script says
    about them, if anything.
    """

    template_fields: Sequence[str] = ("step", "digest")
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json"}
    ui_color = "#e8eef7"

    def __init__(
        self, *, step: Mapping[str, object], digest: str, project: str, runtime: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.digest = digest
        self.project = project
        self.runtime = runtime
        self.is_done = False
        self.facts: Mapping[str, str] = {}

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, seen_oids: Any = None
    ) -> Any:
        """Render strings that hold a template, and those only; SQL text stays as it is."""
        if isinstance(content, Mapping):
            return {
                key: value
                if key in VERBATIM and isinstance(value, str)
                else self.render_template(value, context, jinja_env, seen_oids)
                for key, value in content.items()
            }
        if isinstance(content, list):
            return [self.render_template(item, context, jinja_env, seen_oids) for item in content]
        if isinstance(content, str) and "{{" not in content and "{%" not in content:
            return content
        return super().render_template(content, with_dates(context), jinja_env, seen_oids)

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the step; a template that cannot be rendered now cannot be on a retry either."""
        try:
            super().render_template_fields(context, jinja_env)
        except Exception as error:
            failure = StateError(
                "SR724",
                f"a template cannot be rendered: {error}",
                hint="see the values of the run's parameters",
            )
            session.failed(self.task_id, failure)
            raise AirflowFailException(str(failure)) from error

    def execute(self, context: Any) -> object:
        """Do the step; the outcome goes to XCom as plain data."""
        return self.do(context)

    def do(self, context: Any) -> object:
        """What the task does when it is run, and again when it goes on after it was deferred."""
        from sqlrec.plan.plan import Step
        from sqlrec.spec import codec

        step = cast("Step", codec.decode(Step, self.step))
        self.is_done = False
        try:
            with session.task(self.task_id, self.log) as report:
                outcome = self.perform(step, self._environment(), _key(context), report, context)
        except SqlRecError as error:
            if _is_final(error):
                raise AirflowFailException(str(error)) from error
            raise
        except (KeyboardInterrupt, SystemExit) as stop:
            if session.interrupted(stop):
                raise AirflowFailException("the run was stopped") from stop
            raise
        finally:
            self.is_done = True
        self.facts = outcome.facts
        if outcome.preview is not None:
            self.log.info("%s", as_text(outcome.preview))
        return codec.encode(outcome)

    def perform(self, step: Step, env: Environment, key: RunKey, report: Report, context: Any) -> Outcome:
        """What this kind of task does of its step: all of it."""
        from sqlrec.execution.run_step import run_step

        return run_step(step, env, key=key, report=report)

    def on_kill(self) -> None:
        """End the step where it stands; it stops its job on the way out.

        Airflow also calls this after a step has run out of its time, when there is nothing left to end.
        """
        if not self.is_done:
            stop = SystemExit(f"task {self.task_id} was terminated")
            session.interrupted(stop)
            raise stop

    def _environment(self) -> Environment:
        from sqlrec.airflow.cluster import environment
        from sqlrec.execution.environment import with_runtime
        from sqlrec.settings import load

        running = session.current()
        if running is not None:
            return running.env
        return environment(with_runtime(load(Path(self.project)), self.runtime), airflow_secret)


class ModelOperator(StepOperator):
    """CREATE, ALTER and DROP MODEL."""

    ui_color = "#efe7f5"


class JobOperator(StepOperator):
    """The job of TRAIN, EXPORT or EVALUATE MODEL, on the job runtime of the settings."""

    ui_color = "#fdf0d5"

    def perform(self, step: Step, env: Environment, key: RunKey, report: Report, context: Any) -> Outcome:
        """Submit the job, or find it running, and wait for its files."""
        from sqlrec.execution.run_step import JobStep, run_job_of

        return run_job_of(cast("JobStep", step), env, key=key, report=report)


class RegisterOperator(StepOperator):
    """Registers what the job of the task ``job_task`` made.

    Of EVALUATE it records the metrics and judges them: a checkpoint that does not pass is not tried again.
    """

    ui_color = "#efe7f5"
    operator_extra_links = (CheckpointLink(),)

    def __init__(self, *, job_task: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_task = job_task

    def perform(self, step: Step, env: Environment, key: RunKey, report: Report, context: Any) -> Outcome:
        """Turn the job's files into checkpoints, or its numbers into a verdict."""
        from sqlrec.execution.outcome import Outcome
        from sqlrec.execution.run_step import JobStep, register_job_of
        from sqlrec.spec import codec

        handed_on = context["ti"].xcom_pull(task_ids=self.job_task)
        job = cast("Outcome", codec.decode(Outcome, handed_on))
        return register_job_of(cast("JobStep", step), env, key=key, report=report, job=job)


class DeployOperator(StepOperator):
    """CREATE, ALTER, ROLLBACK and DROP SERVICE: a transaction that ends well or changes nothing."""

    ui_color = "#e3f4e8"
    operator_extra_links = (ServiceLink(),)


class CallServiceOperator(StepOperator):
    """Batch scoring: a table in, predictions of a service out."""

    ui_color = "#e0f2f4"


class QueryOperator(StepOperator):
    """CACHE TABLE, INSERT and SELECT, and calls of functions in parts."""


class ControlOperator(StepOperator):
    """ASSERT and IF."""

    ui_color = "#fbe4e0"
    operator_extra_links = (ServiceLink(),)


class InspectOperator(StepOperator):
    """SHOW, DESCRIBE, SHOW CREATE and EXPLAIN: the rows stand in the task's log."""

    ui_color = "#f3f3ee"


class FunctionOperator(StepOperator):
    """CREATE and DROP of SQL functions and APIs."""

    ui_color = "#efe7f5"


def as_text(preview: Preview) -> str:
    """Rows as a table of plain text, for a log."""
    lines = [preview.columns, *preview.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    left = preview.total - len(preview.rows)
    return "\n".join([*(line.rstrip() for line in text), *([f"… and {left:,} more"] if left else [])])


def with_dates(context: Any) -> Any:
    """A context in which ``ds`` and friends exist in every run.

    A run triggered without a logical date has none of them; the time from which it may run stands in.
    """
    if "ds" in context:
        return context
    at: datetime = context["dag_run"].run_after
    ds, ts = at.strftime("%Y-%m-%d"), at.isoformat()
    dates = {"ds": ds, "ds_nodash": ds.replace("-", ""), "ts": ts, "logical_date": at}
    dates["ts_nodash"] = at.strftime("%Y%m%dT%H%M%S")
    return {**context, **dates}


def airflow_secret(name: str) -> str | None:
    """A secret kept by Airflow: ``conn.ID.FIELD`` is a field of a connection, another name a variable."""
    from airflow.sdk import Connection, Variable
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    prefix, _, rest = name.partition(".")
    if prefix != "conn":
        value = Variable.get(name, default=None)
        return None if value is None else str(value)
    connection_id, _, field = rest.partition(".")
    try:
        connection = Connection.get(connection_id)
    except (AirflowNotFoundException, AirflowRuntimeError):
        return None
    value = getattr(connection, field, None)
    if value is None:
        value = connection.extra_dejson.get(field.removeprefix("extra."))
    return None if value is None else str(value)


def _key(context: Any) -> RunKey:
    from sqlrec.execution.key import RunKey

    ti = context["ti"]
    return RunKey(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)


def _is_final(error: SqlRecError) -> bool:
    """Whether trying again cannot help: a wrong name stays wrong, a killed job may run the next time."""
    if isinstance(error, RemoteError):
        return not error.retriable
    return not isinstance(error, JobError)
