"""What is registered → the statement that makes it, in canonical text.

A model keeps the text it was created with, because that text has the form its author chose (a column list,
or INPUT and OUTPUT); its name and options are those it has now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlrec.errors import OptionError, ScriptError, Span
from sqlrec.execution.masking import masked, masked_options
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.models.lookup import get_controller, model_types
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep
from sqlrec.registry.registry import Deployment
from sqlrec.spec.codec import CodecError
from sqlrec.spec.function import ApiSpec, FunctionSpec
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionSet, OptionValue, canonical_key
from sqlrec.spec.schema import Schema
from sqlrec.spec.secret import PREFIX
from sqlrec.spec.table import TableSource
from sqlrec.sql.render import render
from sqlrec.sql.script import parse
from sqlrec.sql.statements import (
    Column,
    Columns,
    CreateApi,
    CreateModel,
    CreateService,
    CreateTable,
    Ident,
    OptionItem,
    ServiceModel,
    TableColumns,
    Text,
)

NOWHERE = Span(0, 0)


def model_ddl(model: ModelSpec, *, temporary: bool = False) -> str:
    """CREATE MODEL as it would be written now, without its secrets; raises SR490 for an unreadable one."""
    shown = replace(model, options=masked_options(model.options, declared_options(model)))
    return render(replace(_without_secrets(_statement(shown)), temporary=temporary))


def _without_secrets(created: CreateModel) -> CreateModel:
    """The statement with secrets in its comments and its query masked; its options are masked by key too."""
    comment, query = created.comment, created.query
    return replace(
        created,
        columns=_masked_columns(created.columns),
        inputs=_masked_columns(created.inputs),
        outputs=_masked_columns(created.outputs),
        comment=replace(comment, value=masked(comment.value)) if comment else None,
        query=replace(query, sql=masked(query.sql)) if query else None,
    )


def _masked_columns(columns: Columns | None) -> Columns | None:
    if columns is None:
        return None
    items = (replace(column, comment=masked(column.comment)) for column in columns.items)
    return replace(columns, items=tuple(items))


def retold(model: ModelSpec) -> ModelSpec:
    """The model with a text that has its name and options of now; raises SR490 for an unreadable one."""
    return replace(model, ddl=render(_statement(model)))


def declared_options(model: ModelSpec) -> OptionSet | None:
    """The options that the model's type declares; None for a type that is not there."""
    known = {name.casefold() for name in model_types()}
    return get_controller(model.type).options if model.type.casefold() in known else None


def redefined(model: ModelSpec, options: Mapping[str, OptionValue]) -> ModelSpec:
    """The model with other options, checked as CREATE MODEL checks them; their kinds stay as given.

    Raises ``OptionError`` with what is wrong with them.
    """
    statement = _statement(replace(model, options={k: _written(v) for k, v in options.items()}))
    try:
        (step,) = build_plan(render(statement), path="", name="").steps
    except ScriptError as error:
        raise OptionError(error.code, error.message, hint=error.hint) from None
    return replace(step.model, options=dict(options)) if isinstance(step, DefineModelStep) else model


def _written(value: OptionValue) -> OptionValue:
    """A value as a script writes it: a reference to a secret is a template there."""
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return value
    name = value.removeprefix(PREFIX)
    return f"{{{{ {name} }}}}" if name.startswith("conn.") else f"{{{{ secret.{name} }}}}"


def _statement(model: ModelSpec) -> CreateModel:
    """The model's statement with its name and options of now."""
    parsed = parse(model.ddl)
    if len(parsed.statements) != 1 or not isinstance(created := parsed.statements[0], CreateModel):
        raise CodecError(f"the definition of model {model.name} cannot be read")
    spelt = {canonical_key(item.key.value): item.key.value for item in created.options}
    kept = [key for key in spelt if key in model.options]
    added = [key for key in model.options if key not in spelt]
    options = [_item(spelt.get(key, key), model.options[key]) for key in (*kept, *added)]
    return replace(
        created,
        name=_model_ident(model.name),
        options=tuple(options),
        replace=False,
        if_not_exists=False,
        temporary=False,
    )


def service_ddl(deployment: Deployment) -> str:
    """CREATE SERVICE for what a deployment put into force."""
    options = masked_options(deployment.options)
    return render(
        CreateService(
            span=NOWHERE,
            name=_ident(deployment.service),
            model=_model_ident(deployment.model),
            checkpoint=_text(deployment.checkpoint) if deployment.checkpoint else None,
            others=tuple(
                ServiceModel(_model_ident(pin.model), _text(pin.checkpoint)) for pin in deployment.others
            ),
            options=tuple(_item(key, value) for key, value in options.items()),
        )
    )


def api_ddl(api: ApiSpec) -> str:
    """CREATE API, without its secrets."""
    options = masked_options(api.options, API_OPTIONS)
    return render(
        CreateApi(
            span=NOWHERE,
            name=_ident(api.name),
            function=_ident(api.function),
            options=tuple(_item(key, value) for key, value in options.items()),
        )
    )


def function_ddl(function: FunctionSpec) -> str:
    """The block of a function, as it was registered."""
    return masked(function.source)


def table_ddl(table: TableSource, columns: Schema) -> str:
    """CREATE TABLE for a table with these columns."""
    options = {"connector": table.format.value, "path": table.path, **table.options}
    return render(
        CreateTable(
            span=NOWHERE,
            name=Ident(tuple(table.name.split(".")), NOWHERE),
            body=_columns(columns) if len(columns) else None,
            partitioned_by=tuple(map(_ident, table.partitions)),
            options=tuple(_item(key, value) for key, value in masked_options(options).items()),
        )
    )


def _columns(schema: Schema) -> TableColumns:
    items = (
        Column(
            name=_ident(field.name),
            type=field.type,
            type_span=NOWHERE,
            nullable=field.nullable,
            comment=field.comment,
        )
        for field in schema
    )
    return TableColumns(tuple(items), NOWHERE)


def _model_ident(name: ModelName) -> Ident:
    return Ident(tuple(str(name).split(".")), NOWHERE)


def _ident(name: str) -> Ident:
    return Ident((name,), NOWHERE)


def _text(value: str) -> Text:
    return Text(value, NOWHERE)


def _item(key: str, value: OptionValue) -> OptionItem:
    return OptionItem(_text(key), value, NOWHERE)
