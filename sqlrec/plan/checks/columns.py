"""Columns of tables in reach against what a model needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlrec.errors import Diagnostic, Span, suggest
from sqlrec.plan.checks.options import lacking
from sqlrec.plan.checks.parts import sources_of
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope, Served
from sqlrec.spec.model import ModelSpec, with_members
from sqlrec.spec.table import TableSource
from sqlrec.sql.statements import EvaluateModel, ExportModel, TrainModel


def check_data_columns(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A table has the features; for training and evaluation, the labels too."""
    if not isinstance(statement, TrainModel | ExportModel | EvaluateModel) or lacking(statement, scope):
        return
    name = scope.model_name(statement.name)
    model = None if name.key in scope.temporary else scope.permanent(name)
    if model is None:
        return
    labels = () if isinstance(statement, ExportModel) else model.labels
    for source in sources_of(statement):
        if source.table:
            wanted = (*model.features.names, *labels)
            yield from missing_columns(model, wanted, scope.table(source.table), source.table.span, scope)


def takes_known(model: ModelSpec, scope: ScriptScope) -> bool:
    """Whether it is known what a service of the model takes.

    Not the columns of a query that was not looked at yet, nor those of one export among several.
    """
    controller = scope.controller_of(model.type)
    return not model.awaits_query and (controller is None or len(controller.exports("")) < 2)


def asked_model(served: Served, scope: ScriptScope) -> ModelSpec | None:
    """The model of a service with the features of all that answer; None when not all are known."""
    models = [scope.model(member.model) for member in served.members]
    known = [model for model in models if model is not None and takes_known(model, scope)]
    return with_members(known[0], known[1:]) if len(known) == len(models) else None


def missing_columns(
    model: ModelSpec, wanted: Iterable[str], table: TableSource, span: Span, scope: ScriptScope
) -> Iterator[Diagnostic]:
    """A finding for each column that a table with known columns does not have.

    Within a function a table is told by the name that it has there.
    """
    schema = scope.schema(table)
    if not len(schema):
        return
    name = scope.text[span.start : span.end] if scope.inside.trace else table.name
    for column in dict.fromkeys(wanted):
        if schema.get(column) is None:
            role = "label" if column.casefold() in map(str.casefold, model.labels) else "feature"
            yield Diagnostic(
                code="SR402",
                message=f"table {name!r} has no column {column!r}, a {role} of model {model.name}",
                span=span,
                hint=suggest(column, schema.names) or f"it has: {', '.join(schema.names)}",
            )
