"""What a step changes in the scope of the statements after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from sqlrec.plan.changes import (
    DropAlias,
    DropCheckpoint,
    Promote,
    RenameTo,
    ResetOptions,
    ServeCheckpoint,
    SetAlias,
    SetOptions,
)
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
    QueryStep,
    RefKind,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.plan.scope import ALIAS, Made, ScriptScope, Served
from sqlrec.spec.canary import CANARY
from sqlrec.spec.following import FOLLOW, followed, told_to_serve
from sqlrec.spec.model import CheckpointKind, ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionSet, OptionValue, canonical_key
from sqlrec.spec.table import TableFormat


def record(step: Step, scope: ScriptScope) -> None:
    """Note what a step makes or drops.

    What a branch of IF makes counts as made, what it drops as still there: either may be so.
    """
    match step:
        case IfStep():
            _record_branches(step, scope)
        case DefineModelStep() | DropModelStep() | AlterModelStep():
            _record_model(step, scope)
        case TrainStep() | ExportStep() | ImportStep():
            _record_checkpoints(step, scope)
        case DeployStep() | AlterServiceStep() | RollbackStep() | DropServiceStep():
            _record_service(step, scope)
        case DefineFunctionStep() | DropFunctionStep() | DefineApiStep() | DropApiStep():
            _record_function(step, scope)
        case QueryStep() | ScoreStep() | ChunkedCallStep():
            _cached(step, scope)
        case AssertStep() | EvaluateStep() | InspectStep() | ExplainStep():
            scope.gates += (ref for ref in step.writes if ref.kind is RefKind.GATE)
        case _:
            assert_never(step)


def _record_branches(step: IfStep, scope: ScriptScope) -> None:
    for branch in (step.then, step.otherwise):
        if branch is not None and not _takes_away(branch):
            record(branch, scope)


def _takes_away(step: Step) -> bool:
    match step:
        case DropModelStep() | DropServiceStep() | DropFunctionStep() | DropApiStep():
            return True
        case AlterModelStep(change=DropCheckpoint() | DropAlias()):
            return True
        case _:
            return False


# Models


def _record_model(step: DefineModelStep | DropModelStep | AlterModelStep, scope: ScriptScope) -> None:
    match step:
        case DefineModelStep():
            _defined(step, scope)
        case DropModelStep(temporary=True, model=name):
            scope.temporary.pop(name.key, None)
        case DropModelStep(model=name):
            scope.models[name.key] = None
            _emptied(name, scope)
        case AlterModelStep():
            _altered(step, scope)
        case _:
            assert_never(step)


def _defined(step: DefineModelStep, scope: ScriptScope) -> None:
    name = step.model.name
    if step.temporary:
        if not (step.if_not_exists and name.key in scope.temporary):
            scope.temporary[name.key] = step.model
            scope.lines[f"temporary {name.key}"] = step.line
    elif not (step.if_not_exists and scope.permanent(name)):
        scope.models[name.key] = _looked_up(step.model, scope)
        scope.lines[f"model {name.key}"] = step.line


def _looked_up(model: ModelSpec, scope: ScriptScope) -> ModelSpec:
    """The definition; the same one as it is registered knows the columns of its query, too."""
    known = scope.permanent(model.name) if model.awaits_query else None
    return known if known is not None and known.digest == model.digest else model


def _emptied(model: ModelName, scope: ScriptScope) -> None:
    scope.emptied.add(model.key)
    scope.registered.pop(model.key, None)
    for named in (scope.checkpoints, scope.aliases):
        for key in [key for key in named if key[0] == model.key]:
            del named[key]


def _altered(step: AlterModelStep, scope: ScriptScope) -> None:
    spec = scope.permanent(step.model)
    match step.change:
        case RenameTo(name=new):
            scope.lines[f"renamed {step.model.key}"] = step.line
            if spec is not None:
                _renamed(spec, new, scope)
        case SetOptions() | ResetOptions():
            if spec is not None:
                controller = scope.controller_of(spec.type)
                declared = controller.options if controller else None
                options = altered_options(spec.options, step.change, declared)
                scope.models[spec.name.key] = replace(spec, options=options)
        case DropCheckpoint(checkpoint=name):
            scope.checkpoints[step.model.key, name.casefold()] = None
        case SetAlias(alias=alias, checkpoint=name):
            scope.aliases[step.model.key, alias.casefold()] = name
            for served in scope.followers(step.model, ALIAS + alias):
                _serves(served, name, step.line, scope)
        case DropAlias(alias=alias):
            scope.aliases[step.model.key, alias.casefold()] = None
        case _:
            assert_never(step.change)


def altered_options(
    options: Mapping[str, OptionValue], change: SetOptions | ResetOptions, declared: OptionSet | None
) -> dict[str, OptionValue]:
    """A model's options, by canonical key, after ALTER MODEL … SET or RESET.

    ``declared`` are the options of the model's type, which know that ``openai.api_key`` is ``api_key``.
    """
    canonical = declared.canonical if declared else canonical_key
    changed = set(map(canonical, change.options if isinstance(change, SetOptions) else change.keys))
    kept = {
        key: value
        for key, value in options.items()
        if canonical(key) not in changed or (isinstance(change, SetOptions) and key in change.options)
    }
    return {**kept, **change.options} if isinstance(change, SetOptions) else kept


def _renamed(spec: ModelSpec, new: ModelName, scope: ScriptScope) -> None:
    """The model under its new name, with its checkpoints, aliases and services."""
    old = spec.name
    made = {name: made for (key, name), made in scope.checkpoints.items() if key == old.key}
    aliases = {name: target for (key, name), target in scope.aliases.items() if key == old.key}
    registered = scope.registered.get(old.key, old)
    fresh = old.key in scope.emptied
    _emptied(old, scope)
    _emptied(new, scope)
    if not fresh:
        scope.registered[new.key] = registered
        scope.emptied.discard(new.key)
    scope.models |= {old.key: None, new.key: replace(spec, name=new)}
    scope.checkpoints |= {(new.key, name): known for name, known in made.items()}
    scope.aliases |= {(new.key, name): target for name, target in aliases.items()}
    for key, served in scope.services.items():
        if served is not None and any(member.model == old for member in served.members):
            scope.services[key] = _of_renamed(served, old, new)


def _of_renamed(served: Served, old: ModelName, new: ModelName) -> Served:
    first, *others = (replace(m, model=new) if m.model == old else m for m in served.members)
    return replace(served, model=first.model, others=tuple(others))


def _record_checkpoints(step: TrainStep | ExportStep | ImportStep, scope: ScriptScope) -> None:
    key = step.model.key
    if isinstance(step, TrainStep | ImportStep):
        kind = CheckpointKind.ORIGIN if isinstance(step, TrainStep) else CheckpointKind.EXPORT
        made = Made(step.checkpoint, kind, line=step.line)
        scope.checkpoints[key, step.checkpoint.casefold()] = made
        return
    source = scope.checkpoint(step.model, step.checkpoint)
    if source is None or source.kind is CheckpointKind.ORIGIN:
        for name in step.exports:
            made = Made(name, CheckpointKind.EXPORT, line=step.line, source=step.checkpoint)
            scope.checkpoints[key, name.casefold()] = made


# Services


def _record_service(
    step: DeployStep | AlterServiceStep | RollbackStep | DropServiceStep, scope: ScriptScope
) -> None:
    now = scope.service(step.service)
    match step:
        case DeployStep():
            if now is None or not step.if_not_exists:
                fresh = now is None and scope.catalog.closed
                before = now.checkpoint if now else None if fresh else ""
                served = Served(
                    step.service,
                    step.model,
                    _named(step.model, step.checkpoint, scope),
                    step.line,
                    before,
                    step.others,
                    followed(step.options),
                )
                scope.services[step.service.casefold()] = served
        case AlterServiceStep():
            _altered_service(now, step, scope)
        case RollbackStep(checkpoint=checkpoint):
            now = replace(now, others=(), follow="") if now else None
            _serves(now, checkpoint or (now.before if now else "") or "", step.line, scope)
        case DropServiceStep():
            scope.services[step.service.casefold()] = None
        case _:
            assert_never(step)


def _altered_service(now: Served | None, step: AlterServiceStep, scope: ScriptScope) -> None:
    if now is None:
        return
    match step.change:
        case ServeCheckpoint(options=options) if CANARY in options:
            pass
        case Promote():
            _serves(replace(now, others=(), follow=""), "", step.line, scope)
        case ServeCheckpoint(checkpoint=checkpoint, options=options):
            follow = followed(told_to_serve({FOLLOW: now.follow, **options}, checkpoint))
            _serves(replace(now, follow=follow), checkpoint, step.line, scope)
        case SetOptions(options=options) if alias := followed(options):
            _serves(replace(now, follow=alias), alias, step.line, scope)
        case ResetOptions(keys=keys) if FOLLOW in keys:
            scope.services[now.name.casefold()] = replace(now, follow="")
        case _:
            pass


def _serves(now: Served | None, checkpoint: str, line: int, scope: ScriptScope) -> None:
    """The service serves another checkpoint of its model; one of an unknown model stays unknown."""
    if now is not None:
        name = _named(now.model, checkpoint, scope)
        scope.services[now.name.casefold()] = replace(now, checkpoint=name, line=line, before=now.checkpoint)


def _named(model: ModelName, checkpoint: str, scope: ScriptScope) -> str:
    """The checkpoint that an alias names, where that is known; another name is one already."""
    made = scope.checkpoint(model, checkpoint) if checkpoint.startswith(ALIAS) else None
    return made.name if made else checkpoint


# Functions, APIs, tables


def _record_function(
    step: DefineFunctionStep | DropFunctionStep | DefineApiStep | DropApiStep, scope: ScriptScope
) -> None:
    match step:
        case DefineFunctionStep(function=function):
            scope.functions[function.name.casefold()] = function
            scope.lines[f"function {function.name.casefold()}"] = step.line
        case DropFunctionStep(function=name):
            scope.functions[name.casefold()] = None
        case DefineApiStep(api=api):
            scope.apis[api.name.casefold()] = api
            scope.lines[f"api {api.name.casefold()}"] = step.line
        case DropApiStep(api=name):
            scope.apis[name.casefold()] = None
        case _:
            assert_never(step)


def _cached(step: QueryStep | ScoreStep | ChunkedCallStep, scope: ScriptScope) -> None:
    target = step.target
    if target is not None and target.format is TableFormat.CACHE:
        key = scope.inside.inner(target.name).casefold()
        scope.caches[key] = target
        scope.lines[f"table {key}"] = step.line
