"""Submit a job, follow its log, wait for its result; an interrupt stops the job."""

from __future__ import annotations

from sqlrec.artifacts.folder import read_result
from sqlrec.execution.call import Call
from sqlrec.spec.job import JobResult, JobSpec, JobState


def run_job(job: JobSpec, call: Call) -> JobResult:
    """Result of the job, which runs once however often this is called.

    Whatever ends this function early (an interrupt, the termination of the task) cancels the job with
    all its processes. Raises ``JobError`` with the last lines of the log when the job fails.
    """
    if call.job_runner is not None:
        return call.job_runner(job)
    runtime = call.env.jobs
    handle = runtime.submit(job)
    try:
        for line in runtime.logs(handle):
            call.report(line)
        state = runtime.state(handle)
    except BaseException:
        runtime.cancel(handle)
        raise
    if state is not JobState.SUCCEEDED:
        raise runtime.error(handle)
    result = read_result(job.output_uri)
    runtime.forget(handle)
    return result
