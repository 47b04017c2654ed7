"""Statements about models and services → steps."""

from __future__ import annotations

from typing import assert_never

from sqlrec.errors import SqlRecError
from sqlrec.models.controller import ModelController
from sqlrec.models.lookup import model_type
from sqlrec.plan.options import stored_options
from sqlrec.plan.plan import (
    DefineModelStep,
    DeployStep,
    DropModelStep,
    DropServiceStep,
    ExportStep,
    Step,
    TrainStep,
)
from sqlrec.plan.refs import checkpoint_name, checkpoint_ref, model_name, model_ref, service_ref, table_refs
from sqlrec.plan.resolve_queries import relation
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import without_secrets
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName, export_name
from sqlrec.spec.options import OptionValue, Scope
from sqlrec.spec.schema import Schema
from sqlrec.sql.render import render
from sqlrec.sql.statements import (
    CreateModel,
    CreateService,
    DropModel,
    DropService,
    ExportModel,
    Text,
    TrainModel,
)

AboutModels = CreateModel | DropModel | TrainModel | ExportModel | CreateService | DropService


def resolve_models(statement: AboutModels, scope: ScriptScope) -> Step:
    """The step of a statement about a model or a service."""
    match statement:
        case CreateModel():
            return _create_model(statement, scope)
        case DropModel():
            return _drop_model(statement, scope)
        case TrainModel():
            return _train(statement, scope)
        case ExportModel():
            return _export(statement, scope)
        case CreateService():
            return _create_service(statement, scope)
        case DropService():
            return _drop_service(statement)
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
        name=model_name(statement.name),
        type=controller.type if controller else named,
        columns=columns,
        outputs=given or answers(controller, columns, options),
        options=options,
        comment=statement.comment.value if statement.comment else "",
        ddl=without_secrets(render(statement)),
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
    model = model_spec(statement, scope)
    return DefineModelStep(
        id="",
        line=0,
        sql="",
        model=model,
        replace=statement.replace,
        if_not_exists=statement.if_not_exists,
        writes=(model_ref(model.name),),
    )


def _drop_model(statement: DropModel, scope: ScriptScope) -> DropModelStep:
    """Reads the services dropped before, because a model in use is not dropped."""
    name = scope.as_declared(model_name(statement.name))
    dropped = tuple(service_ref(key) for key, served in scope.services.items() if served is None)
    return DropModelStep(
        id="",
        line=0,
        sql="",
        model=name,
        if_exists=statement.if_exists,
        reads=dropped,
        writes=(model_ref(name),),
    )


def _train(statement: TrainModel, scope: ScriptScope) -> TrainStep:
    name = scope.as_declared(model_name(statement.name))
    data = relation(statement.data, scope)
    validation = relation(statement.validation, scope) if statement.validation else None
    checkpoint, base = checkpoint_name(statement.checkpoint), _known(name, statement.base, scope)
    bases = (checkpoint_ref(name, base),) if base else ()
    return TrainStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=checkpoint,
        data=data,
        validation=validation,
        base=base,
        options=stored_options(statement.options),
        reads=(model_ref(name), *bases, *table_refs(data, validation)),
        writes=(checkpoint_ref(name, checkpoint),),
    )


def _export(statement: ExportModel, scope: ScriptScope) -> ExportStep:
    name = scope.as_declared(model_name(statement.name))
    checkpoint = _known(name, statement.checkpoint, scope)
    controller = scope.controller(name)
    exports = controller.exports(checkpoint) if controller else (export_name(checkpoint),)
    sample = relation(statement.sample, scope) if statement.sample else None
    return ExportStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=checkpoint,
        exports=exports,
        sample=sample,
        options=stored_options(statement.options),
        reads=(model_ref(name), checkpoint_ref(name, checkpoint), *table_refs(sample)),
        writes=tuple(checkpoint_ref(name, made) for made in exports),
    )


def _known(model: ModelName, text: Text | None, scope: ScriptScope) -> str:
    """A checkpoint's name in the spelling of the statement that makes it, when that is known."""
    name = checkpoint_name(text)
    made = scope.checkpoint(model, name)
    return made.name if made else name


def _create_service(statement: CreateService, scope: ScriptScope) -> DeployStep:
    """Reads, of a part (``v1_export/user``) of an unknown model type, the whole export as well."""
    name = scope.as_declared(model_name(statement.model))
    checkpoint = _known(name, statement.checkpoint, scope)
    served = [checkpoint] if checkpoint else []
    if "/" in checkpoint and scope.controller(name) is None:
        served.append(checkpoint.rpartition("/")[0])
    return DeployStep(
        id="",
        line=0,
        sql="",
        service=statement.name.text,
        model=name,
        checkpoint=checkpoint,
        replace=statement.replace,
        if_not_exists=statement.if_not_exists,
        options=stored_options(statement.options),
        reads=(model_ref(name), *(checkpoint_ref(name, part) for part in served)),
        writes=(service_ref(statement.name.text),),
    )


def _drop_service(statement: DropService) -> DropServiceStep:
    return DropServiceStep(
        id="",
        line=0,
        sql="",
        service=statement.name.text,
        if_exists=statement.if_exists,
        writes=(service_ref(statement.name.text),),
    )
