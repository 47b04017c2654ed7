"""What a cluster would be given for a plan, as far as that is known before a run.

Objects are rendered as a run renders them, from jobs and services whose unknown facts are placeholders. What
a run decides is shown so: the hash in a job's name as ``<run>``, the version that is served as ``<version>``.
The ConfigMaps with the files of jobs and servers are left out: all of them is what a run decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from sqlrec.execution.key import RunKey
from sqlrec.execution.options import effective, job_image, job_pod, server_image, values
from sqlrec.models.controller import ModelController
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.models.pod_placement import environment, pod
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.effects import record
from sqlrec.plan.plan import DeployStep, EvaluateStep, ExportStep, IfStep, ImportStep, Plan, Step, TrainStep
from sqlrec.plan.scope import GetController, ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.runtimes.kubernetes.job import job_manifests
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import job_names, label_value, object_name
from sqlrec.runtimes.kubernetes.service import REVISION, service_manifests
from sqlrec.settings import Settings
from sqlrec.spec.group import is_group_option
from sqlrec.spec.job import EvaluateWork, ExportWork, ImportWork, JobKind, JobSpec, Topology, TrainWork, Work
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.options import Effective, OptionValue, Scope
from sqlrec.spec.pod import OURS
from sqlrec.spec.secret import reference
from sqlrec.spec.service import ServedModel, ServiceSpec

RUN, CHECKPOINT = "<run>", "<checkpoint>"
DECIDED = {f"{OURS}run": RUN, f"{OURS}job": "<job>", f"{OURS}version": "<version>", REVISION: "<revision>"}
"""Labels and annotations whose values a run decides."""
ELSEWHERE = "s3://<checkpoint>"
"""Files of a checkpoint that is not there yet."""

JobStep = TrainStep | ExportStep | EvaluateStep | ImportStep
_SCOPES = {
    TrainStep: (Scope.TRAIN, JobKind.TRAIN),
    ExportStep: (Scope.EXPORT, JobKind.EXPORT),
    EvaluateStep: (Scope.EVALUATE, JobKind.EVALUATE),
    ImportStep: (Scope.EXPORT, JobKind.IMPORT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedManifests:
    """Objects in the order of the steps; ``notes`` say which steps are not shown, or not with all options."""

    manifests: tuple[Manifest, ...]
    notes: tuple[str, ...]


def planned_manifests(
    plan: Plan, catalog: Catalog, settings: Settings, controllers: GetController = get_controller
) -> PlannedManifests:
    """Jobs, Deployments and what belongs to them, of all steps whose models are known.

    Raises what rendering raises: ``OptionError`` SR370 … SR378 and ``SetupError`` SR377.
    """
    world = ScriptScope(text="", catalog=catalog, controllers=controllers)
    in_cluster = replace(settings, runtime="kubernetes")
    found: list[Manifest] = []
    notes: list[str] = []
    for step in plan.steps:
        for part in _parts(step):
            if isinstance(part, JobStep | DeployStep):
                model = world.model(part.model)
                if model is None:
                    notes.append(f"{step.id}: model {part.model} is not known here")
                    continue
                controller = controllers(model.type)
                templated = sorted(key for key, value in _options(part).items() if is_templated(value))
                notes += [f"{step.id}: option {key} is rendered by the run" for key in templated]
                found += _manifests(replace(part, id=step.id), model, controller, plan.name, in_cluster)
        record(step, world)
    return PlannedManifests(manifests=tuple(found), notes=tuple(notes))


def _parts(step: Step) -> Iterator[Step]:
    """The step, and of IF those of its branches."""
    if isinstance(step, IfStep):
        for part in (step.then, step.otherwise):
            yield from _parts(part) if part else ()
    else:
        yield step


def _options(step: JobStep | DeployStep) -> Mapping[str, OptionValue]:
    return {} if isinstance(step, ImportStep) else step.options


def _manifests(
    step: JobStep | DeployStep, model: ModelSpec, controller: ModelController, dag: str, settings: Settings
) -> Iterator[Manifest]:
    known = {k: v for k, v in _options(step).items() if not is_templated(v) and not is_group_option(k)}
    if isinstance(step, DeployStep):
        if not runs_elsewhere(controller):
            options = effective(controller, model, Scope.SERVICE, known, reference)
            yield from _of_service(step, model, controller, options, settings)
        return
    scope, kind = _SCOPES[type(step)]
    options = effective(controller, model, scope, known, reference)
    key = RunKey(dag_id=dag, run_id=RUN, task_id=step.id)
    job = JobSpec(
        id=key.job,
        kind=kind,
        work=_work(step, model, options),
        output_uri=RUN,
        resources=controller.resources(options),
        topology=controller.topology(options) if kind is not JobKind.EVALUATE else Topology(),
        env=environment(options),
        image=job_image(options, settings),
        pod=job_pod(options, key),
    )
    made, base = job_manifests(job, settings.kubernetes), job_names(job).base
    words = base.rpartition("-")[0]
    if is_templated(step.checkpoint):
        words = f"{object_name(model.name.name)}-{CHECKPOINT}"
        words += "" if kind is JobKind.TRAIN else f"-{kind}"
    for manifest in filter(None, (made.job, made.headless)):
        yield _decided_later(manifest, {base: f"{words}-{RUN}", **_rendered(step.checkpoint)})


def _work(step: JobStep, model: ModelSpec, options: dict[str, Effective]) -> Work:
    chosen = values(options)
    match step:
        case TrainStep():
            return TrainWork(model=model, checkpoint=step.checkpoint, data=step.data, options=chosen)
        case ExportStep():
            return ExportWork(model=model, checkpoint=step.checkpoint, source_uri=ELSEWHERE, options=chosen)
        case ImportStep():
            return ImportWork(model=model, checkpoint=step.checkpoint, source_uri=ELSEWHERE, options=chosen)
        case EvaluateStep():
            return EvaluateWork(
                model=model,
                checkpoint=step.checkpoint,
                kind=CheckpointKind.ORIGIN,
                source_uri=ELSEWHERE,
                data=step.data,
                options=chosen,
            )
        case _:
            assert_never(step)


def _of_service(
    step: DeployStep,
    model: ModelSpec,
    controller: ModelController,
    options: dict[str, Effective],
    settings: Settings,
) -> Iterator[Manifest]:
    checkpoint = step.checkpoint or CHECKPOINT
    service = ServiceSpec(
        name=step.service,
        models=(ServedModel(model=model, checkpoint=checkpoint, version=0, model_uri=ELSEWHERE),),
        replicas=int(str(values(options).get("replicas") or 1)),
        resources=controller.resources(options),
        options=values(options),
        env=environment(options),
        image=server_image(options, settings),
        pod=pod(options),
    )
    made = service_manifests(service, settings.kubernetes)
    config_map = str(made.config_map["metadata"]["name"])
    unknown = {config_map: f"{config_map.rpartition('-')[0]}-<digest>", **_rendered(checkpoint)}
    for manifest in (made.deployment, *made.others):
        yield _decided_later(manifest, unknown)


def _rendered(checkpoint: str) -> dict[str, str]:
    """The label of a checkpoint whose name is rendered by the run or that is none."""
    return {label_value(checkpoint): CHECKPOINT} if label_value(checkpoint) != checkpoint else {}


def _decided_later(data: Any, words: Mapping[str, str]) -> Any:
    """The data with placeholders: for the keys of :data:`DECIDED`, and for words wherever they stand."""
    if isinstance(data, Mapping):
        return {key: DECIDED.get(key) or _decided_later(value, words) for key, value in data.items()}
    if isinstance(data, list):
        return [_decided_later(value, words) for value in data]
    if isinstance(data, str):
        for known, placeholder in words.items():
            data = data.replace(known, placeholder)
    return data
