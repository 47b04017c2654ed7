"""IF and EXPLAIN: which statements may stand within another one, and whether branches fit together."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic
from sqlrec.plan.checks.parts import inner
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import CacheTable, Explain, If, Statement


def check_inner(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A statement within another one does something when the script runs."""
    outer = "a branch of IF" if isinstance(statement, If) else "EXPLAIN"
    for part in inner(statement):
        if not may_be_inner(part):
            first = scope.text[part.span.start : part.span.end].split(maxsplit=1)[0].upper()
            yield Diagnostic(
                code="SR229",
                message=f"{first} cannot stand in {outer}",
                span=part.span,
                hint="it acts when the script is compiled: let it stand on its own"
                if not isinstance(part, Acting)
                else "EXPLAIN takes one statement that does something",
            )


def may_be_inner(statement: Statement) -> bool:
    """Whether a statement may stand within IF or EXPLAIN: one that is a step, and no EXPLAIN itself."""
    return isinstance(statement, Acting) and not isinstance(statement, Explain)


def check_branches(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Whichever branch is taken, the same table is cached; TIMEIN has a table to give, and another way."""
    if not isinstance(statement, If):
        return
    then, otherwise = statement.then, statement.otherwise
    if statement.timein and (otherwise is None or not isinstance(then, CacheTable)):
        yield _unfit(
            "TIMEIN needs a CACHE TABLE that may take too long, and an ELSE in its place",
            then if otherwise else statement,
            "write IF TIMEIN (…) THEN (CACHE TABLE t AS …) ELSE (CACHE TABLE t AS …)",
        )
    elif otherwise is not None and isinstance(then, CacheTable) != isinstance(otherwise, CacheTable):
        odd = otherwise if isinstance(then, CacheTable) else then
        message = "one branch caches a table and the other does not"
        yield _unfit(message, odd, "cache a table in both, or in none")
    elif isinstance(then, CacheTable) and isinstance(otherwise, CacheTable):
        one, other = then.name.text, otherwise.name.text
        if one.casefold() != other.casefold():
            message = f"THEN caches {one!r} and ELSE caches {other!r}"
            yield _unfit(message, otherwise, f"cache the same table in both: {one}")


def _unfit(message: str, at: Statement, hint: str) -> Diagnostic:
    return Diagnostic(code="SR228", message=message, span=at.span, hint=hint)
