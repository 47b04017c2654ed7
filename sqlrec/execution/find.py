"""Look-ups that compile time could not do, with errors that name what is there instead.

A DAG is compiled without the registry, so a task asks for its model and checkpoint when it runs. A name
that begins with ``@`` is an alias, and the checkpoint is the one it names at that moment.
"""

from __future__ import annotations

from sqlrec.errors import NameNotFoundError, StateError, suggest
from sqlrec.registry.absent import no_alias, no_checkpoint
from sqlrec.registry.registry import ModelRegistry
from sqlrec.spec.model import Checkpoint, CheckpointKind, CheckpointStatus, ModelSpec
from sqlrec.spec.names import ModelName, export_name

ALIAS = "@"
"""What begins the alias of a checkpoint where a checkpoint is named."""


def find_model(registry: ModelRegistry, name: ModelName) -> ModelSpec:
    """The model; raises SR205 with close matches when there is none."""
    found = registry.model(name)
    if found is not None:
        return found
    known = sorted(str(m.name) for m in registry.models())
    listed = f"models: {', '.join(known)}" if known else "no model is registered yet"
    raise NameNotFoundError(
        "SR205",
        f"model {name} does not exist",
        hint=suggest(str(name), known) or f"{listed}; CREATE MODEL first",
    )


def find_checkpoint(registry: ModelRegistry, model: ModelName, name: str, run: str) -> Checkpoint:
    """A finished checkpoint of either kind, chosen as :func:`find_origin` does; raises SR207 or SR208."""
    return _succeeded(registry, model, name, run)


def find_origin(registry: ModelRegistry, model: ModelName, name: str, run: str) -> Checkpoint:
    """A finished training checkpoint; raises SR207, SR208 or SR209.

    Of several versions of the name, the newest that the same ``run`` made, else the newest of all: two
    runs at once that train under one name each go on with their own.
    """
    found = _succeeded(registry, model, name, run)
    if found.kind is not CheckpointKind.ORIGIN:
        raise StateError(
            "SR209",
            f"checkpoint {name} of model {model} is an export, not a training checkpoint",
            hint=f"name the checkpoint it was made from: {found.parent}" if found.parent else "",
        )
    return found


def find_export(registry: ModelRegistry, model: ModelName, name: str, run: str) -> Checkpoint:
    """A finished exported checkpoint, chosen likewise; raises SR207 … SR209 or, without a name, SR210."""
    if not name:
        raise NameNotFoundError(
            "SR210", f"CHECKPOINT is required to serve model {model}", hint=_exports(registry, model)
        )
    found = _succeeded(registry, model, name, run)
    if found.kind is not CheckpointKind.EXPORT:
        raise StateError(
            "SR209",
            f"service only supports export checkpoint: {name} of model {model} is a training checkpoint",
            hint=_exports(registry, model, wanted=export_name(name)),
        )
    return found


def find_newest(registry: ModelRegistry, model: ModelName, run: str) -> Checkpoint:
    """The newest finished export, of this run if it made one; raises SR210 when there is none.

    Of an export in parts (``initial_export/user``) one must be named.
    """
    done = [
        c
        for c in registry.checkpoints(model)
        if c.kind is CheckpointKind.EXPORT and c.status is CheckpointStatus.SUCCEEDED
    ]
    own = [c for c in done if c.key.startswith(run)]
    if not done or "/" in (own or done)[-1].name:
        return find_export(registry, model, "", run)
    return (own or done)[-1]


def find_aliased(registry: ModelRegistry, model: ModelName, alias: str) -> Checkpoint:
    """The checkpoint that an alias names; raises SR207 with close matches when there is none."""
    known = registry.aliases(model)
    if (found := known.get(alias.casefold())) is None:
        raise no_alias(model, alias, known)
    return found


def _succeeded(registry: ModelRegistry, model: ModelName, name: str, run: str) -> Checkpoint:
    if name.startswith(ALIAS):
        return find_aliased(registry, model, name.removeprefix(ALIAS))
    versions = [c for c in registry.checkpoints(model) if c.name.casefold() == name.casefold()]
    done = [c for c in versions if c.status is CheckpointStatus.SUCCEEDED]
    own = [c for c in done if c.key.startswith(run)]
    if done:
        return (own or done)[-1]
    if versions:
        status = versions[-1].status
        raise StateError(
            "SR208",
            f"checkpoint {name} of model {model} is not succeeded: {status}",
            hint="wait for the run that makes it, or run it again",
        )
    raise no_checkpoint(model, name, (c.name for c in registry.checkpoints(model)))


def _exports(registry: ModelRegistry, model: ModelName, wanted: str = "") -> str:
    names = {
        c.name: None
        for c in registry.checkpoints(model)
        if c.kind is CheckpointKind.EXPORT and c.status is CheckpointStatus.SUCCEEDED
    }
    own = [n for n in names if n == wanted or n.startswith(f"{wanted}/")] if wanted else []
    if own:
        return f"use CHECKPOINT='{own[-1]}'"
    if names:
        return f"exported checkpoints of {model}: {', '.join(list(names)[-10:])}"
    return f"model {model} has no exported checkpoint: EXPORT MODEL first"
