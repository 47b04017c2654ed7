"""Tables: cached ones are named once and belong to the script."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import CacheTable, Insert


def check_cache_name(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A cached table has a name of its own."""
    if not isinstance(statement, CacheTable):
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


def check_insert_target(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Rows go into tables that stay."""
    if isinstance(statement, Insert) and statement.table.text.casefold() in scope.caches:
        yield Diagnostic(
            code="SR213",
            message=f"{statement.table.text!r} is a cache table; rows cannot be added to it",
            span=statement.table.span,
            hint="put the rows into its query with UNION ALL",
        )
