"""CREATE SERVICE: a new service, or with OR REPLACE another revision of one."""

from __future__ import annotations

from sqlrec.errors import StateError
from sqlrec.execution.call import Call
from sqlrec.execution.canary import require_no_canary
from sqlrec.execution.elsewhere import external_checkpoint
from sqlrec.execution.find import find_export, find_model, find_newest
from sqlrec.execution.following import require_followed
from sqlrec.execution.group import find_members, pinned_members
from sqlrec.execution.locks import service_lock
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.revisions import in_force
from sqlrec.execution.transaction import Revision, put_in_force, told
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.models.lookup import get_controller
from sqlrec.plan.plan import DeployStep
from sqlrec.plan.resolve_made import is_ready_made
from sqlrec.registry.registry import DeployAction, DeployState
from sqlrec.spec.canary import canary_share
from sqlrec.spec.following import followed
from sqlrec.spec.model import Checkpoint
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
        others = pinned_members(in_force(env.registry.history(step.service)), call) if served else ()
        if served is None or not step.if_not_exists:
            served, others = _wanted(step, call), find_members(step.others, call)
        is_canary = canary_share(step.options) is not None
        if is_canary and env.registry.service(step.service) is None:
            raise StateError(
                "SR272",
                f"service {step.service} does not exist, so there is nothing to run a canary beside",
                hint="leave the option canary out",
            )
        action = DeployAction.CANARY if is_canary else DeployAction.DEPLOY
        wanted = Revision(
            service=step.service, checkpoint=served, options=step.options, action=action, others=others
        )
        if is_canary:
            return put_in_force(wanted, call, "gave a canary to")
        require_no_canary(wanted, env.registry.history(step.service))
        return put_in_force(wanted, call, "deployed")


def _wanted(step: DeployStep, call: Call) -> Checkpoint:
    """The checkpoint that the statement names, or that there is without its naming one."""
    registry, run = call.env.registry, call.key.run
    model = find_model(registry, step.model)
    if runs_elsewhere(get_controller(model.type)):
        return external_checkpoint(model, call)
    require_followed(step.options, step.checkpoint, models=1 + len(step.others))
    if alias := followed(step.options):
        return find_export(registry, model.name, alias, run)
    if not step.checkpoint and is_ready_made(model, get_controller(model.type)):
        return find_newest(registry, model.name, run)
    return find_export(registry, model.name, step.checkpoint, run)


def _is_own(step: DeployStep, call: Call) -> bool:
    """Whether this very task, in an earlier try, is what made the service."""
    return any(
        entry.key == call.key.text and entry.state is DeployState.FINISHED
        for entry in call.env.registry.history(step.service)
    )
