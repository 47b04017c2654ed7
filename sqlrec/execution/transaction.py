"""A change of a service as a transaction: it ends with the service proved and named, or changes nothing.

Intent recorded → the runtime starts the new revision and lets us prove it with predictions through the
service's own URL → the alias moves → the intent is closed. On a failure anywhere the old revision goes on
serving, the alias stays, and the error says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlrec.artifacts.folder import read_signature
from sqlrec.execution.call import Call
from sqlrec.execution.elsewhere import noted
from sqlrec.execution.group import checked_group, own_options, prove
from sqlrec.execution.options import effective, server_image, values
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.served import as_served
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.models.pod_placement import environment, pod
from sqlrec.registry.registry import DeployAction
from sqlrec.settings import Settings
from sqlrec.spec.canary import CANARY, canary_share, without_canary
from sqlrec.spec.following import FOLLOW
from sqlrec.spec.group import Group
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.options import Effective, OptionValue, Scope
from sqlrec.spec.secret import reference
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec
from sqlrec.spec.signature import AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a service is to be: a checkpoint, and the options as statements wrote them.

    ``others`` are the checkpoints of the models after the first. ``reason`` is kept in the service's history,
    for people.
    """

    service: str
    checkpoint: Checkpoint
    options: Mapping[str, OptionValue]
    action: DeployAction = DeployAction.DEPLOY
    reason: str = ""
    others: tuple[Checkpoint, ...] = ()

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Those of all models, in their order."""
        return (self.checkpoint, *self.others)


def put_in_force(wanted: Revision, call: Call, verb: str) -> Outcome:
    """Make the service what is wanted; the caller holds the service's lock.

    The same task again finds its own entry of the history. Raises what the options, the runtime and the
    smoke test raise; the entry is then closed as failed.
    """
    registry, checkpoint = call.env.registry, wanted.checkpoint
    model = registry.definition(checkpoint)
    group = checked_group(wanted.checkpoints, wanted.options, call)
    share = canary_share(wanted.options) if wanted.action is DeployAction.CANARY else None
    own = own_options(without_canary(wanted.options))
    controller = get_controller(model.type)
    options = effective(controller, model, Scope.SERVICE, own, reference)
    entry = registry.begin(
        service=wanted.service,
        action=wanted.action,
        checkpoint=checkpoint,
        key=call.key.text,
        options={key: str(value) for key, value in wanted.options.items()},
        reason=wanted.reason,
        others=wanted.others,
    )
    try:
        endpoint = _applied(wanted, share, group, options, call)
    except BaseException as error:
        registry.fail(entry, error=str(error))
        raise
    registry.finish(entry, url=endpoint.url)
    return told(endpoint, checkpoint, verb)


def _applied(
    wanted: Revision, share: float | None, group: Group | None, options: Mapping[str, Effective], call: Call
) -> Endpoint:
    """The service as its runtime runs it, or as somebody else does."""
    service, checkpoint = wanted.service, wanted.checkpoint
    models = [call.env.registry.definition(one) for one in wanted.checkpoints]
    if runs_elsewhere(get_controller(models[0].type)):
        return noted(service, models[0], checkpoint, options, call)
    served = [as_served(model, one) for model, one in zip(models, wanted.checkpoints, strict=True)]
    spec = _spec(wanted, served, group, options, call.env.settings)
    verify = prove(spec, wanted.checkpoints, call)
    for one in wanted.checkpoints:
        call.report(f"starting {service} with {one.model} {one.name}")
    if share is not None:
        endpoint = call.env.services.canary(spec, share, verify)
    else:
        endpoint = call.env.services.apply(spec, verify)
    if wanted.action is DeployAction.PROMOTE:
        call.env.services.end_canary(service)
    if endpoint.detail:
        call.report(f"{service}: {endpoint.detail}")
    return endpoint


def told(endpoint: Endpoint, checkpoint: Checkpoint, verb: str) -> Outcome:
    """What is said of a service that serves a checkpoint."""
    return Outcome(
        message=f"{verb} {endpoint.name}: {checkpoint.model} {checkpoint.name} at {endpoint.url}",
        facts={
            "service": endpoint.name,
            "url": endpoint.url,
            "model": str(checkpoint.model),
            "checkpoint": checkpoint.name,
            "version": str(checkpoint.version),
        },
    )


def _spec(
    wanted: Revision,
    models: Sequence[ModelSpec],
    group: Group | None,
    options: Mapping[str, Effective],
    settings: Settings,
) -> ServiceSpec:
    chosen = values(options)
    return ServiceSpec(
        name=wanted.service,
        models=tuple(
            ServedModel(
                model=model,
                checkpoint=checkpoint.name,
                version=checkpoint.version,
                model_uri=checkpoint.uri,
                variant=_variant(checkpoint, str(chosen.get("variant") or "fp32")),
                digest=checkpoint.digest,
            )
            for model, checkpoint in zip(models, wanted.checkpoints, strict=True)
        ),
        group=group,
        replicas=int(str(chosen.get("replicas") or 1)),
        resources=get_controller(models[0].type).resources(dict(options)),
        options={key: value for key, value in chosen.items() if key not in (FOLLOW, CANARY)},
        env=environment(options),
        image=server_image(options, settings),
        pod=pod(options),
    )


def _variant(checkpoint: Checkpoint, wanted: str) -> str:
    """The file to serve; what ``auto`` means depends on what the export kept."""
    return wanted if wanted != AUTO else read_signature(checkpoint.uri).variant_for(wanted)
