"""Errors about names that a registry does not know, with what it knows instead, or that are in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlrec.errors import NameNotFoundError, StateError, suggest
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.names import ModelName


def no_model(name: ModelName) -> NameNotFoundError:
    """There is no such model to change."""
    return NameNotFoundError("SR205", f"model {name} does not exist", hint="CREATE MODEL comes first")


def no_version(checkpoint: Checkpoint) -> NameNotFoundError:
    """A checkpoint is not there any more."""
    what = f"checkpoint {checkpoint.name} (version {checkpoint.version})"
    return NameNotFoundError("SR205", f"model {checkpoint.model} has no {what} any more")


def no_checkpoint(model: ModelName, name: str, known: Iterable[str]) -> NameNotFoundError:
    """A model has no checkpoint of a name; ``known`` are the names it has."""
    names = list(dict.fromkeys(known))
    listed = f"checkpoints: {', '.join(names[-10:])}" if names else f"model {model} has no checkpoint yet"
    hint = suggest(name, names) or listed
    return NameNotFoundError("SR207", f"checkpoint not exists: {name} for model {model}", hint=hint)


def no_alias(model: ModelName, alias: str, known: Iterable[str]) -> NameNotFoundError:
    """A model has no such alias; ``known`` are those it has."""
    names = list(known)
    hint = suggest(alias, names) or (f"aliases: {', '.join(names)}" if names else f"model {model} has none")
    return NameNotFoundError("SR207", f"alias not exists: {alias} for model {model}", hint=hint)


def in_use(what: str, users: Sequence[str]) -> StateError:
    """Services use a model or a checkpoint, so it stays."""
    return StateError(
        "SR203",
        f"Cannot delete {what} because it is being used by {len(users)} service(s): {', '.join(users)}",
        hint=f"DROP SERVICE {users[0]}, or let it serve another checkpoint, first",
    )
