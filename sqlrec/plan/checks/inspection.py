"""SHOW … FROM: the database that is named is one that there is."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_inspect import database_name
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import ObjectKind, Show


def check_database(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A database is there when a model is in it, or when it is the current or the default one."""
    if not isinstance(statement, Show) or statement.kind is not ObjectKind.MODEL or statement.of is None:
        return
    wanted, known = database_name(statement.of, scope), scope.databases()
    there = wanted.casefold() in map(str.casefold, known)
    if not there and not scope.may_exist(statement.of.parts[-1]):
        yield Diagnostic(
            code="SR224",
            message=f"database {wanted!r} holds no model",
            span=statement.of.span,
            hint=suggest(wanted, known) or f"databases: {', '.join(known)}",
        )
