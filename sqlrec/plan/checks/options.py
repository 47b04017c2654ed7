"""Options of TRAIN, EXPORT, EVALUATE and services, by the declarations of the model's type."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, SqlRecError
from sqlrec.models.controller import ModelController
from sqlrec.plan.checks.parts import options_of
from sqlrec.plan.options import check_option, check_options
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.group import with_group
from sqlrec.spec.options import OptionSet, Scope
from sqlrec.sql.statements import (
    AlterService,
    CreateService,
    EvaluateModel,
    ExportModel,
    Ident,
    ResetOptions,
    TrainModel,
)


def check_statement_options(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Every option is one of the type's, stands in the right statement and has a possible value."""
    named = _named(statement)
    if named is None:
        return
    name, where = named
    model = scope.model(scope.model_name(name))
    if model is None or lacking(statement, scope):
        return
    try:
        controller = scope.controllers(model.type)
    except SqlRecError as error:
        if model.name.key not in scope.models:
            yield Diagnostic(code=error.code, message=error.message, span=name.span, hint=error.hint)
        return
    declared = with_group(controller.options) if where is Scope.SERVICE else controller.options
    yield from check_options(options_of(statement), declared, where, name.span)


def _named(statement: Acting) -> tuple[Ident, Scope] | None:
    """The model and the kind of statement."""
    match statement:
        case TrainModel(name=name):
            return name, Scope.TRAIN
        case ExportModel(name=name):
            return name, Scope.EXPORT
        case EvaluateModel(name=name):
            return name, Scope.EVALUATE
        case CreateService(model=name):
            return name, Scope.SERVICE
        case _:
            return None


def check_service_options(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """ALTER SERVICE sets and resets options of services, as the type of the served model has them."""
    if not isinstance(statement, AlterService):
        return
    served = scope.service(statement.name.text)
    controller = scope.controller(served.model) if served else None
    if controller is None:
        return
    declared = with_group(controller.options)
    for item in options_of(statement):
        yield from check_option(item, declared, Scope.SERVICE)
    if isinstance(statement.change, ResetOptions):
        yield from _known_keys(statement.change, declared)


def _known_keys(change: ResetOptions, declared: OptionSet) -> Iterator[Diagnostic]:
    for key in change.keys:
        try:
            declared.declared(key.value, Scope.SERVICE)
        except SqlRecError as error:
            yield Diagnostic(code=error.code, message=error.message, span=key.span, hint=error.hint)


def check_supported(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The model's type can be trained, exported, evaluated or served."""
    named, what = _named(statement), lacking(statement, scope)
    controller = scope.controller(scope.model_name(named[0])) if named else None
    if named and controller and what:
        yield Diagnostic(
            code="SR213",
            message=f"{_shown(controller)} does not support {what}",
            span=named[0].span,
            hint=f"leave the statement out. {controller.type}: {controller.doc}",
        )


def _shown(controller: ModelController) -> str:
    """The type in the words of SQLRec, where it has some."""
    return "External model" if controller.type == "external" else f"model type {controller.type}"


def lacking(statement: Acting, scope: ScriptScope) -> str:
    """What the statement asks of the model's type that it does not have; "" when all is well.

    Then nothing else needs to be said of the statement's options and data.
    """
    named = _named(statement)
    controller = scope.controller(scope.model_name(named[0])) if named else None
    if named is None or controller is None:
        return ""
    programs = controller.programs
    match named[1]:
        case Scope.TRAIN:
            return "" if programs.train else "training"
        case Scope.EXPORT:
            return "" if programs.export else "export"
        case Scope.EVALUATE:
            return "" if programs.evaluate else "evaluation"
        case _:
            return "" if has_services(controller) else "services"


def has_services(controller: ModelController) -> bool:
    """Whether models of the type can be served, and so be asked by queries."""
    return any(Scope.SERVICE in option.scopes for option in controller.options.options)
