"""Columns of declared tables against what a model needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlrec.errors import Diagnostic, Span, suggest
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.table import TableSource
from sqlrec.sql.statements import DataSource, ExportModel, TrainModel


def check_data_columns(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A declared table has the features; for training, the labels too."""
    sources: tuple[DataSource | None, ...]
    match statement:
        case TrainModel():
            sources = (statement.data, statement.validation)
        case ExportModel():
            sources = (statement.sample,)
        case _:
            return
    model = scope.model(scope.model_name(statement.name))
    if model is None:
        return
    labels = model.labels if isinstance(statement, TrainModel) else ()
    for source in sources:
        if source and source.table:
            wanted = (*model.features.names, *labels)
            yield from missing_columns(model, wanted, scope.table(source.table), source.table.span)


def missing_columns(
    model: ModelSpec, wanted: Iterable[str], table: TableSource, span: Span
) -> Iterator[Diagnostic]:
    """A finding for each column that a table with declared columns does not have."""
    if not len(table.schema):
        return
    for column in dict.fromkeys(wanted):
        if table.schema.get(column) is None:
            role = "label" if column.casefold() in map(str.casefold, model.labels) else "feature"
            yield Diagnostic(
                code="SR402",
                message=f"table {table.name!r} has no column {column!r}, a {role} of model {model.name}",
                span=span,
                hint=suggest(column, table.schema.names) or f"it has: {', '.join(table.schema.names)}",
            )
