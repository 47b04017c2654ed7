"""CREATE SERVICE as a transaction: it ends with the service proved and named, or changes nothing.

Intent recorded → the runtime starts the new revision and lets us prove it with predictions through the
service's own URL → the alias moves → the intent is closed. On a failure anywhere the old revision goes on
serving, the alias stays, and the error says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlrec.artifacts.folder import read_signature
from sqlrec.errors import StateError
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_export, find_model
from sqlrec.execution.locks import service_lock
from sqlrec.execution.options import effective, environment, image, values
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.smoke import smoke_test
from sqlrec.models.lookup import get_controller
from sqlrec.plan.plan import DeployStep
from sqlrec.registry.registry import DeployAction, DeployState
from sqlrec.spec.model import Checkpoint, ModelSpec
from sqlrec.spec.options import Effective, Scope
from sqlrec.spec.service import Endpoint, ServiceSpec, ServiceState


def deploy(step: DeployStep, call: Call) -> Outcome:
    """Make the service serve the checkpoint."""
    env = call.env
    with service_lock(env, step.service):
        served = env.registry.service(step.service)
        if served is not None and not step.replace and not _is_own(step, call):
            if not step.if_not_exists:
                raise StateError(
                    "SR201",
                    f"service {step.service} exists, serving {served.model} {served.name}",
                    hint="write CREATE OR REPLACE SERVICE, or DROP SERVICE first",
                )
            running = env.services.endpoint(step.service)
            if running is not None and running.state is ServiceState.READY:
                return _outcome(running, served, "kept")
        if served is None or not step.if_not_exists:
            find_model(env.registry, step.model)
            served = find_export(env.registry, step.model, step.checkpoint, call.key.run)
        return _change(step, call, served)


def _is_own(step: DeployStep, call: Call) -> bool:
    """Whether this very task, in an earlier try, is what made the service."""
    return any(
        entry.key == call.key.text and entry.state is DeployState.FINISHED
        for entry in call.env.registry.history(step.service)
    )


def _change(step: DeployStep, call: Call, checkpoint: Checkpoint) -> Outcome:
    registry = call.env.registry
    model = registry.definition(checkpoint)
    options = effective(get_controller(model.type), model, Scope.SERVICE, step.options, call.env.secrets)
    entry = registry.begin(
        service=step.service,
        action=DeployAction.DEPLOY,
        checkpoint=checkpoint,
        key=call.key.text,
        options={key: str(value) for key, value in step.options.items()},
    )
    spec = _spec(step.service, model, checkpoint, options)
    try:
        verify = smoke_test(read_signature(_folder(checkpoint)), model, call.report)
        call.report(f"starting {step.service} with {model.name} {checkpoint.name}")
        endpoint = call.env.services.apply(spec, verify)
    except BaseException as error:
        registry.fail(entry, error=str(error))
        raise
    registry.finish(entry, url=endpoint.url)
    return _outcome(endpoint, checkpoint, "deployed")


def _spec(
    service: str, model: ModelSpec, checkpoint: Checkpoint, options: Mapping[str, Effective]
) -> ServiceSpec:
    chosen = values(options)
    return ServiceSpec(
        name=service,
        model=model,
        checkpoint=checkpoint.name,
        version=checkpoint.version,
        model_uri=checkpoint.uri,
        variant=str(chosen.get("variant") or "fp32"),
        replicas=int(str(chosen.get("replicas") or 1)),
        resources=get_controller(model.type).resources(dict(options)),
        options=chosen,
        env=environment(options),
        image=image(options),
        digest=checkpoint.digest,
    )


def _folder(checkpoint: Checkpoint) -> Path:
    return Path(checkpoint.uri.removeprefix("file://"))


def _outcome(endpoint: Endpoint, checkpoint: Checkpoint, verb: str) -> Outcome:
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
