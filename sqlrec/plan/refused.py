"""Statements that are read but that no script of ours does: each is told what does it instead."""

from __future__ import annotations

from typing import assert_never

from sqlrec.errors import Diagnostic
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import Delete, DropDatabase, DropTable, DropView, Ident, Truncate, Update

Refused = Delete | DropDatabase | DropTable | DropView | Truncate | Update


def refusal(statement: Refused, scope: ScriptScope) -> Diagnostic:
    """What is said about a statement in place of doing it."""
    what, hint = _alternative(statement, scope)
    return Diagnostic(code="SR190", message=f"{what} is not supported", span=statement.span, hint=hint)


def _alternative(statement: Refused, scope: ScriptScope) -> tuple[str, str]:
    match statement:
        case DropTable(name=name):
            if name.text.casefold() in scope.caches:
                return "DROP TABLE", "a cached table ends with the run: leave this out"
            return (
                "DROP TABLE",
                "the script declares files that are there: leave this out, and remove the files",
            )
        case DropView():
            return "DROP VIEW", "a view ends with the run: leave this out, or give the next one another name"
        case DropDatabase():
            return "DROP DATABASE", "a database is there as long as it holds a model: DROP MODEL each of them"
        case Truncate(table=table):
            return "TRUNCATE TABLE", f"write {_overwrite(table, 'WHERE FALSE')}"
        case Delete(table=table, where=where):
            kept = f"WHERE NOT ({where.sql})" if where else "WHERE FALSE"
            return "DELETE", f"write the rows that stay: {_overwrite(table, kept)}"
        case Update(table=table):
            return "UPDATE", f"write all rows anew, with the new values: {_overwrite(table, '')}".rstrip()
        case _:
            assert_never(statement)


def _overwrite(table: Ident, where: str) -> str:
    return " ".join(("INSERT OVERWRITE", table.text, "SELECT * FROM", table.text, where))
