"""Queries, inserts and calls → steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from sqlrec.errors import Span
from sqlrec.plan.functions_steps import chunked_call
from sqlrec.plan.inference import model_calls
from sqlrec.plan.plan import ChunkedCallStep, QueryMode, QueryStep, ScoreStep, Step
from sqlrec.plan.refs import service_ref, table_refs, written_refs
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.script_options import score_settings
from sqlrec.plan.templates import canonical
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Field
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql import queries
from sqlrec.sql.lowering import quoted
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallBody,
    CreateView,
    DataSource,
    Ident,
    Insert,
    InsertMode,
    QueryText,
    Select,
    Text,
)

AboutRows = Call | CacheTable | CreateView | Select | Insert


def resolve_queries(statement: AboutRows, scope: ScriptScope) -> Step:
    """The step of a statement that makes or shows rows."""
    match statement:
        case Call(body=body):
            return _call(body, None, scope)
        case CacheTable():
            return _cache(statement, scope)
        case Select():
            return _query(QueryMode.SELECT, statement.query, None, scope)
        case Insert():
            return _insert(statement, scope)
        case CreateView():
            return _view(statement, scope)
        case _:
            assert_never(statement)


def relation(source: DataSource, scope: ScriptScope) -> Relation:
    """What stands after ON, with its WHERE, as a query."""
    return _relation(queries.lower_source(source), scope)


def query_relation(query: QueryText, scope: ScriptScope) -> Relation:
    """A query over the tables in scope."""
    return _relation(queries.lower(query), scope)


def _relation(lowered: queries.Lowered, scope: ScriptScope) -> Relation:
    parameters = {name: canonical(template) for name, template in lowered.parameters.items()}
    return Relation(
        query=lowered.query,
        sources=_sources(lowered.tables, scope),
        parameters=parameters,
        calls=model_calls(lowered.calls, parameters, scope, lambda tables: _sources(tables, scope)),
    )


def _sources(tables: Iterable[Ident], scope: ScriptScope) -> dict[str, TableSource]:
    """Tables by name as first written; a second spelling is the same table."""
    spellings: dict[str, Ident] = {}
    for table in tables:
        spellings.setdefault(table.text.casefold(), table)
    return {table.text: scope.table(table) for table in spellings.values()}


def _query(mode: QueryMode, query: QueryText, target: TableSource | None, scope: ScriptScope) -> QueryStep:
    lowered = query_relation(query, scope)
    return QueryStep(
        id="",
        line=0,
        sql="",
        mode=mode,
        query=lowered,
        target=target,
        reads=table_refs(lowered),
        writes=written_refs(target),
    )


def cached(name: Ident, scope: ScriptScope) -> TableSource:
    """A table of the running script; its path is known when a step runs."""
    return TableSource(name=scope.inside.outer(name.text), format=TableFormat.CACHE)


def _cache(statement: CacheTable, scope: ScriptScope) -> QueryStep | ScoreStep | ChunkedCallStep:
    target = cached(statement.name, scope)
    if isinstance(statement.source, CallBody):
        return _call(statement.source, target, scope)
    return _query(QueryMode.CACHE, statement.source, target, scope)


def _insert(statement: Insert, scope: ScriptScope) -> QueryStep:
    modes = {InsertMode.INTO: QueryMode.APPEND, InsertMode.OVERWRITE: QueryMode.OVERWRITE}
    target = scope.table(statement.table)
    step = _query(modes[statement.mode], statement.query, target, scope)
    if not statement.columns or not len(target.schema):
        return step
    listed = {column.text.casefold() for column in statement.columns}
    wanted = (
        quoted(field.name) if field.name.casefold() in listed else f"{_null(field)} AS {quoted(field.name)}"
        for field in target.schema
    )
    rows = _named(step.query.query, statement.columns)
    ordered = " ".join(("SELECT", ", ".join(wanted), "FROM", f"({rows})", "AS source"))
    return replace(step, query=replace(step.query, query=ordered))


def _null(field: Field) -> str:
    """NULL of a column's type, as DuckDB writes it."""
    text = QueryText(f"SELECT CAST(NULL AS {field.type})", Span(0, 0))
    try:
        return queries.lower(text).query.removeprefix("SELECT ")
    except queries.QueryProblem:
        return "NULL"


def _named(query: str, columns: Iterable[Ident]) -> str:
    """The query with names for its columns, by position; DuckDB refuses one with more or fewer."""
    names = ", ".join(f"NULL AS {quoted(column.text)}" for column in columns)
    return f"SELECT {names} WHERE FALSE UNION ALL ({query})"


def _view(statement: CreateView, scope: ScriptScope) -> QueryStep:
    """A view is computed once a run, as a cached table is: all that read it see the same rows."""
    step = _query(QueryMode.CACHE, statement.query, cached(statement.name, scope), scope)
    if not statement.columns:
        return step
    return replace(step, query=replace(step.query, query=_named(step.query.query, statement.columns)))


def _call(body: CallBody, target: TableSource | None, scope: ScriptScope) -> ScoreStep | ChunkedCallStep:
    """``call_service(service, inputs)`` or ``call_service_with_qv(service, query, inputs)``."""
    if body.span in scope.programs:
        return chunked_call(body, target, scope)
    service = next(argument.value.value for argument in body.arguments if isinstance(argument.value, Text))
    tables = [argument.value for argument in body.arguments if isinstance(argument.value, Ident)]
    *query, inputs = (whole_table(table, scope) for table in tables)
    served = scope.service(service)
    return ScoreStep(
        id="",
        line=0,
        sql="",
        service=served.name if served else service,
        inputs=inputs,
        query=query[0] if query else None,
        target=target,
        options=_score_options(body, inputs, scope),
        reads=(service_ref(service), *table_refs(inputs, *query)),
        writes=written_refs(target),
    )


def _score_options(body: CallBody, inputs: Relation, scope: ScriptScope) -> dict[str, OptionValue]:
    """Settings of scoring in force; PARTITION BY … SIZE n sends at most n rows of the inputs at a time."""
    options = score_settings(scope.settings)
    scored = {name.casefold() for name in inputs.sources}
    if body.chunks and body.chunks.size > 0 and body.chunks.table.text.casefold() in scored:
        options["batch_size"] = body.chunks.size
    return options


def whole_table(table: Ident, scope: ScriptScope) -> Relation:
    """All rows of a table."""
    return relation(DataSource(table=table, query=None, where=None, span=table.span), scope)
