"""Checkpoints: the one a statement starts from exists, is finished and is of the right kind.

Names with templates are known only when a step runs; one is judged all the same when the script itself
makes it, since the same text gives the same name in every run.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import Made, ScriptScope
from sqlrec.spec.model import CheckpointKind, CheckpointStatus
from sqlrec.spec.names import ModelName, export_name, is_checkpoint_name
from sqlrec.sql.statements import CreateService, ExportModel, Text, TrainModel


def check_base(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """FROM names a finished training checkpoint."""
    if isinstance(statement, TrainModel) and statement.base:
        yield from _origin(scope.model_name(statement.name), statement.base, scope, "FROM continues")


def check_exported(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """EXPORT names a finished training checkpoint."""
    if isinstance(statement, ExportModel):
        yield from _origin(scope.model_name(statement.name), statement.checkpoint, scope, "EXPORT takes")


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
    """A service takes a finished exported checkpoint, unless its model type has none."""
    if not isinstance(statement, CreateService):
        return
    model = scope.model_name(statement.model)
    controller = scope.controller(model)
    if controller is not None and not controller.programs.export:
        return
    text = statement.checkpoint
    if text is None:
        if controller is not None:
            yield Diagnostic(
                code="SR210",
                message=f"CHECKPOINT is required for model type {controller.type}",
                span=statement.name.span,
                hint=_exports_hint(model, scope),
            )
        return
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


def _missing(model: ModelName, text: Text, scope: ScriptScope, kind: CheckpointKind) -> Iterator[Diagnostic]:
    name = checkpoint_name(text)
    if not is_checkpoint_name(name) or scope.model(model) is None or _may_exist(model, name, scope):
        return
    known = [made.name for made in scope.known_checkpoints(model, kind)]
    parts = [other for other in known if other.casefold().startswith(f"{name.casefold()}/")]
    listed = f"checkpoints: {', '.join(known[-10:])}" if known else f"model {model} has none of that kind"
    hint = f"name one of its parts: {', '.join(parts)}" if parts else suggest(name, known) or listed
    yield Diagnostic(
        code="SR207", message=f"checkpoint not exists: {name} for model {model}", span=text.span, hint=hint
    )


def _may_exist(model: ModelName, name: str, scope: ScriptScope) -> bool:
    """Whether an open catalog, or text that could not be read, may hold the checkpoint.

    Not when the script drops the model and creates it anew: then it has what the script makes.
    """
    return model.key not in scope.emptied and scope.may_exist(name)


def _unfinished(model: ModelName, text: Text, made: Made) -> Iterator[Diagnostic]:
    if made.status is not CheckpointStatus.SUCCEEDED:
        yield Diagnostic(
            code="SR208",
            message=f"checkpoint status is not succeeded: {made.status} for checkpoint {made.name} "
            f"for model {model}",
            span=text.span,
            hint="wait for the run that makes it, or train it again",
        )
