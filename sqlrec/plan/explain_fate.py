"""What becomes of the thing that a step writes, and what is known of it already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from sqlrec.plan.changes import (
    DropAlias,
    DropCheckpoint,
    RenameTo,
    ResetOptions,
    ServeCheckpoint,
    SetAlias,
    SetOptions,
)
from sqlrec.plan.effects import altered_options
from sqlrec.plan.explanation import Change
from sqlrec.plan.plan import (
    AlterModelStep,
    AlterServiceStep,
    AssertStep,
    ChunkedCallStep,
    DefineApiStep,
    DefineFunctionStep,
    DefineModelStep,
    DeployStep,
    DropApiStep,
    DropFunctionStep,
    DropModelStep,
    DropServiceStep,
    EvaluateStep,
    ExplainStep,
    ExportStep,
    IfStep,
    ImportStep,
    InspectStep,
    QueryMode,
    QueryStep,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.plan.scope import ALIAS, ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.options import OptionValue

Fate = tuple[Change, str]
"""What becomes of a thing, and what is known of it."""


def fate(step: Step, world: ScriptScope) -> Fate:
    """The fate of what ``step`` writes, in the world before it."""
    match step:
        case DefineModelStep() | AlterModelStep() | DropModelStep():
            return _model(step, world)
        case TrainStep() | ExportStep() | ImportStep():
            return _made(step, world)
        case EvaluateStep():
            return Change.CHANGED, "its metrics are recorded"
        case DeployStep() | AlterServiceStep() | RollbackStep() | DropServiceStep():
            return _service(step, world)
        case DefineFunctionStep() | DropFunctionStep() | DefineApiStep() | DropApiStep():
            return _function(step, world)
        case QueryStep(mode=QueryMode.APPEND | QueryMode.OVERWRITE):
            return Change.CHANGED, ""
        case QueryStep(target=target) | ScoreStep(target=target) | ChunkedCallStep(target=target):
            return (Change.NEW if target else Change.UNCHANGED), ""
        case AssertStep() | InspectStep() | ExplainStep():
            return Change.UNCHANGED, ""
        case IfStep():
            return Change.UNKNOWN, ""
        case _:
            assert_never(step)


def _absent(world: ScriptScope) -> Change:
    """The fate of a thing that the catalog does not show: new, if the catalog shows everything."""
    return Change.NEW if world.catalog.closed else Change.UNKNOWN


def _dropped(exists: bool, world: ScriptScope) -> Fate:
    if exists:
        return Change.DROPPED, ""
    return (Change.UNCHANGED, "does not exist") if world.catalog.closed else (Change.UNKNOWN, "")


# Models


def _model(step: DefineModelStep | AlterModelStep | DropModelStep, world: ScriptScope) -> Fate:
    match step:
        case DefineModelStep(temporary=True):
            return Change.NEW, "known to this script alone"
        case DefineModelStep():
            return _defined(step, world)
        case DropModelStep(absent=True):
            return Change.UNCHANGED, "does not exist"
        case DropModelStep(temporary=True):
            return Change.DROPPED, ""
        case DropModelStep():
            return _dropped(world.permanent(step.model) is not None, world)
        case AlterModelStep():
            return _altered(step, world)
        case _:
            assert_never(step)


def _defined(step: DefineModelStep, world: ScriptScope) -> Fate:
    existing = world.permanent(step.model.name)
    if existing is None:
        dropped = step.model.name.key in world.models
        return (Change.NEW if dropped else _absent(world)), ""
    if existing.digest == step.model.digest:
        return Change.UNCHANGED, "the same definition is registered"
    if step.if_not_exists:
        return Change.UNCHANGED, "another definition is registered and kept"
    return Change.CHANGED, "another definition is registered"


def _altered(step: AlterModelStep, world: ScriptScope) -> Fate:
    spec = world.permanent(step.model)
    if spec is None and world.lacks_model(step.model):
        return Change.UNCHANGED, "does not exist"
    match step.change:
        case RenameTo():
            return Change.CHANGED, ""
        case SetOptions() | ResetOptions():
            if spec is None:
                return Change.UNKNOWN, ""
            controller = world.controller_of(spec.type)
            declared = controller.options if controller else None
            changed = _differences(spec.options, altered_options(spec.options, step.change, declared))
            return (Change.CHANGED, changed) if changed else (Change.UNCHANGED, "it is so already")
        case DropCheckpoint(checkpoint=name):
            return _dropped(world.checkpoint(step.model, name) is not None, world)
        case SetAlias(alias=alias):
            now = world.checkpoint(step.model, ALIAS + alias)
            return (Change.CHANGED, f"names {now.name} now") if now else (_absent(world), "")
        case DropAlias(alias=alias):
            return _dropped(world.checkpoint(step.model, ALIAS + alias) is not None, world)
        case _:
            assert_never(step.change)


def _differences(before: Mapping[str, OptionValue], after: Mapping[str, OptionValue]) -> str:
    keys = [key for key in {**before, **after} if str(before.get(key)) != str(after.get(key))]
    return ", ".join(f"{key} was {before.get(key, 'not set')}" for key in keys)


def _made(step: TrainStep | ExportStep | ImportStep, world: ScriptScope) -> Fate:
    model = step.model
    names = step.exports if isinstance(step, ExportStep) else (step.checkpoint,)
    if any(map(is_templated, names)):
        return Change.NEW, "named when it runs"
    found = [c for name in names if (c := world.catalog.checkpoint(model, name))]
    if model.key in world.emptied or not found:
        return Change.NEW, ""
    if step.if_absent and len(found) == len(names):
        return Change.UNCHANGED, f"version {max(c.version for c in found)} is kept"
    return Change.NEW, f"version {max(c.version for c in found)} bears the name now"


# Services


def _service(
    step: DeployStep | AlterServiceStep | RollbackStep | DropServiceStep, world: ScriptScope
) -> Fate:
    match step:
        case DeployStep():
            return _deployed(step, world)
        case AlterServiceStep(change=change):
            named = change.checkpoint if isinstance(change, ServeCheckpoint) else ""
            return _served(step.service, named, world)
        case RollbackStep(checkpoint=checkpoint):
            return _served(step.service, checkpoint, world)
        case DropServiceStep():
            return _dropped(world.service(step.service) is not None, world)
        case _:
            assert_never(step)


def _deployed(step: DeployStep, world: ScriptScope) -> Fate:
    served = world.catalog.service(step.service)
    if served is None:
        return _absent(world), ""
    now = f"serves {served.name}, version {served.version}, now"
    same = served.model == step.model and served.name.casefold() == step.checkpoint.casefold()
    renewed = (step.model.key, step.checkpoint.casefold()) in world.checkpoints
    if step.if_not_exists or (same and not renewed):
        return Change.UNCHANGED, now
    return Change.CHANGED, now


def _served(service: str, checkpoint: str, world: ScriptScope) -> Fate:
    """A service that goes on, with another checkpoint if one is named."""
    now = world.service(service)
    if now is None:
        gone = service.casefold() in world.services or world.catalog.closed
        return (Change.UNCHANGED, "does not exist") if gone else (Change.UNKNOWN, "")
    shown = f"serves {now.checkpoint} now" if now.checkpoint else ""
    renewed = (now.model.key, checkpoint.casefold()) in world.checkpoints
    same = bool(checkpoint) and now.checkpoint.casefold() == checkpoint.casefold() and not renewed
    return (Change.UNCHANGED if same else Change.CHANGED), shown


# Functions and APIs


def _function(
    step: DefineFunctionStep | DropFunctionStep | DefineApiStep | DropApiStep, world: ScriptScope
) -> Fate:
    match step:
        case DefineFunctionStep(function=function):
            return _replaced(world.function(function.name), function, world)
        case DefineApiStep(api=api):
            return _replaced(world.api(api.name), api, world)
        case DropFunctionStep(function=name):
            return _dropped(world.function(name) is not None, world)
        case DropApiStep(api=name):
            return _dropped(world.api(name) is not None, world)
        case _:
            assert_never(step)


def _replaced(now: object, new: object, world: ScriptScope) -> Fate:
    if now is None:
        return _absent(world), ""
    return (Change.UNCHANGED if now == new else Change.CHANGED), ""
