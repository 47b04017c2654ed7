"""Calls of models in queries: the model, its service, the columns it is given. Flink's words are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from sqlrec.errors import Diagnostic, Span, SqlRecError, suggest
from sqlrec.plan.checks.columns import asked_model, takes_known
from sqlrec.plan.checks.names import model_hint, unknown_service
from sqlrec.plan.checks.options import has_services
from sqlrec.plan.checks.parts import lowered_queries
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_made import is_ready_made
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.prediction import label_of, measured_task, one_output, vector_column, wrong_number
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.task import Task
from sqlrec.spec.widening import widens
from sqlrec.sql.inference import (
    EvaluateRows,
    EvaluateTable,
    InferenceCall,
    Input,
    InputTable,
    ModelArgument,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.statements import Ident, Text

ModelCall = PredictTable | PredictValues | EvaluateTable | EvaluateRows


def check_model_calls(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """All that can be told of the calls of a statement's queries before it runs."""
    for lowered in lowered_queries(statement):
        for call in lowered.calls:
            yield from _check(call.call, scope)


def _check(call: InferenceCall, scope: ScriptScope) -> Iterator[Diagnostic]:
    if isinstance(call, VectorSearch):
        yield from _check_search(call, scope)
        return
    name = scope.model_name(call.model.name)
    unknown = list(_check_model(call.model, name, scope))
    yield from unknown
    controller = scope.controller(name)
    if not unknown and controller is not None and not has_services(controller):
        what = f"running models of type {controller.type} inside a query is not supported yet"
        hint = "call a model that is trained and exported here, and has a service"
        yield _finding("SR213", what, call.model.span, hint)
        return
    if not unknown:
        yield from _check_service(call, name, scope)
    model = _asked(call, name, scope)
    if model is None:
        return
    yield from _check_inputs(call, model, scope)
    match call:
        case EvaluateTable() | EvaluateRows():
            yield from _check_evaluation(call, model, scope)
        case PredictValues(in_from=False):
            yield from _raised(lambda: one_output(model, "a prediction that is one value"), call.span)
        case _:
            pass


def _finding(code: str, message: str, span: Span, hint: str = "") -> Diagnostic:
    return Diagnostic(code=code, message=message, span=span, hint=hint)


