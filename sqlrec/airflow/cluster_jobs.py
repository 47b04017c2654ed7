"""Operators whose jobs run in a cluster.

A job of one machine is a pod, which the provider's KubernetesPodOperator starts and follows; a job of several
is an Indexed Job, for which the provider has nothing fit. How many machines a job has is certain when it is
prepared, which the task does each time it is run, also to go on after it was deferred.

The provider takes a second to import, so nothing of it is imported before a job is to run: a DAG of such
operators costs the DAG processor no more than any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import ResumableJobMixin
from airflow.sdk.exceptions import AirflowTaskTimeout, TaskDeferred

from sqlrec.airflow import session
from sqlrec.airflow.cluster import extras_of, is_deferrable, keeps_failed
from sqlrec.airflow.ending import is_over
from sqlrec.airflow.operators import JobOperator
from sqlrec.artifacts.folder import read_result
from sqlrec.errors import JobError
from sqlrec.runtimes.kubernetes.failures import LOST
from sqlrec.runtimes.kubernetes.pod import namespace_of
from sqlrec.spec.job import JobHandle, JobResult, JobSpec, JobState

if TYPE_CHECKING:
    from sqlrec.execution.call import Report
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.key import RunKey
    from sqlrec.execution.outcome import Outcome
    from sqlrec.plan.plan import Step

DEFERRAL_FAILED = "__fail__"
"""Airflow's name of the method by which it goes on when the triggerer failed."""
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A job that is to run, and with what."""

    job: JobSpec
    env: Environment
    report: Report

    @property
    def handle(self) -> JobHandle:
        """The job as its runtime knows it, also while it is being submitted."""
        namespace = namespace_of(self.job.pod, self.env.settings.kubernetes)
        return JobHandle(
            id=self.job.id, runtime="kubernetes", place=namespace, output_uri=self.job.output_uri
        )


class IndexedJobOperator(ResumableJobMixin, JobOperator):
    """The job of a step as a Job of the cluster, one pod a machine.

    A try that follows another finds its job running or finished, and starts anew what has failed or was told
    otherwise.
    """

    external_id_key = "job"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.event: Mapping[str, Any] = NOTHING
        self.prepared: Prepared | None = None

    def perform(self, step: Step, env: Environment, key: RunKey, report: Report, context: Any) -> Outcome:
        """Prepare the job, and run it here."""
        from sqlrec.execution.run_step import JobStep, run_job_of

        runner = partial(self.run_job, env, report, context)
        return run_job_of(cast("JobStep", step), env, key=key, report=report, job_runner=runner)

    def resume_execution(
        self, next_method: str, next_kwargs: Mapping[str, Any] | None, context: Any
    ) -> object:
        """Go on after a deferral, also after one that failed: its job must not be left running."""
        given = next_kwargs or NOTHING
        if next_method == DEFERRAL_FAILED:
            self.event = {"status": "lost", "message": given.get("error", "the triggerer failed")}
        else:
            self.event = given["event"]
        return self.do(context)

    def run_job(self, env: Environment, report: Report, context: Any, job: JobSpec) -> JobResult:
        """Result of a job; raises ``JobError`` with the reason when it fails."""
        self.prepared = Prepared(job=job, env=env, report=report)
        try:
            return self._result(context)
        except TaskDeferred:
            raise
        except SystemExit:
            if is_over(context["ti"]):
                env.jobs.cancel(self.prepared.handle)
            raise
        except BaseException as error:
            if not (isinstance(error, JobError) and self._stays(self.prepared)):
                env.jobs.cancel(self.prepared.handle)
            if isinstance(error, AirflowTaskTimeout):
                raise _given_up(job, "the time of its task is over") from error
            raise

    def is_deferred(self, env: Environment) -> bool:
        """Whether the triggerer waits for the job. Where somebody watches a run, there is no triggerer."""
        return session.current() is None and is_deferrable(env.settings.kubernetes)

    def submit_job(self, context: Any) -> str:
        """Start the job, or find it; its id is the same in every try."""
        return self._at_work.env.jobs.submit(self._at_work.job).id

    def get_job_status(self, external_id: Any, context: Any) -> str:
        """Where the job is; that of an earlier try, if it is to do the same, else one in its place."""
        self.submit_job(context)
        return str(self._at_work.env.jobs.state(self._at_work.handle))

    def is_job_active(self, status: str) -> bool:
        """Whether it goes on."""
        return status in (JobState.PENDING, JobState.RUNNING)

    def is_job_succeeded(self, status: str) -> bool:
        """Whether its result is there."""
        return status == JobState.SUCCEEDED

    def poll_until_complete(self, external_id: Any, context: Any) -> JobResult:
        """Follow the logs of all machines to the end, or leave the wait to the triggerer."""
        at_work = self._at_work
        if not self.event and self.is_deferred(at_work.env):
            self._defer(at_work, context)
        self._require_in_time(at_work)
        if not self.event.get("is_told"):
            for line in at_work.env.jobs.logs(at_work.handle):
                at_work.report(line)
        return self.get_job_result(external_id, context)

    def get_job_result(self, external_id: Any, context: Any) -> JobResult:
        """What the job published; raises ``JobError`` with the reason when it did not."""
        at_work = self._at_work
        state = at_work.env.jobs.state(at_work.handle)
        if state is JobState.UNKNOWN:
            gone = f"job {at_work.job.id} is gone: somebody deleted it, or it is told otherwise now"
            raise JobError(LOST, gone)
        if state is not JobState.SUCCEEDED:
            raise at_work.env.jobs.error(at_work.handle)
        result = read_result(at_work.job.output_uri)
        at_work.env.jobs.forget(at_work.handle)
        return result

    def _result(self, context: Any) -> JobResult:
        """The job's result; one that was deleted meanwhile, as by a try before this one, is started again."""
        try:
            if self.event:
                return self.poll_until_complete(self._at_work.job.id, context)
            return cast(JobResult, self.execute_resumable(context))
        except JobError as error:
            if error.code != LOST:
                raise
            self._at_work.report(f"{error.message}; it is started again")
            self.event = NOTHING
            return cast(JobResult, self.execute_resumable(context))

    def _stays(self, prepared: Prepared) -> bool:
        """Whether what is left of a job that failed is kept to be looked at, as long as Jobs are."""
        keeps = keeps_failed(prepared.env.settings.kubernetes)
        return keeps and prepared.env.jobs.state(prepared.handle) is JobState.FAILED

    @property
    def _at_work(self) -> Prepared:
        assert self.prepared is not None, "prepared before it is run"
        return self.prepared

    def _defer(self, at_work: Prepared, context: Any) -> None:
        from sqlrec.airflow.triggers import JobTrigger

        cluster = at_work.env.settings.kubernetes
        limit = self.execution_timeout
        deadline = context["ti"].start_date.timestamp() + limit.total_seconds() if limit else None
        trigger = JobTrigger(
            job=asdict(at_work.handle), cluster=asdict(cluster), extras=extras_of(cluster), deadline=deadline
        )
        self.defer(trigger=trigger, method_name="resume_execution")

    def _require_in_time(self, at_work: Prepared) -> None:
        """Raises what the triggerer found: that the task's time is over, or that it cannot wait on."""
        if self.event and self.event["status"] != "ended":
            raise _given_up(at_work.job, self.event["message"])


class PodJobOperator(IndexedJobOperator):
    """The job of a step as a pod, by the provider's KubernetesPodOperator.

    A job that turns out to need several machines is a Job all the same.
    """

    def run_job(self, env: Environment, report: Report, context: Any, job: JobSpec) -> JobResult:
        """Result of a job; raises ``JobError`` with the reason when it fails."""
        if job.topology.nodes > 1:
            return super().run_job(env, report, context, job)
        from sqlrec.airflow.job_pod import JobPod

        pod = JobPod(
            task_id=self.task_id,
            job=job,
            cluster=env.settings.kubernetes,
            tell=partial(session.progress, self.task_id),
            deferrable=self.is_deferred(env),
            execution_timeout=self.execution_timeout,
        )
        pod.attend(context, self.event)
        return read_result(job.output_uri)


def _given_up(job: JobSpec, why: str) -> JobError:
    return JobError("SR727", f"job {job.id} was given up: {why}")
