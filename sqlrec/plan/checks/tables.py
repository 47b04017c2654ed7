"""Tables: cached ones are named once, belong to the script, and are read after they are cached."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.checks.parts import tables_of
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import CacheTable, CreateView, Insert


def check_cache_name(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A cached table, or a view, has a name of its own."""
    if not isinstance(statement, CacheTable | CreateView) or is_there(statement, scope):
        return
    key = statement.name.text.casefold()
    if key in scope.caches:
        line = scope.lines[f"table {key}"]
        what = f"cache table {statement.name.text!r} is made in line {line} already"
    elif key in scope.tables:
        what = f"{statement.name.text!r} is a table that the script creates"
    else:
        return
    yield Diagnostic(code="SR212", message=what, span=statement.name.span, hint="choose another name")


def is_there(statement: Acting, scope: ScriptScope) -> bool:
    """Whether CREATE VIEW IF NOT EXISTS has nothing to do."""
    if not isinstance(statement, CreateView) or not statement.if_not_exists:
        return False
    return statement.name.text.casefold() in (*scope.caches, *scope.tables)


def check_reads(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """No table is read before the line that caches it."""
    text = scope.text[statement.span.start : statement.span.end].casefold()
    words = {*re.findall(r"\w+", text), *re.findall(r"\w[\w-]*", text)}
    waiting = {word for word in words if word in scope.upcoming and not _is_known(word, scope)}
    if not waiting:
        return
    for table in tables_of(statement):
        if table.text.casefold() in waiting:
            line = scope.upcoming[table.text.casefold()]
            yield Diagnostic(
                code="SR227",
                message=f"table {table.text!r} is read before line {line} caches it",
                span=table.span,
                hint="let CACHE TABLE stand before this line, or choose another name for one of the tables",
            )


def _is_known(name: str, scope: ScriptScope) -> bool:
    return name in scope.caches or name in scope.tables


def check_insert_target(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Rows go into tables that stay."""
    if isinstance(statement, Insert) and statement.table.text.casefold() in scope.caches:
        yield Diagnostic(
            code="SR213",
            message=f"{statement.table.text!r} is a cache table; rows cannot be added to it",
            span=statement.table.span,
            hint="put the rows into its query with UNION ALL",
        )


def check_insert_columns(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A column list names declared columns, each once, and all those that may not be NULL."""
    if not isinstance(statement, Insert) or not statement.columns:
        return
    table = scope.table(statement.table)
    if not len(table.schema):
        yield Diagnostic(
            code="SR230",
            message=f"the columns of table {table.name!r} are not declared: its list has no order",
            span=statement.columns[0].span.to(statement.columns[-1].span),
            hint=f"CREATE TABLE {table.name} with its columns, or select them in the order of the table",
        )
        return
    listed = {column.text.casefold() for column in statement.columns}
    for column in statement.columns:
        if table.schema.get(column.text) is None:
            yield Diagnostic(
                code="SR402",
                message=f"table {table.name!r} has no column {column.text!r}",
                span=column.span,
                hint=suggest(column.text, table.schema.names) or f"it has: {', '.join(table.schema.names)}",
            )
    missing = [f.name for f in table.schema if not f.nullable and f.name.casefold() not in listed]
    if missing:
        yield Diagnostic(
            code="SR412",
            message=f"table {table.name!r}: {', '.join(missing)} would be NULL, and is NOT NULL",
            span=statement.columns[0].span.to(statement.columns[-1].span),
            hint=f"add {', '.join(missing)} to the list and to the query",
        )
