"""EVALUATE MODEL: the job, and apart from it the record of what it measured and the verdict.

Two tasks, as of TRAIN: a registry that is down costs no second measurement. The metrics are recorded
before they are judged, so that a checkpoint that does not pass shows why.
"""

from __future__ import annotations

from sqlrec.artifacts.cache import local_copy
from sqlrec.artifacts.folder import files_of, is_complete
from sqlrec.artifacts.store import join
from sqlrec.errors import StateError
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_checkpoint, find_model
from sqlrec.execution.jobs import run_job
from sqlrec.execution.options import effective, job_image, job_pod, values
from sqlrec.execution.outcome import Outcome, Preview
from sqlrec.execution.output import with_own_output
from sqlrec.execution.tables import concrete
from sqlrec.models.lookup import get_controller
from sqlrec.models.measuring.measures import require_bounds, title, wanted
from sqlrec.models.pod_placement import environment
from sqlrec.plan.plan import EvaluateStep
from sqlrec.spec.job import EvaluateWork, JobKind, JobSpec
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.options import Effective, Scope

RECORDED = "evaluation."
"""What names of recorded metrics begin with, so that they stand beside those of the training."""
COLUMNS = ("metric", "value")


def evaluate_job(step: EvaluateStep, call: Call) -> Outcome:
    """Measure; raises what finding the checkpoint raises, and ``OptionError`` before a job starts."""
    registry = call.env.registry
    found = find_checkpoint(registry, find_model(registry, step.model).name, step.checkpoint, call.key.run)
    options = _options(step, found, call)
    wanted(values(options))
    model = registry.definition(found)
    work = EvaluateWork(
        model=model,
        checkpoint=found.name,
        kind=found.kind,
        source_uri=found.uri,
        data=concrete(step.data, call),
        options=values(options),
    )
    job = JobSpec(
        id=call.key.job,
        kind=JobKind.EVALUATE,
        work=work,
        output_uri=call.output,
        resources=get_controller(model.type).resources(options),
        env=environment(options),
        image=job_image(options, call.env.settings),
        pod=job_pod(options, call.key),
    )
    job = with_own_output(job)
    result = run_job(job, call)
    return Outcome(
        message=f"measured {step.model} {found.name} on {result.rows:,} rows",
        rows=result.rows,
        seconds=result.seconds,
        metrics=result.metrics,
        facts={
            "job": job.id,
            "output": job.output_uri,
            "measured_version": str(found.version),
            "metrics": result.params.get("metrics", ""),
        },
    )


def record_evaluation(step: EvaluateStep, call: Call, job: Outcome) -> Outcome:
    """Add the metrics to the checkpoint, then hold it to its bounds.

    Raises ``PolicyError`` SR260 when it does not pass, SR263 when it was dropped meanwhile.
    """
    registry = call.env.registry
    found = registry.version(step.model, int(job.facts["measured_version"]))
    if found is None:
        gone = f"version {job.facts['measured_version']} of model {step.model}, which was measured, is gone"
        raise StateError("SR263", gone)
    options = values(_options(step, found, call))
    output = job.facts["output"]
    files = files_of(output) if is_complete(output) else ""
    recorded = {f"{RECORDED}{name}": value for name, value in job.metrics.items()}
    registry.record_metrics(found, recorded, key=call.key.text, folder=local_copy(files) if files else None)
    measured = tuple(filter(None, job.facts.get("metrics", "").split(",")))
    names = (*(measured or wanted(options)), *job.metrics)
    rows = tuple(
        (title(name), f"{job.metrics[name]:.6g}" if name in job.metrics else "")
        for name in dict.fromkeys(names)
    )
    said = ", ".join(f"{metric} {value or 'undefined'}" for metric, value in rows)
    what = f"checkpoint {found.name} (version {found.version}) of {step.model}"
    call.report(f"{what}: {said}")
    require_bounds(options, job.metrics, what)
    return Outcome(
        message=f"evaluated {found.name} of {step.model} on {job.rows:,} rows: {said}",
        rows=job.rows,
        metrics=job.metrics,
        facts={
            "model": str(step.model),
            "checkpoint": found.name,
            "version": str(found.version),
            "plots": join(files or output, "plots"),
        },
        preview=Preview(columns=COLUMNS, rows=rows, total=len(rows)),
    )


def _options(step: EvaluateStep, found: Checkpoint, call: Call) -> dict[str, Effective]:
    model = call.env.registry.definition(found)
    return effective(get_controller(model.type), model, Scope.EVALUATE, step.options, call.env.told_secrets)
