"""CREATE SERVICE: a new service, or with OR REPLACE another revision of one."""

from __future__ import annotations

from sqlrec.errors import StateError
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_export, find_model
from sqlrec.execution.locks import service_lock
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.transaction import Revision, put_in_force, told
from sqlrec.plan.plan import DeployStep
from sqlrec.registry.registry import DeployState
from sqlrec.spec.service import ServiceState


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
                    hint="write CREATE OR REPLACE SERVICE, ALTER SERVICE, or DROP SERVICE first",
                )
            running = env.services.endpoint(step.service)
            if running is not None and running.state is ServiceState.READY:
                return told(running, served, "kept")
        if served is None or not step.if_not_exists:
            find_model(env.registry, step.model)
            served = find_export(env.registry, step.model, step.checkpoint, call.key.run)
        wanted = Revision(service=step.service, checkpoint=served, options=step.options)
        return put_in_force(wanted, call, "deployed")


def _is_own(step: DeployStep, call: Call) -> bool:
    """Whether this very task, in an earlier try, is what made the service."""
    return any(
        entry.key == call.key.text and entry.state is DeployState.FINISHED
        for entry in call.env.registry.history(step.service)
    )
