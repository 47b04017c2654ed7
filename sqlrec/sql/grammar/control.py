"""IF, ASSERT, FLUSH and EXPLAIN: statements that decide, stop or hold other statements."""

from __future__ import annotations

from collections.abc import Callable

from sqlrec.sql.cursor import Cursor, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.clauses import bracketed, query
from sqlrec.sql.statements import (
    Assert,
    CacheTable,
    CreateFunction,
    Declare,
    DefineInput,
    Explain,
    Flush,
    Ident,
    If,
    Return,
    Statement,
)

Read = Callable[[Cursor], Statement]
"""Reads the statement of a cursor."""
OF_SCRIPTS: dict[type[Statement], str] = {
    CreateFunction: "CREATE SQL FUNCTION",
    Declare: "DECLARE",
    DefineInput: "DEFINE INPUT TABLE",
    Return: "RETURN",
}
"""Statements that can only stand in a script, with their words."""


def if_(cursor: Cursor, read: Read) -> If:
    """IF, after its word; ``read`` reads the branches."""
    timein = cursor.accept("TIMEIN")
    hint = "the condition is a query: IF (SELECT …) THEN (…)"
    condition = bracketed(cursor, context="after IF TIMEIN" if timein else "after IF", hint=hint)
    cursor.expect("THEN", context="after the condition")
    then = _inner(cursor.block("the statement", context="after THEN"), read)
    otherwise: Statement | None = None
    if cursor.accept("ELSE"):
        otherwise = _inner(cursor.block("the statement", context="after ELSE"), read)
    parts.end(cursor)
    found = If(span=cursor.span, condition=condition, then=then, otherwise=otherwise, timein=timein)
    _check(cursor, found)
    return found


def _inner(cursor: Cursor, read: Read) -> Statement:
    """A statement inside another one."""
    found = read(cursor)
    words = OF_SCRIPTS.get(type(found))
    if words is not None:
        message = f"{words} belongs to the script itself: it cannot stand inside another statement"
        raise problem("SR117", message, found.span, "write it as a statement of its own")
    return found


def _check(cursor: Cursor, statement: If) -> None:
    """Both branches cache the same table, or none caches; TIMEIN needs both to."""
    cached = cached_table(statement.then)
    if statement.timein and (statement.otherwise is None or cached is None):
        missing = "ELSE" if statement.otherwise is None else "a CACHE TABLE in THEN"
        hint = "THEN is a CACHE TABLE that may take too long, ELSE the one that is used instead"
        cursor.report("SR114", f"IF TIMEIN needs {missing}", statement.condition.span, hint)
        return
    if statement.otherwise is None:
        return
    other = cached_table(statement.otherwise)
    names = {None if table is None else table.text.casefold() for table in (cached, other)}
    if len(names) == 1:
        return
    if cached is not None and other is not None:
        message = f"THEN caches {cached.text!r} and ELSE {other.text!r}: both must cache the same table"
        cursor.report("SR114", message, other.span, f"write CACHE TABLE {cached.text} in both")
    else:
        without = statement.otherwise if cached is not None else statement.then
        message = "one branch of IF caches a table and the other does not: both must, or none"
        cursor.report("SR114", message, without.span, "write CACHE TABLE … AS in both, or in none")


def cached_table(statement: Statement) -> Ident | None:
    """The table that a statement caches; IF caches what its branches do."""
    while isinstance(statement, If):
        statement = statement.then
    return statement.name if isinstance(statement, CacheTable) else None


def assert_(cursor: Cursor) -> Assert:
    """ASSERT, after its word."""
    return Assert(span=cursor.span, query=query(cursor, "a query after ASSERT"))


def flush(cursor: Cursor) -> Flush:
    """FLUSH, after its word."""
    parts.end(cursor)
    return Flush(span=cursor.span)


def explain(cursor: Cursor, read: Read) -> Explain:
    """EXPLAIN [PLAN FOR], after the word EXPLAIN; ``read`` reads what is explained."""
    cursor.accept("PLAN", "FOR")
    return Explain(span=cursor.span, statement=_inner(cursor.rest("a statement after EXPLAIN"), read))
