"""Services that follow an alias are moved with it: by the statement that moves it, or afterwards.

A server knows no registry, so the side that moves the alias moves the services: first they, each proved as in
any deployment, then the alias. An export that a service cannot serve is thus no export that the alias names.
What was moved elsewhere, in MLflow or by its client, is caught up with by :func:`catch_up`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlrec.errors import OptionError, StateError
from sqlrec.execution.call import Call
from sqlrec.execution.canary import require_no_canary
from sqlrec.execution.find import find_export
from sqlrec.execution.locks import service_lock
from sqlrec.execution.revisions import in_force
from sqlrec.execution.transaction import Revision, put_in_force
from sqlrec.registry.registry import Deployment, ModelRegistry
from sqlrec.spec.following import as_alias, followed
from sqlrec.spec.model import Checkpoint, CheckpointKind
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue


def require_followed(options: Mapping[str, OptionValue], checkpoint: str, *, models: int = 1) -> None:
    """Who follows serves one model, and names no other checkpoint; raises ``OptionError`` SR368."""
    alias = followed(options)
    if alias and models > 1:
        raise OptionError(
            "SR368",
            f"a service of {models} models cannot follow {alias}",
            hint="leave the option follow out; ALTER SERVICE moves such a service",
        )
    if alias and checkpoint and checkpoint.casefold() != alias:
        raise OptionError(
            "SR368",
            f"a service that follows {alias} cannot be told to serve {checkpoint}",
            hint=f"leave CHECKPOINT out, or write CHECKPOINT = '{alias}'",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A service, the checkpoint it serves, the alias it follows (``@prod``), and its revision in force."""

    service: str
    served: Checkpoint
    alias: str
    entry: Deployment


def followers(registry: ModelRegistry) -> Iterator[Follower]:
    """All services that follow an alias."""
    for name in registry.services():
        served, entry = registry.service(name), in_force(registry.history(name))
        if served is not None and entry is not None and (alias := followed(entry.options)):
            yield Follower(service=entry.service, served=served, alias=alias, entry=entry)


def move_followers(model: ModelName, alias: str, target: Checkpoint, call: Call, reason: str) -> list[str]:
    """Make the services that follow an alias serve what it is about to name; their names.

    Raises SR209 when some follow and ``target`` cannot be served, and what a deployment raises; services
    moved until then stay moved, and a repetition goes on with the others.
    """
    wanted = as_alias(alias)
    found = [f for f in followers(call.env.registry) if f.served.model == model and f.alias == wanted]
    if found and target.kind is not CheckpointKind.EXPORT:
        names = ", ".join(follower.service for follower in found)
        raise StateError(
            "SR209",
            f"{target.name} of model {model} is a training checkpoint, but {wanted} is followed by {names}",
            hint="let the alias name an export, or ALTER SERVICE … RESET ('follow') first",
        )
    for follower in found:
        _move(follower, target, call, reason)
    return [follower.service for follower in found]


def catch_up(follower: Follower, call: Call, reason: str) -> Checkpoint | None:
    """Make a service serve what its alias names now; None when it does already.

    Raises SR207 when the alias is gone, SR209 when it names no export, and what a deployment raises.
    """
    target = find_export(call.env.registry, follower.served.model, follower.alias, call.key.run)
    return target if _move(follower, target, call, reason) else None


def _move(follower: Follower, target: Checkpoint, call: Call, reason: str) -> bool:
    """Whether the service had to be moved."""
    registry = call.env.registry
    with service_lock(call.env, follower.service):
        served, entry = registry.service(follower.service), in_force(registry.history(follower.service))
        if served is None or entry is None or followed(entry.options) != follower.alias:
            return False
        if served.version == target.version:
            return False
        wanted = Revision(service=follower.service, checkpoint=target, options=entry.options, reason=reason)
        require_no_canary(wanted, registry.history(follower.service))
        put_in_force(wanted, call, "moved")
        return True
