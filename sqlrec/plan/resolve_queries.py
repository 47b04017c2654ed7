"""Queries, inserts and calls → steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from sqlrec.plan.plan import QueryMode, QueryStep, ScoreStep, Step
from sqlrec.plan.refs import service_ref, table_refs, written_refs
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.script_options import score_settings
from sqlrec.plan.templates import canonical
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql import queries
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallBody,
    DataSource,
    Ident,
    Insert,
    InsertMode,
    QueryText,
    Select,
    Text,
)

AboutRows = Call | CacheTable | Select | Insert


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
        case _:
            assert_never(statement)


def relation(source: DataSource, scope: ScriptScope) -> Relation:
    """What stands after ON, with its WHERE, as a query."""
    return _relation(queries.lower_source(source), scope)


def query_relation(query: QueryText, scope: ScriptScope) -> Relation:
    """A query over the tables in scope."""
    return _relation(queries.lower(query), scope)


def _relation(lowered: queries.Lowered, scope: ScriptScope) -> Relation:
    return Relation(
        query=lowered.query,
        sources=_sources(lowered.tables, scope),
        parameters={name: canonical(template) for name, template in lowered.parameters.items()},
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


def cached(name: Ident) -> TableSource:
    """A table of the running script; its path is known when a step runs."""
    return TableSource(name=name.text, format=TableFormat.CACHE)


def _cache(statement: CacheTable, scope: ScriptScope) -> QueryStep | ScoreStep:
    target = cached(statement.name)
    if isinstance(statement.source, CallBody):
        return _call(statement.source, target, scope)
    return _query(QueryMode.CACHE, statement.source, target, scope)


def _insert(statement: Insert, scope: ScriptScope) -> QueryStep:
    modes = {InsertMode.INTO: QueryMode.APPEND, InsertMode.OVERWRITE: QueryMode.OVERWRITE}
    return _query(modes[statement.mode], statement.query, scope.table(statement.table), scope)


def _call(body: CallBody, target: TableSource | None, scope: ScriptScope) -> ScoreStep:
    """``call_service(service, inputs)`` or ``call_service_with_qv(service, query, inputs)``."""
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
        options=score_settings(scope.settings),
        reads=(service_ref(service), *table_refs(inputs, *query)),
        writes=written_refs(target),
    )


def whole_table(table: Ident, scope: ScriptScope) -> Relation:
    """All rows of a table."""
    return relation(DataSource(table=table, query=None, where=None, span=table.span), scope)