def _check_model(model: ModelArgument, name: ModelName, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The model exists and is one that a service can have."""
    if name.key in scope.temporary:
        hint = "it is known to this script alone: create it without TEMPORARY"
        yield _finding("SR225", f"Model {name} is a temporary model.", model.span, hint)
    elif scope.lacks_model(name):
        yield _finding("SR205", f"model not exists: {name}", model.span, model_hint(name, scope))
    if model.version == "all":
        what = "a call of all versions of a model parses, but cannot be run yet"
        yield _finding("SR139", what, model.span, "call one version at a time: `m$1`, `m$2`")


def _asked(call: ModelCall, name: ModelName, scope: ScriptScope) -> ModelSpec | None:
    """The model as its service takes it; None when that is not known."""
    named = _service_of(call)
    services = [named.value] if named else _services(name, scope)
    served = scope.service(services[0]) if len(services) == 1 else None
    if served is not None and served.model == name:
        return asked_model(served, scope)
    model = scope.model(name)
    return model if model is not None and takes_known(model, scope) else None


def _service_of(call: ModelCall) -> Text | None:
    """The service that a call names."""
    return next((item.value for item in call.config if item.key.value.casefold() == "service"), None)


def _services(name: ModelName, scope: ScriptScope) -> list[str]:
    """Services that answer as the model: those of which it is the first."""
    served = ((service, scope.service(service)) for service in scope.users(name))
    return [service for service, found in served if found is not None and found.model == name]


def _check_service(call: ModelCall, name: ModelName, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The service that is asked exists; without a name the model has just one."""
    named = _service_of(call)
    if named is not None:
        yield from _check_named(named, name, scope)
        return
    services = _services(name, scope)
    if len(services) > 1 and not call.model.version:
        hint = f"choose one: CONFIG => MAP['service', '{services[0]}']"
        what = f"model {name} has {len(services)} services: {', '.join(services)}"
        yield _finding("SR632", what, call.model.span, hint)
    elif not services and not scope.may_exist(name.name):
        model = scope.model(name)
        controller = scope.controller(name)
        made = model is not None and controller is not None and is_ready_made(model, controller)
        checkpoint = "" if made else " CHECKPOINT = '…'"
        hint = f"CREATE SERVICE … ON MODEL {name}{checkpoint} first"
        yield _finding("SR631", f"model {name} has no service that could be asked", call.model.span, hint)


def _check_named(service: Text, name: ModelName, scope: ScriptScope) -> Iterator[Diagnostic]:
    yield from unknown_service(service.value, service.span, scope)
    served = scope.service(service.value)
    if served is not None and served.model != name:
        services = ", ".join(_services(name, scope)) or "none"
        what = f"service {service.value} serves model {served.model}, not model {name}"
        yield _finding("SR633", what, service.span, f"services of {name}: {services}")


def _check_inputs(call: ModelCall, model: ModelSpec, scope: ScriptScope) -> Iterator[Diagnostic]:
    """As many columns as the model has inputs, which the input has, of types that fit."""
    columns, span = _given(call)
    if len(columns) != len(model.features):
        yield _finding("SR430", wrong_number(model, len(columns)), span, f"given: {', '.join(columns)}")
        return
    if not isinstance(call, PredictTable | EvaluateTable):
        return
    schema = _schema(call.input, scope)
    if not len(schema):
        return
    for position, (column, feature) in enumerate(zip(call.columns, model.features, strict=True)):
        found = schema.get(column.text)
        if found is None:
            yield _unknown(column, schema)
        elif not _assignable(found, feature):
            yield _mistyped("Descriptor", found, feature, column.span, f" at position {position}")


def _given(call: ModelCall) -> tuple[tuple[str, ...], Span]:
    match call:
        case PredictTable() | EvaluateTable():
            return tuple(column.text for column in call.columns), call.columns_span
        case PredictValues():
            return tuple(value.sql for value in call.values), call.span
        case EvaluateRows():
            return tuple(value.sql for value in call.features), call.span
        case _:
            assert_never(call)


def _schema(source: Input, scope: ScriptScope) -> Schema:
    """Columns of the input when it is a table in reach, else none."""
    return scope.schema(scope.table(source.name)) if isinstance(source, InputTable) else Schema()


def _assignable(given: Field, wanted: Field) -> bool:
    return widens(given.type, wanted.type) and (wanted.nullable or not given.nullable)


def _mistyped(what: str, given: Field, wanted: Field, span: Span, where: str = "") -> Diagnostic:
    shown = (f"{field.type}{'' if field.nullable else ' NOT NULL'}" for field in (given, wanted))
    source, target = shown
    role = "output" if what.startswith("Label") else "input"
    message = f"{what} column type {source} cannot be assigned to model {role} type {target}{where}"
    hint = f"CAST({given.name} AS {wanted.type}) in a query: ML_PREDICT((SELECT …), …)"
    return _finding("SR431", message, span, hint)


def _unknown(column: Ident, schema: Schema) -> Diagnostic:
    hint = suggest(column.text, schema.names) or f"it has: {', '.join(schema.names)}"
    what = f"Unknown identifier {column.text!r}: the input has no such column"
    return _finding("SR402", what, column.span, hint)


def _check_evaluation(
    call: EvaluateTable | EvaluateRows, model: ModelSpec, scope: ScriptScope
) -> Iterator[Diagnostic]:
    """One output, a task that is known, and a label of the output's type."""
    given = call.task.value if isinstance(call, EvaluateTable) and call.task else ""
    wrong = list(_raised(lambda: measured_task(model, given), call.span))
    wrong = wrong or list(_raised(lambda: one_output(model, "evaluation"), call.span))
    yield from wrong
    if wrong or isinstance(call, EvaluateRows) or measured_task(model, given) is Task.CLUSTERING:
        return
    if call.label is None:
        yield from _raised(lambda: label_of(model, ""), call.span)
        return
    schema = _schema(call.input, scope)
    found = schema.get(call.label.text)
    if len(schema) and found is None:
        yield _unknown(call.label, schema)
    output = one_output(model, "evaluation")
    if found is not None and not widens(found.type, output.type):
        yield _mistyped("Label descriptor", found, output, call.label.span, " for evaluation.")


def _raised(judge: Callable[[], object], span: Span) -> Iterator[Diagnostic]:
    """What a judgement says, at a place."""
    try:
        judge()
    except SqlRecError as error:
        yield _finding(error.code, error.message, span, error.hint)


def _check_search(call: VectorSearch, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The column to search holds vectors."""
    schema = _schema(call.input, scope)
    if not len(schema):
        return
    column, span = (call.column.text, call.column.span) if call.column else ("", call.span)
    yield from _raised(lambda: vector_column(schema, column), span)
