"""Options of TRAIN, EXPORT and CREATE SERVICE, by the declarations of the model's type."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, SqlRecError
from sqlrec.plan.options import check_options
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.options import Scope
from sqlrec.sql.statements import CreateService, ExportModel, TrainModel


def check_statement_options(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Every option is one of the type's, stands in the right statement and has a possible value."""
    match statement:
        case TrainModel(name=name):
            where = Scope.TRAIN
        case ExportModel(name=name):
            where = Scope.EXPORT
        case CreateService(model=name):
            where = Scope.SERVICE
        case _:
            return
    model = scope.model(scope.model_name(name))
    if model is None:
        return
    try:
        controller = scope.controllers(model.type)
    except SqlRecError as error:
        if model.name.key not in scope.models:
            yield Diagnostic(code=error.code, message=error.message, span=name.span, hint=error.hint)
        return
    yield from check_options(statement.options, controller.options, where, name.span)


def check_supported(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The model's type can be trained, or exported."""
    if not isinstance(statement, TrainModel | ExportModel):
        return
    controller = scope.controller(scope.model_name(statement.name))
    if controller is None:
        return
    training = isinstance(statement, TrainModel)
    if not (controller.programs.train if training else controller.programs.export):
        yield Diagnostic(
            code="SR213",
            message=f"model type {controller.type} does not support {'training' if training else 'export'}",
            span=statement.name.span,
        )
