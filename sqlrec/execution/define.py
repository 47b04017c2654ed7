"""CREATE MODEL, DROP MODEL and DROP SERVICE."""

from __future__ import annotations

from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_model
from sqlrec.execution.locks import service_lock
from sqlrec.execution.outcome import GONE_MODEL, GONE_SERVICE, Outcome
from sqlrec.plan.plan import DefineModelStep, DropModelStep, DropServiceStep
from sqlrec.registry.registry import DeployAction


def define_model(step: DefineModelStep, call: Call) -> Outcome:
    """Register a model's definition; one that is temporary is known to the script or session alone."""
    if step.temporary:
        return Outcome(message=f"defined temporary model {step.model.name}")
    changed = call.env.registry.put_model(step.model, replace=step.replace, if_not_exists=step.if_not_exists)
    what = "defined" if changed else "kept"
    return Outcome(message=f"{what} model {step.model.name}", facts={"model": str(step.model.name)})


def drop_model(step: DropModelStep, call: Call) -> Outcome:
    """Remove a model with its checkpoints."""
    if step.temporary:
        name = f"temporary model {step.model}"
        return Outcome(message=f"no {name} to drop" if step.absent else f"dropped {name}")
    registry = call.env.registry
    if not step.if_exists and not call.journal.begun(call.key.task_id):
        find_model(registry, step.model)
    call.journal.begin(call.key.task_id)
    dropped = registry.drop_model(step.model, if_exists=True)
    message = f"dropped model {step.model}" if dropped else f"no model {step.model} to drop"
    return Outcome(message=message, facts={GONE_MODEL: str(step.model)})


def drop_service(step: DropServiceStep, call: Call) -> Outcome:
    """Stop a service and take its name back."""
    env = call.env
    gone = {GONE_SERVICE: step.service}
    with service_lock(env, step.service):
        current = env.registry.service(step.service)
        if current is None and env.services.endpoint(step.service) is None:
            if not step.if_exists and not call.journal.begun(call.key.task_id):
                raise _no_service(step.service, env.registry.services())
            return Outcome(message=f"no service {step.service} to drop", facts=gone)
        call.journal.begin(call.key.task_id)
        env.services.remove(step.service)
        if current is not None:
            entry = env.registry.begin(
                service=step.service,
                action=DeployAction.DROP,
                checkpoint=current,
                key=call.key.text,
                options={},
            )
            env.registry.finish(entry, url="")
    return Outcome(message=f"dropped service {step.service}", facts=gone)


def _no_service(name: str, known: tuple[str, ...]) -> NameNotFoundError:
    hint = suggest(name, known) or f"services: {', '.join(known) or 'none'}"
    return NameNotFoundError("SR206", f"service {name} does not exist", hint=hint)
