"""The canary of a service: begun by a deployment of its own, then promoted to the whole service, or aborted.

What the service serves, by its alias, stays the stable checkpoint until PROMOTE. While a canary runs,
nothing else about the service changes: what was compared with what would no longer be known.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlrec.errors import StateError
from sqlrec.execution.call import Call
from sqlrec.execution.group import pinned_members
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.revisions import in_force, same
from sqlrec.execution.transaction import Revision, put_in_force
from sqlrec.registry.registry import DeployAction, Deployment, DeployState
from sqlrec.registry.tags import running_canary
from sqlrec.spec.canary import without_canary
from sqlrec.spec.model import Checkpoint


def require_no_canary(wanted: Revision, history: Iterable[Deployment]) -> None:
    """A service with a canary stays as it is; raises ``StateError`` SR273 for another revision of it."""
    entries = list(history)
    canary, current = running_canary(entries), in_force(entries)
    pins = tuple((other.model, other.version) for other in wanted.others)
    if canary is None or current is None:
        return
    unchanged = (
        (current.model, current.version) == (wanted.checkpoint.model, wanted.checkpoint.version)
        and tuple((pin.model, pin.version) for pin in current.others) == pins
        and {key: str(value) for key, value in wanted.options.items()} == dict(current.options)
    )
    if not unchanged:
        raise StateError(
            "SR273",
            f"service {wanted.service} has a canary, {canary.checkpoint} of model {canary.model}",
            hint=f"ALTER SERVICE {wanted.service} PROMOTE, or ROLLBACK SERVICE {wanted.service}, ends it",
        )


def promote(service: str, call: Call, reason: str) -> Outcome:
    """Make the canary the whole service; raises SR264 without one and SR263 when its version is gone."""
    history = call.env.registry.history(service)
    canary = running_canary(history) or _promoted(history, call)
    if canary is None:
        raise StateError(
            "SR264",
            f"service {service} has no canary to promote",
            hint="ALTER SERVICE … SET CHECKPOINT = '…' WITH (canary = '10%') begins one",
        )
    wanted = Revision(
        service=service,
        checkpoint=_version(canary, call),
        options=without_canary(canary.options),
        action=DeployAction.PROMOTE,
        reason=reason,
        others=pinned_members(canary, call),
    )
    return put_in_force(wanted, call, "promoted the canary of")


def abort(service: str, call: Call, reason: str) -> Outcome | None:
    """Remove the canary; None when there is none, nor was one that this task removed.

    A version that is gone keeps no canary alive: the entry then names what the service goes on with.
    """
    registry = call.env.registry
    history = registry.history(service)
    canary, served = running_canary(history), registry.service(service)
    if canary is None:
        done = [e for e in history if e.action is DeployAction.ABORT and e.key == call.key.text]
        finished = bool(done) and done[-1].state is DeployState.FINISHED
        return _aborted(done[-1]) if finished else None
    entry = registry.begin(
        service=service,
        action=DeployAction.ABORT,
        checkpoint=registry.version(canary.model, canary.version) or served or _version(canary, call),
        key=call.key.text,
        options=canary.options,
        reason=reason,
    )
    try:
        call.env.services.end_canary(service)
    except BaseException as error:
        registry.fail(entry, error=str(error))
        raise
    registry.finish(entry, url=canary.url)
    if served is not None:
        call.report(f"{service} goes on with {served.model} {served.name} alone")
    return _aborted(canary)


def _aborted(entry: Deployment) -> Outcome:
    return Outcome(
        message=f"removed the canary of {entry.service}: {entry.model} {entry.checkpoint}",
        facts={"service": entry.service, "model": str(entry.model), "canary": entry.checkpoint},
    )


def _promoted(history: Iterable[Deployment], call: Call) -> Deployment | None:
    """What an earlier try of this task promoted, while it is in force."""
    entries = list(history)
    mine = [e for e in entries if e.action is DeployAction.PROMOTE and e.key == call.key.text]
    current = in_force(entries)
    return mine[-1] if mine and current is not None and same(mine[-1], current) else None


def _version(entry: Deployment, call: Call) -> Checkpoint:
    found = call.env.registry.version(entry.model, entry.version)
    if found is None:
        raise StateError(
            "SR263",
            f"the canary of service {entry.service} is {entry.checkpoint} of model {entry.model}, "
            f"version {entry.version}, which is gone",
            hint=f"ROLLBACK SERVICE {entry.service} removes it",
        )
    return found
