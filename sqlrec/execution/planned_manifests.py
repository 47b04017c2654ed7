"""What a cluster would be given for a plan, as far as that is known before a run.

Objects are rendered as the tasks of a run render them, from jobs and services whose unknown facts are
placeholders: a job of one machine is a pod, one of several and one within IF is a Job. What a run decides is
shown so: the hash in a job's name as ``<run>``, the version that is served as ``<version>``. The ConfigMaps
with the files of jobs and servers are left out: all of them is what a run decides. So is what Airflow adds to
the labels of its pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, assert_never

from sqlrec.execution.api import service_name
from sqlrec.execution.key import RunKey
from sqlrec.execution.options import api_image, effective, job_image, job_pod, server_image, values
from sqlrec.execution.programs import with_tables
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.models.controller import ModelController
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.models.pod_placement import environment, pod
from sqlrec.models.pods import resources
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.effects import record
from sqlrec.plan.plan import (
    AlterServiceStep,
    DefineApiStep,
    DeployStep,
    EvaluateStep,
    ExportStep,
    IfStep,
    ImportStep,
    Plan,
    RollbackStep,
    Step,
    TrainStep,
)
from sqlrec.plan.scope import GetController, ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.runtimes.kubernetes.job import DIGEST, job_manifests, pod_manifest
from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.kubernetes.names import job_names, label_value, object_name
from sqlrec.runtimes.kubernetes.service import REVISION, Served, service_manifests
from sqlrec.settings import Cluster, Settings
from sqlrec.spec.function import ApiServiceSpec, ApiSpec, services
from sqlrec.spec.group import is_group_option
from sqlrec.spec.job import EvaluateWork, ExportWork, ImportWork, JobKind, JobSpec, Topology, TrainWork, Work
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.options import Effective, OptionValue, Scope
from sqlrec.spec.pod import OURS
from sqlrec.spec.secret import reference
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.table import TableSource

RUN, CHECKPOINT = "<run>", "<checkpoint>"
DECIDED = {
    f"{OURS}run": RUN,
    f"{OURS}job": "<job>",
    f"{OURS}version": "<version>",
    REVISION: "<revision>",
    DIGEST: "<digest>",
}
"""Labels and annotations whose values a run decides."""
ELSEWHERE = "s3://<checkpoint>"
"""Files of a checkpoint that is not there yet."""

JobStep = TrainStep | ExportStep | EvaluateStep | ImportStep
MadeStep = JobStep | DeployStep | DefineApiStep
"""Steps that make objects."""
ChangeStep = AlterServiceStep | RollbackStep
"""Steps that change what is there."""
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
    """Pods, Jobs, Deployments and what belongs to them, of all steps whose models are known.

    Raises what rendering raises: ``OptionError`` SR370 … SR378 and ``SetupError`` SR377, SR595.
    """
    world = ScriptScope(text="", catalog=catalog, controllers=controllers)
    in_cluster = replace(settings, runtime="kubernetes")
    found: list[Manifest] = []
    notes: list[str] = []
    for step in plan.steps:
        for part in _parts(step):
            if isinstance(part, MadeStep):
                whole = replace(part, id=step.id)
                notes += _notes(whole)
                found += _of_step(whole, world, plan.name, in_cluster, is_task=part is step)
                if not isinstance(part, DefineApiStep) and world.model(part.model) is None:
                    notes.append(f"{step.id}: model {part.model} is not known here")
            elif isinstance(part, ChangeStep):
                notes.append(f"{step.id}: what it changes of service {part.service} is decided by the run")
        record(step, world)
    return PlannedManifests(manifests=tuple(found), notes=tuple(notes))


def _parts(step: Step) -> Iterator[Step]:
    """The step, and of IF those of its branches."""
    if isinstance(step, IfStep):
        for part in (step.then, step.otherwise):
            yield from _parts(part) if part else ()
    else:
        yield step


def _options(step: MadeStep) -> Mapping[str, OptionValue]:
    match step:
        case ImportStep():
            return {}
        case DefineApiStep():
            return step.api.options
        case _:
            return step.options


def _known(step: MadeStep) -> dict[str, OptionValue]:
    """The options of pods and servers whose values are there before a run."""
    return {k: v for k, v in _options(step).items() if not is_templated(v) and not is_group_option(k)}


def _notes(step: MadeStep) -> Iterator[str]:
    """What of a step is not shown as it will be."""
    for key, value in sorted(_options(step).items()):
        if is_templated(value):
            yield f"{step.id}: option {key} is rendered by the run"
    if isinstance(step, DefineApiStep):
        for service in services(step.api.program.steps):
            yield f"{step.id}: secrets that service {service} asks for are found by the run"


def _of_step(
    step: MadeStep, world: ScriptScope, dag: str, settings: Settings, *, is_task: bool
) -> Iterator[Manifest]:
    if isinstance(step, DefineApiStep):
        yield from _of_api(step, settings)
        return
    model = world.model(step.model)
    if model is None:
        return
    controller = world.controllers(model.type)
    if not isinstance(step, DeployStep):
        yield from _of_job(
            step,
            model,
            controller,
            RunKey(dag_id=dag, run_id=RUN, task_id=step.id),
            settings,
            is_task=is_task,
        )
    elif not runs_elsewhere(controller):
        yield from _of_service(step, model, controller, settings)


def _of_job(
    step: JobStep,
    model: ModelSpec,
    controller: ModelController,
    key: RunKey,
    settings: Settings,
    *,
    is_task: bool,
) -> Iterator[Manifest]:
    scope, kind = _SCOPES[type(step)]
    options = effective(controller, model, scope, _known(step), reference)
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
    base = job_names(job).base
    words = base.rpartition("-")[0]
    if is_templated(step.checkpoint):
        words = f"{object_name(model.name.name)}-{CHECKPOINT}"
        words += "" if kind is JobKind.TRAIN else f"-{kind}"
    for manifest in _objects(job, settings.kubernetes, is_task=is_task):
        yield _decided_later(manifest, {base: f"{words}-{RUN}", **_rendered(step.checkpoint)})


def _objects(job: JobSpec, cluster: Cluster, *, is_task: bool) -> Iterator[Manifest]:
    """What a task of Airflow, or a part of one, makes of a job."""
    if is_task and job.topology.nodes == 1:
        yield pod_manifest(job, cluster)
        return
    made = job_manifests(job, cluster)
    yield from filter(None, (made.job, made.headless))


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
    step: DeployStep, model: ModelSpec, controller: ModelController, settings: Settings
) -> Iterator[Manifest]:
    options = effective(controller, model, Scope.SERVICE, _known(step), reference)
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
    yield from _of_server(service, settings.kubernetes, _rendered(checkpoint))


def _of_api(step: DefineApiStep, settings: Settings) -> Iterator[Manifest]:
    options = API_OPTIONS.effective(Scope.API, statement=_known(step))
    program = with_tables(step.api.program, partial(_placed, settings.project))
    service = ApiServiceSpec(
        name=service_name(step.api.name),
        api=ApiSpec(name=step.api.name, function=step.api.function, program=program),
        replicas=int(str(values(options)["replicas"])),
        resources=resources(options),
        options=values(options),
        env=environment(options),
        image=api_image(options, settings),
        pod=pod(options),
    )
    yield from _of_server(service, settings.kubernetes, {})


def _placed(project: Path, table: TableSource) -> TableSource:
    """A table where a run would look for it, be it there or not."""
    is_here = table.path and "://" not in table.path
    return replace(table, path=str(project / table.path)) if is_here else table


def _of_server(service: Served, cluster: Cluster, words: Mapping[str, str]) -> Iterator[Manifest]:
    made = service_manifests(service, cluster)
    config_map = str(made.config_map["metadata"]["name"])
    unknown = {config_map: f"{config_map.rpartition('-')[0]}-<digest>", **words}
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
