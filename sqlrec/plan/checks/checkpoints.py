"""Checkpoints: the one a statement starts from exists, is finished and is of the right kind.

Names with templates are known only when a step runs; one is judged all the same when the script itself
makes it, since the same text gives the same name in every run.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.models.controller import ModelController
from sqlrec.plan.checks.following import followed_text
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_made import INITIAL, is_ready_made
from sqlrec.plan.scope import ALIAS, Made, ScriptScope
from sqlrec.spec.model import CheckpointKind, CheckpointStatus
from sqlrec.spec.names import ModelName, export_name, is_checkpoint_name
from sqlrec.sql.statements import (
    AlterModel,
    AlterService,
    CreateService,
    Describe,
    DropCheckpoint,
    EvaluateModel,
    ExportModel,
    RollbackService,
    ServeCheckpoint,
    SetAlias,
    SetOptions,
    Text,
    TrainModel,
)


def check_trained(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """TRAIN makes a checkpoint, which has a name of its own; FROM names a finished training checkpoint."""
    if not isinstance(statement, TrainModel):
        return
    yield from _no_alias(statement.checkpoint, "a new checkpoint has a name of its own")
    if statement.base:
        yield from _origin(scope.model_name(statement.name), statement.base, scope, "FROM continues")


def check_exported(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """EXPORT names a finished training checkpoint; of an alias only one that the script sets."""
    if not isinstance(statement, ExportModel):
        return
    model, text = scope.model_name(statement.name), statement.checkpoint
    name = checkpoint_name(text)
    if name.startswith(ALIAS) and not scope.aliases.get((model.key, name.removeprefix(ALIAS).casefold())):
        yield from _no_alias(text, "an export is named after its checkpoint")
    else:
        yield from _origin(model, text, scope, "EXPORT takes")


def check_asked_for(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """What is evaluated, shown, given an alias or dropped exists; all but what is shown is finished."""
    match statement:
        case EvaluateModel(checkpoint=text) | AlterModel(change=SetAlias(checkpoint=text)):
            yield from _existing(scope.model_name(statement.name), text, scope, finished=True)
        case Describe(checkpoint=Text() as text):
            yield from _existing(scope.model_name(statement.name), text, scope, finished=False)
        case AlterModel(change=DropCheckpoint(checkpoint=text, if_exists=if_exists)):
            yield from _no_alias(text, "DROP ALIAS takes an alias away")
            if not (if_exists or statement.if_exists):
                yield from _existing(scope.model_name(statement.name), text, scope, finished=False)
        case _:
            pass
    if isinstance(statement, AlterModel) and isinstance(statement.change, SetAlias):
        yield from _no_alias(statement.change.checkpoint, "an alias names no other alias")


def _no_alias(text: Text, reason: str) -> Iterator[Diagnostic]:
    if checkpoint_name(text).startswith(ALIAS):
        yield Diagnostic(
            code="SR232",
            message=f"alias {text.value!r} cannot stand here: {reason}",
            span=text.span,
            hint="name the checkpoint itself",
        )


def _existing(model: ModelName, text: Text, scope: ScriptScope, *, finished: bool) -> Iterator[Diagnostic]:
    made = scope.checkpoint(model, checkpoint_name(text))
    if made is None:
        yield from _missing(model, text, scope)
    elif finished:
        yield from _unfinished(model, text, made)


def _origin(model: ModelName, text: Text, scope: ScriptScope, verb: str) -> Iterator[Diagnostic]:
    made = scope.checkpoint(model, checkpoint_name(text))
    if made is None:
        yield from _missing(model, text, scope, CheckpointKind.ORIGIN)
    elif made.kind is not CheckpointKind.ORIGIN:
        source = f": {made.source!r}" if made.source else ""
        yield Diagnostic(
            code="SR209",
            message=f"checkpoint {made.name!r} of model {model} is an export; {verb} a training checkpoint",
            span=text.span,
            hint=f"name the checkpoint it is made from{source}",
        )
    else:
        yield from _unfinished(model, text, made)


def check_served(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A service takes a finished exported checkpoint, unless its model type has none.

    It need not be named when creating the model makes one, and only one.
    """
    match statement:
        case CreateService():
            for member in statement.models:
                wanted = member.checkpoint or followed_text(statement.options)
                yield from _served(statement, scope.model_name(member.name), wanted, scope)
        case AlterService(name=name, change=SetOptions(options=options)):
            served = scope.service(name.text)
            if served is not None and (wanted := followed_text(options)):
                yield from _served(statement, served.model, wanted, scope)
        case (
            AlterService(name=name, change=ServeCheckpoint(checkpoint=text))
            | RollbackService(name=name, checkpoint=text)
        ):
            served = scope.service(name.text)
            if served is not None:
                yield from _served(statement, served.model, text, scope)
        case _:
            pass


