"""Clauses: their order, and the data that ON and WHERE name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlrec.sql import queries
from sqlrec.sql.cursor import Cursor, did_you_mean, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import DataSource, QueryText

QUERY_WORDS = ("SELECT", "WITH", "VALUES")
AFTER_CONDITION = ("ON", "WHERE", "VALIDATE", "FROM", "WITH")
FULL = {"VALIDATE": "VALIDATE ON", "PARTITIONED": "PARTITIONED BY", "PARTITION": "PARTITION BY … SIZE"}
"""Clauses whose name is more than a word."""


def clauses(cursor: Cursor, order: Sequence[str], *, either: Sequence[str] = ()) -> Iterator[str]:
    """The words that begin the clauses that follow, each once and in ``order``; then the end.

    The caller reads the rest of a clause before it asks for the next. Clauses of ``either`` may stand
    in any order among themselves; they come first in ``order``.
    """
    rank = {word: 0 if word in either else place for place, word in enumerate(order)}
    shown = f"order: {', '.join(FULL.get(word, word) for word in order)}"
    seen: list[str] = []
    while not cursor.done():
        word = cursor.peek()
        if word.key not in rank:
            missing = [w for w in order if w not in seen]
            raise _unknown(cursor, missing)
        if word.key in seen:
            raise problem("SR103", f"{word.key} is given twice", word.span, "keep one of them")
        later = next((w for w in seen if rank[w] > rank[word.key]), "")
        if later:
            raise problem(
                "SR103",
                f"{word.key} must come before {later} ({shown})",
                word.span,
                f"move it before {later}",
            )
        seen.append(word.key)
        cursor.next()
        yield word.key


def _unknown(cursor: Cursor, expected: Sequence[str]) -> Exception:
    if not expected:
        parts.end(cursor)
    new_line = "\n" in cursor.text[cursor.previous.end : cursor.peek().start]
    hint = did_you_mean(cursor.peek().value, expected) if cursor.peek().kind is Kind.WORD else ""
    hint = hint or ("is a ';' missing before it?" if new_line else "")
    shown = ", ".join(FULL.get(word, word) for word in expected)
    return cursor.unexpected(f"{shown} or the end of the statement", hint=hint)


def source(cursor: Cursor) -> DataSource:
    """After ON: a table, or a query in parentheses; then its WHERE."""
    first = cursor.peek()
    table, query = None, None
    if cursor.at("("):
        query = bracketed(cursor)
    else:
        table = parts.name(cursor, "the table name", parts=3)
    where = condition(cursor) if cursor.accept("WHERE") else None
    return DataSource(table, query, where, first.span.to(cursor.previous.span))


def condition(cursor: Cursor) -> QueryText:
    """After WHERE: a predicate, up to the next clause outside brackets."""
    found = cursor.take("a condition after WHERE", _ends_condition)
    cursor.found.extend(queries.check_condition(found))
    return found


def _ends_condition(cursor: Cursor) -> bool:
    """FROM belongs to the condition in IS [NOT] DISTINCT FROM; VALIDATE is a clause before ON only."""
    word = cursor.peek().key
    if word == "FROM":
        return cursor.previous.key != "DISTINCT"
    if word == "VALIDATE":
        return cursor.at("VALIDATE", "ON")
    return word in AFTER_CONDITION


def query(cursor: Cursor, what: str = "a query") -> QueryText:
    """A query up to the end of the statement; ``what`` names it in the message when there is none."""
    return _checked(cursor, _taken(cursor, lambda c: False, what))


def bracketed(cursor: Cursor, *, context: str = "", hint: str = "") -> QueryText:
    """``(query)``, without its parentheses; ``context`` says after what it stands."""
    cursor.expect("(", context=context)
    found = _taken(cursor, lambda c: c.at(")"), "a query", hint)
    cursor.expect(")", context="after the query")
    return _checked(cursor, found)


def _taken(cursor: Cursor, stop: Callable[[Cursor], bool], what: str, hint: str = "") -> QueryText:
    if not cursor.at("(") and cursor.peek().key not in QUERY_WORDS:
        raise cursor.unexpected(what, hint=hint)
    return cursor.take(what, stop)


def _checked(cursor: Cursor, found: QueryText) -> QueryText:
    cursor.found.extend(queries.check(found))
    return found
