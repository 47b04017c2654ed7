"""TRAIN MODEL, EXPORT MODEL and imports: the job, and apart from it the registration of what it made.

Two tasks, so that a registry that is down costs a retry of a second and not a training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlrec.artifacts.folder import files_of, is_complete, read_result
from sqlrec.artifacts.store import join, shown
from sqlrec.errors import OptionError, StateError
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_model, find_origin
from sqlrec.execution.jobs import run_job
from sqlrec.execution.options import effective, job_image, job_pod, values
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.output import with_own_output
from sqlrec.execution.tables import concrete
from sqlrec.models.lookup import get_controller
from sqlrec.models.pod_placement import environment
from sqlrec.plan.plan import ExportStep, ImportStep, TrainStep
from sqlrec.spec.job import ExportWork, ImportWork, JobKind, JobResult, JobSpec, TrainWork
from sqlrec.spec.model import Checkpoint, CheckpointKind, ModelSpec
from sqlrec.spec.names import is_checkpoint_name
from sqlrec.spec.options import Effective, Scope
from sqlrec.spec.table import Relation

LINEAGE = ("tables", "image", "classes")
"""Facts of a job that stay with the checkpoint it makes."""
KEPT = "kept"
"""The fact that nothing was made, since it is there: versions by number."""

MakingStep = TrainStep | ExportStep | ImportStep


def train_job(step: TrainStep, call: Call) -> Outcome:
    """Train; the files wait in the run's folder for their registration.

    Raises ``OptionError`` SR211 when the rendered checkpoint name can be none.
    """
    if not is_checkpoint_name(step.checkpoint):
        raise OptionError(
            "SR211", f"{step.checkpoint!r} cannot name a checkpoint", hint="use letters, digits, _ and -"
        )
    registry = call.env.registry
    model = find_model(registry, step.model)
    if step.if_absent and (known := registry.checkpoint(model.name, step.checkpoint)):
        return _kept(step, [known])
    base = find_origin(registry, model.name, step.base, call.key.run) if step.base else None
    options = effective(get_controller(model.type), model, Scope.TRAIN, step.options, call.env.told_secrets)
    work = TrainWork(
        model=model,
        checkpoint=step.checkpoint,
        data=concrete(step.data, call),
        validation=concrete(step.validation, call) if step.validation else None,
        base_uri=base.uri if base else "",
        options=values(options),
    )
    job = _job(JobKind.TRAIN, work, model, options, call)
    return _outcome(run_job(job, call), job, f"trained {step.model} as {step.checkpoint}", base)


def export_job(step: ExportStep, call: Call) -> Outcome:
    """Export a finished training checkpoint."""
    registry = call.env.registry
    model = find_model(registry, step.model)
    source = find_origin(registry, model.name, step.checkpoint, call.key.run)
    if step.if_absent:
        known = [registry.checkpoint(model.name, name) for name in step.exports]
        own = [c for c in known if c and c.parent_version == source.version]
        if len(own) == len(step.exports):
            return _kept(step, own)
    options = effective(get_controller(model.type), model, Scope.EXPORT, step.options, call.env.told_secrets)
    work = ExportWork(
        model=model,
        checkpoint=step.checkpoint,
        source_uri=source.uri,
        sample=concrete(step.sample, call) if step.sample else None,
        options=values(options),
    )
    job = _job(JobKind.EXPORT, work, model, options, call)
    return _outcome(run_job(job, call), job, f"exported {step.model} {step.checkpoint}", source)


def import_job(step: ImportStep, call: Call) -> Outcome:
    """Make the file that the model names an export."""
    registry = call.env.registry
    model = find_model(registry, step.model)
    if step.if_absent and (known := registry.checkpoint(model.name, step.checkpoint)):
        return _kept(step, [known])
    options = effective(get_controller(model.type), model, Scope.EXPORT, {}, call.env.told_secrets)
    path = str(values(options)["path"])
    work = ImportWork(
        model=model,
        checkpoint=step.checkpoint,
        source_uri=path if "://" in path else str(call.env.settings.project / path),
        options=values(options),
    )
    job = _job(JobKind.IMPORT, work, model, options, call)
    return _outcome(run_job(job, call), job, f"imported {path} as {step.checkpoint} of {step.model}", None)


def _kept(step: MakingStep, known: Sequence[Checkpoint]) -> Outcome:
    """What an earlier run made stays."""
    names = ", ".join(f"{c.name} (version {c.version})" for c in known)
    numbers = ", ".join(str(c.version) for c in known)
    return Outcome(message=f"kept {names} of {step.model}", facts={KEPT: numbers})


def _job(
    kind: JobKind,
    work: TrainWork | ExportWork | ImportWork,
    model: ModelSpec,
    options: dict[str, Effective],
    call: Call,
) -> JobSpec:
    controller = get_controller(model.type)
    job = JobSpec(
        id=call.key.job,
        kind=kind,
        work=work,
        output_uri=call.output,
        resources=controller.resources(options),
        topology=controller.topology(options),
        env=environment(options),
        image=job_image(options, call.env.settings),
        pod=job_pod(options, call.key),
    )
    return with_own_output(job)


def _outcome(result: JobResult, job: JobSpec, message: str, parent: Checkpoint | None) -> Outcome:
    facts = {"job": job.id, "output": job.output_uri, **_lineage(job)}
    if "classes" in result.params:
        facts["classes"] = result.params["classes"]
    if parent is not None:
        facts["parent_version"] = str(parent.version)
    return Outcome(
        message=message, rows=result.rows, seconds=result.seconds, metrics=result.metrics, facts=facts
    )


def _lineage(job: JobSpec) -> dict[str, str]:
    """What a checkpoint is made from and with: the image, and the files of each table."""
    match job.work:
        case TrainWork(data=data, validation=validation):
            relations: tuple[Relation | None, ...] = (data, validation)
        case ExportWork(sample=sample):
            relations = (sample,)
        case ImportWork(source_uri=uri):
            return {"tables": uri, **({"image": job.image} if job.image else {})}
        case _:
            relations = ()
    paths = {name: source.path for r in relations if r for name, source in r.sources.items()}
    tables = ", ".join(f"{name} ({path})" for name, path in paths.items())
    return {key: value for key, value in (("tables", tables), ("image", job.image)) if value}


def register(step: MakingStep, call: Call, job: Outcome) -> Outcome:
    """Store what the job made as one or more checkpoints; the same task again finds them."""
    if KEPT in job.facts:
        return job
    parent = _parent(step, call, job)
    names = step.exports if isinstance(step, ExportStep) else (step.checkpoint,)
    kind = CheckpointKind.ORIGIN if isinstance(step, TrainStep) else CheckpointKind.EXPORT
    parts = [name.rpartition("/")[2] if len(names) > 1 else "" for name in names]
    made = [_register(step, call, *one, kind, parent, job.facts) for one in zip(names, parts, strict=True)]
    shown = ", ".join(f"{c.name} (version {c.version})" for c in made)
    facts = {
        "model": str(step.model),
        "checkpoint": ", ".join(c.name for c in made),
        "version": ", ".join(str(c.version) for c in made),
        "uri": ", ".join(c.uri for c in made),
        "registered": step.model.full,
    }
    tracking = call.env.settings.tracking_uri
    if tracking.startswith("http"):
        facts["tracking"] = tracking
    return Outcome(message=f"registered {shown} of {step.model}", metrics=job.metrics, facts=facts)


def _parent(step: MakingStep, call: Call, job: Outcome) -> Checkpoint | None:
    version = job.facts.get("parent_version")
    return call.env.registry.version(step.model, int(version)) if version else None


def _register(
    step: MakingStep,
    call: Call,
    name: str,
    part: str,
    kind: CheckpointKind,
    parent: Checkpoint | None,
    facts: Mapping[str, str],
) -> Checkpoint:
    """``part`` is the folder of the checkpoint in the output of a job that makes several."""
    registry, output = call.env.registry, facts["output"]
    key = f"{call.key.text}/{name}"
    if (found := registry.find(step.model, key)) is not None:
        return found
    if not is_complete(output):
        gone = f"the files of checkpoint {name} are gone from {shown(output)}"
        raise StateError("SR511", gone, hint="run the job again")
    folder = join(files_of(output), part) if part else files_of(output)
    return registry.register(
        model=step.model,
        name=name,
        kind=kind,
        folder=folder,
        result=read_result(folder),
        key=key,
        parent=parent,
        statement=step.sql,
        facts={key: facts[key] for key in LINEAGE if key in facts},
    )