def _served(
    statement: Acting, model: ModelName, text: Text | None, scope: ScriptScope
) -> Iterator[Diagnostic]:
    controller = scope.controller(model)
    if controller is not None and not (controller.programs.export or controller.programs.bring):
        return
    if text is not None:
        yield from _export(model, text, scope)
    elif controller is not None and isinstance(statement, CreateService):
        yield from _unnamed(statement, model, controller, scope)


def _unnamed(
    statement: CreateService, model: ModelName, controller: ModelController, scope: ScriptScope
) -> Iterator[Diagnostic]:
    spec = scope.model(model)
    ready = spec is not None and is_ready_made(spec, controller)
    if not ready or (spec and spec.query and len(controller.exports(INITIAL)) > 1):
        yield Diagnostic(
            code="SR210",
            message=f"CHECKPOINT is required for model type {controller.type}",
            span=statement.name.span,
            hint=_exports_hint(model, scope),
        )


def _export(model: ModelName, text: Text, scope: ScriptScope) -> Iterator[Diagnostic]:
    made = scope.checkpoint(model, checkpoint_name(text))
    if made is None:
        yield from _missing(model, text, scope, CheckpointKind.EXPORT)
    elif made.kind is not CheckpointKind.EXPORT:
        yield Diagnostic(
            code="SR209",
            message=f"service only supports export checkpoint, and {made.name!r} is a training checkpoint",
            span=text.span,
            hint=_export_of(model, made, scope),
        )
    else:
        yield from _unfinished(model, text, made)


def _export_of(model: ModelName, made: Made, scope: ScriptScope) -> str:
    exports = [e for e in scope.known_checkpoints(model, CheckpointKind.EXPORT) if e.source == made.name]
    written = next((e for e in exports if e.line), None)
    if written:
        return f"use CHECKPOINT = '{written.name}', which line {written.line} makes"
    controller = scope.controller(model)
    names = controller.exports(made.name) if controller else (export_name(made.name),)
    return f"EXPORT MODEL {model} CHECKPOINT = '{made.name}' makes {' and '.join(map(repr, names))}"


def _exports_hint(model: ModelName, scope: ScriptScope) -> str:
    names = [made.name for made in scope.known_checkpoints(model, CheckpointKind.EXPORT)]
    if not names:
        return f"model {model} has no exported checkpoint: EXPORT MODEL first"
    return f"exported checkpoints of {model}: {', '.join(names[-10:])}"


def _missing(
    model: ModelName, text: Text, scope: ScriptScope, kind: CheckpointKind | None = None
) -> Iterator[Diagnostic]:
    """The finding that there is no such checkpoint; the whole of an export in parts is never one."""
    name = checkpoint_name(text)
    if name.startswith(ALIAS):
        yield from missing_alias(model, name.removeprefix(ALIAS), text, scope)
        return
    known = [made.name for made in scope.known_checkpoints(model, kind)]
    parts = [other for other in known if other.casefold().startswith(f"{name.casefold()}/")]
    unsure = scope.model(model) is None or _may_exist(model, name, scope)
    if not is_checkpoint_name(name) or (unsure and not parts):
        return
    listed = f"checkpoints: {', '.join(known[-10:])}" if known else f"model {model} has none{_of(kind)}"
    hint = f"name one of its parts: {', '.join(parts)}" if parts else suggest(name, known) or listed
    yield Diagnostic(
        code="SR207", message=f"checkpoint not exists: {name} for model {model}", span=text.span, hint=hint
    )


def _of(kind: CheckpointKind | None) -> str:
    return " of that kind" if kind else ""


def missing_alias(model: ModelName, alias: str, text: Text, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The finding that a model has no such alias."""
    gone = (model.key, alias.casefold()) in scope.aliases
    if scope.model(model) is None or (not gone and _may_exist(model, alias, scope)):
        return
    known = scope.alias_names(model)
    listed = f"aliases: {', '.join(known)}" if known else f"model {model} has none"
    yield Diagnostic(
        code="SR207",
        message=f"alias not exists: {alias} for model {model}",
        span=text.span,
        hint=suggest(alias, known) or listed,
    )


def _may_exist(model: ModelName, name: str, scope: ScriptScope) -> bool:
    """Whether an open catalog, or text that could not be read, may hold the checkpoint.

    Not when the script drops the model and creates it anew, or drops the checkpoint: then there is what the
    script makes.
    """
    dropped = (model.key, name.casefold()) in scope.checkpoints
    return not dropped and model.key not in scope.emptied and scope.may_exist(name)


def _unfinished(model: ModelName, text: Text, made: Made) -> Iterator[Diagnostic]:
    if made.status is not CheckpointStatus.SUCCEEDED:
        yield Diagnostic(
            code="SR208",
            message=f"checkpoint status is not succeeded: {made.status} for checkpoint {made.name} "
            f"for model {model}",
            span=text.span,
            hint="wait for the run that makes it, or train it again",
        )
