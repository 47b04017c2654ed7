"""ALTER SERVICE and ROLLBACK SERVICE: the deploy transaction with what the service is now as its start.

Options of the revision in force stay unless the statement changes them. What a rollback goes back to is
decided once per task: a retry finds its own entry in the history and goes back no further.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from sqlrec.errors import NameNotFoundError, OptionError, StateError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.canary import abort, promote, require_no_canary
from sqlrec.execution.find import find_export
from sqlrec.execution.following import require_followed
from sqlrec.execution.group import of_several, pinned_members
from sqlrec.execution.locks import service_lock
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.revisions import good, in_force, served_before
from sqlrec.execution.transaction import Revision, put_in_force
from sqlrec.plan.changes import Promote, ResetOptions, ServeCheckpoint, SetOptions
from sqlrec.plan.plan import AlterServiceStep, RollbackStep
from sqlrec.registry.registry import DeployAction, Deployment
from sqlrec.spec.canary import CANARY, canary_share
from sqlrec.spec.following import followed, told_to_serve, unbound
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.options import OptionValue


def alter_service(step: AlterServiceStep, call: Call) -> Outcome:
    """Make the change; raises SR206 for a service that does not exist, and what the change raises."""
    registry = call.env.registry
    with service_lock(call.env, step.service):
        served = registry.service(step.service)
        if served is None:
            if step.if_exists:
                return Outcome(message=f"no service {step.service} to alter")
            raise no_service(step.service, registry.services())
        if isinstance(step.change, Promote):
            return promote(step.service, call, step.sql)
        return _altered(step, step.change, served, call)


def _altered(
    step: AlterServiceStep,
    change: ServeCheckpoint | SetOptions | ResetOptions,
    served: Checkpoint,
    call: Call,
) -> Outcome:
    history = call.env.registry.history(step.service)
    others = pinned_members(in_force(history), call)
    if others and isinstance(change, ServeCheckpoint):
        raise of_several(step.service, 1 + len(others))
    if isinstance(change, SetOptions):
        require_followed(change.options, "", models=1 + len(others))
        require_alone(change.options)
    checkpoint, options = _changed(step, change, served, call)
    require_followed(options, "", models=1 + len(others))
    is_canary = canary_share(options) is not None
    wanted = Revision(
        service=step.service,
        checkpoint=checkpoint,
        options=options,
        action=DeployAction.CANARY if is_canary else DeployAction.DEPLOY,
        reason=step.sql,
        others=others,
    )
    if is_canary:
        return put_in_force(wanted, call, "gave a canary to")
    require_no_canary(wanted, history)
    _tell_unbound(step.service, options, call)
    return put_in_force(wanted, call, "altered")


def require_alone(options: Mapping[str, OptionValue]) -> None:
    """A canary needs a checkpoint of its own; raises ``OptionError`` SR274."""
    if CANARY in options:
        raise OptionError(
            "SR274",
            "option 'canary' is about another checkpoint, and none is named",
            hint="write ALTER SERVICE … SET CHECKPOINT = '…' WITH (canary = '10%')",
        )


def _changed(
    step: AlterServiceStep,
    change: ServeCheckpoint | SetOptions | ResetOptions,
    served: Checkpoint,
    call: Call,
) -> tuple[Checkpoint, Mapping[str, OptionValue]]:
    registry = call.env.registry
    current = in_force(registry.history(step.service))
    options: dict[str, OptionValue] = dict(current.options) if current else {}
    match change:
        case ServeCheckpoint(checkpoint=name, options=more):
            require_followed(more, name)
            return find_export(registry, served.model, name, call.key.run), told_to_serve(
                {**options, **more}, name
            )
        case SetOptions(options=more):
            target = followed(more)
            chosen = find_export(registry, served.model, target, call.key.run) if target else served
            return chosen, {**options, **more}
        case ResetOptions(keys=keys):
            return served, {key: value for key, value in options.items() if key not in keys}
        case _:
            assert_never(change)


def _tell_unbound(service: str, options: Mapping[str, OptionValue], call: Call) -> None:
    """Say it when a service is about to follow its alias no more."""
    current = in_force(call.env.registry.history(service))
    alias = followed(current.options) if current else ""
    if alias and not followed(options):
        call.report(f"{service} does not follow {alias} any more; ALTER SERVICE … SET ('follow' = …) resumes")


def rollback_service(step: RollbackStep, call: Call) -> Outcome:
    """Go back to what the service served before, or to a checkpoint that it served once.

    The canary of a service that has one is removed, and that is all, unless a checkpoint is named.
    Raises SR206 for a service that does not exist, SR261 when there is nothing to go back to, SR262 for a
    checkpoint that it never served and SR263 when the version is gone from the registry.
    """
    registry = call.env.registry
    with service_lock(call.env, step.service):
        served = registry.service(step.service)
        if served is None:
            raise no_service(step.service, registry.services())
        if (aborted := abort(step.service, call, step.sql)) and not step.checkpoint:
            return aborted
        history = registry.history(step.service)
        target = _own(history, call) or _target(step, served, history, call)
        checkpoint = registry.version(target.model, target.version)
        if checkpoint is None:
            raise StateError(
                "SR263",
                f"revision {target.revision} of service {step.service} served {target.checkpoint} of model "
                f"{target.model}, version {target.version}, which is gone",
                hint="name another one: ROLLBACK SERVICE … TO CHECKPOINT = '…'",
            )
        _tell_unbound(step.service, {}, call)
        wanted = Revision(
            service=step.service,
            checkpoint=checkpoint,
            options=unbound(target.options),
            action=DeployAction.ROLLBACK,
            reason=step.sql,
            others=pinned_members(target, call),
        )
        return put_in_force(wanted, call, "rolled back")


def _own(history: tuple[Deployment, ...], call: Call) -> Deployment | None:
    """What an earlier try of this task began to go back to."""
    mine = [e for e in history if e.key == call.key.text and e.action is DeployAction.ROLLBACK]
    return mine[-1] if mine else None


def _target(
    step: RollbackStep, served: Checkpoint, history: tuple[Deployment, ...], call: Call
) -> Deployment:
    if not step.checkpoint:
        revisions = good(history)
        if len(revisions) < 2:
            raise StateError(
                "SR261",
                f"service {step.service} has no earlier revision to go back to",
                hint=f"it serves {served.name} of model {served.model}, as when it was created",
            )
        return revisions[-2]
    before = served_before(history)
    for entry in before:
        if _is_named(entry, step.checkpoint, served, call):
            return entry
    names = ", ".join(dict.fromkeys(entry.checkpoint for entry in before)) or "nothing else"
    raise StateError(
        "SR262",
        f"service {step.service} has not served {step.checkpoint} before",
        hint=f"before, it served {names}; ALTER SERVICE … SET CHECKPOINT serves any export",
    )


def _is_named(entry: Deployment, name: str, served: Checkpoint, call: Call) -> bool:
    """Whether an entry served what a name means: an alias (``@prod``) means one version."""
    if not name.startswith("@"):
        return entry.checkpoint.casefold() == name.casefold()
    meant = find_export(call.env.registry, served.model, name, call.key.run)
    return (entry.model, entry.version) == (meant.model, meant.version)


def no_service(name: str, known: tuple[str, ...]) -> NameNotFoundError:
    """SR206: there is no service of that name."""
    hint = suggest(name, known) or f"services: {', '.join(known) or 'none'}"
    return NameNotFoundError("SR206", f"service {name} does not exist", hint=hint)
