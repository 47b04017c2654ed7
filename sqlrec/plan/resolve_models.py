"""Statements that define, change or drop models → steps."""

from __future__ import annotations

from typing import assert_never

from sqlrec.errors import SqlRecError
from sqlrec.models.controller import ModelController
from sqlrec.models.lookup import model_type
from sqlrec.plan import changes
from sqlrec.plan.options import stored_options
from sqlrec.plan.plan import AlterModelStep, DefineModelStep, DropModelStep, Ref, Step
from sqlrec.plan.refs import checkpoint_name, checkpoint_ref, model_ref, service_ref, table_refs
from sqlrec.plan.resolve_queries import query_relation
from sqlrec.plan.scope import ALIAS, ScriptScope
from sqlrec.plan.templates import without_secrets
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue, Scope, canonical_key
from sqlrec.spec.schema import Schema
from sqlrec.sql.render import render
from sqlrec.sql.statements import (
    AlterModel,
    CreateModel,
    DropAlias,
    DropCheckpoint,
    DropModel,
    RenameTo,
    ResetOptions,
    SetAlias,
    SetOptions,
    Text,
)

AboutModels = CreateModel | AlterModel | DropModel


def resolve_models(statement: AboutModels, scope: ScriptScope) -> Step:
    """The step of a statement about a model."""
    match statement:
        case CreateModel():
            return _create_model(statement, scope)
        case AlterModel():
            return _alter_model(statement, scope)
        case DropModel():
            return _drop_model(statement, scope)
        case _:
            assert_never(statement)


def model_spec(statement: CreateModel, scope: ScriptScope) -> ModelSpec:
    """The definition that CREATE MODEL states."""
    options = stored_options(statement.options)
    declared = statement.inputs or statement.columns
    columns = declared.schema if declared else Schema()
    named = model_type(options)
    controller = scope.controller_of(named)
    given = statement.outputs.schema if statement.outputs else Schema()
    return ModelSpec(
        name=scope.model_name(statement.name),
        type=controller.type if controller else named,
        columns=columns,
        outputs=given or answers(controller, columns, options),
        options=options,
        comment=statement.comment.value if statement.comment else "",
        ddl=without_secrets(render(statement)),
        query=without_secrets(statement.query.sql) if statement.query else "",
    )


def answers(controller: ModelController | None, columns: Schema, options: dict[str, OptionValue]) -> Schema:
    """Output columns by the model type; empty when the type is unknown or an option is wrong."""
    if controller is None:
        return Schema()
    try:
        effective = controller.options.effective(Scope.MODEL, model=options)
    except SqlRecError:
        return Schema()
    return controller.outputs(columns, {key: option.value for key, option in effective.items()})


def _create_model(statement: CreateModel, scope: ScriptScope) -> DefineModelStep:
    """A temporary model writes nothing: the statements after it have its definition from the scope."""
    model = model_spec(statement, scope)
    data = query_relation(statement.query, scope) if statement.query else None
    return DefineModelStep(
        id="",
        line=0,
        sql="",
        model=model,
        data=data,
        replace=statement.replace,
        if_not_exists=statement.if_not_exists,
        temporary=statement.temporary,
        reads=table_refs(data),
        writes=() if statement.temporary else (model_ref(model.name),),
    )


def _drop_model(statement: DropModel, scope: ScriptScope) -> DropModelStep:
    name = scope.as_declared(scope.model_name(statement.name))
    return DropModelStep(
        id="",
        line=0,
        sql="",
        model=name,
        if_exists=statement.if_exists,
        temporary=statement.temporary,
        absent=statement.temporary and name.key not in scope.temporary,
        reads=() if statement.temporary else _once_used_by(name, scope),
        writes=() if statement.temporary else (model_ref(name),),
    )


def _once_used_by(model: ModelName, scope: ScriptScope) -> tuple[Ref, ...]:
    """Services that the script dropped, or gave another checkpoint: what is in use is not dropped."""
    services = scope.services.items()
    return tuple(
        service_ref(key)
        for key, served in services
        if served is None or any(member.model == model for member in served.members)
    )


def _alter_model(statement: AlterModel, scope: ScriptScope) -> AlterModelStep:
    name = scope.as_declared(scope.model_name(statement.name))
    change = _change(statement, name, scope)
    reads, writes = _touched(name, change, scope)
    return AlterModelStep(
        id="",
        line=0,
        sql="",
        model=name,
        change=change,
        if_exists=statement.if_exists,
        reads=reads,
        writes=writes,
    )


def _change(statement: AlterModel, name: ModelName, scope: ScriptScope) -> changes.ModelChange:
    match statement.change:
        case RenameTo(name=new):
            return changes.RenameTo(name=scope.model_name(new))
        case SetOptions(options=options):
            return changes.SetOptions(options=stored_options(options))
        case ResetOptions(keys=keys):
            return changes.ResetOptions(keys=tuple(dict.fromkeys(canonical_key(key.value) for key in keys)))
        case DropCheckpoint(checkpoint=text, if_exists=if_exists):
            return changes.DropCheckpoint(checkpoint=known_name(name, text, scope), if_exists=if_exists)
        case SetAlias(alias=alias, checkpoint=text):
            return changes.SetAlias(alias=alias_name(alias), checkpoint=known_name(name, text, scope))
        case DropAlias(alias=alias, if_exists=if_exists):
            return changes.DropAlias(alias=alias_name(alias), if_exists=if_exists)
        case _:
            assert_never(statement.change)


def _touched(
    name: ModelName, change: changes.ModelChange, scope: ScriptScope
) -> tuple[tuple[Ref, ...], tuple[Ref, ...]]:
    """What a change reads, and what it writes."""
    match change:
        case changes.RenameTo(name=new):
            return (), (model_ref(name), model_ref(new))
        case changes.SetOptions() | changes.ResetOptions():
            return (), (model_ref(name),)
        case changes.DropCheckpoint(checkpoint=checkpoint):
            return (model_ref(name), *_once_used_by(name, scope)), (checkpoint_ref(name, checkpoint),)
        case changes.SetAlias(alias=alias, checkpoint=checkpoint):
            read = (model_ref(name), checkpoint_ref(name, checkpoint))
            moved = (service_ref(served.name) for served in scope.followers(name, ALIAS + alias))
            return read, (checkpoint_ref(name, ALIAS + alias), *moved)
        case changes.DropAlias(alias=alias):
            return (model_ref(name),), (checkpoint_ref(name, ALIAS + alias),)
        case _:
            assert_never(change)


def alias_name(text: Text) -> str:
    """The name of an alias."""
    return text.value.strip()


def known_name(model: ModelName, text: Text | None, scope: ScriptScope) -> str:
    """A checkpoint's name in the spelling of the statement that makes it, when that is known.

    An alias stays one: what it names is known when the step runs.
    """
    name = checkpoint_name(text)
    made = None if name.startswith(ALIAS) else scope.checkpoint(model, name)
    return made.name if made else name
