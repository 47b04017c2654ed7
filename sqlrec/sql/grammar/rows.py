"""Queries, CACHE TABLE, and what changes rows: INSERT, TRUNCATE, DELETE, UPDATE."""

from __future__ import annotations

from sqlrec.errors import Span
from sqlrec.sql import queries
from sqlrec.sql.cursor import Cursor, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.call import call_body
from sqlrec.sql.grammar.clauses import QUERY_WORDS, condition, query
from sqlrec.sql.hoisting import hoisted, with_before_insert
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import (
    Assignment,
    CacheTable,
    Delete,
    Ident,
    Insert,
    InsertMode,
    QueryText,
    Select,
    Truncate,
    Update,
)


def select(cursor: Cursor) -> Select | Insert:
    """A query on its own; or ``WITH … INSERT INTO t SELECT …``."""
    head = with_before_insert(cursor)
    if head is not None:
        cursor.expect("INSERT")
        return insert(cursor, head)
    return Select(span=cursor.span, query=query(cursor))


def cache(cursor: Cursor) -> CacheTable:
    """CACHE TABLE, after the word CACHE."""
    cursor.expect("TABLE", context="after CACHE")
    name = parts.name(cursor, "the table name")
    cursor.expect("AS", context="after the table name")
    if not cursor.accept("CALL"):
        return CacheTable(span=cursor.span, name=name, source=query(cursor, "CALL or a query after AS"))
    body = call_body(cursor)
    if body.is_async:
        message = "async function not support in cache: what is cached is waited for"
        cursor.report("SR115", message, cursor.previous.span, "leave ASYNC out")
    return CacheTable(span=cursor.span, name=name, source=body)


def insert(cursor: Cursor, head: Span | None = None) -> Insert:
    """INSERT INTO | OVERWRITE [TABLE] name [(column, …)] query, after the word INSERT.

    ``head`` is the place of a WITH list before it, which belongs to the query.
    """
    if not cursor.at("INTO") and not cursor.at("OVERWRITE"):
        raise parts.unknown(cursor, tuple(InsertMode), "after INSERT")
    mode = InsertMode(cursor.next().key)
    table = _table(cursor)
    if cursor.at("PARTITION", "("):
        hint = "select the partition column instead"
        raise problem("SR190", "INSERT … PARTITION is not supported yet", cursor.peek().span, hint)
    columns: tuple[Ident, ...] = ()
    if cursor.at("(") and cursor.peek(1).kind in parts.NAMES and cursor.peek(2).key in (",", ")"):
        columns = parts.names(cursor, "a column name", context="after the table name")
    rows = query(cursor, "a query after the table name")
    if head is not None and not cursor.found:
        rows = hoisted(cursor.text, head, rows)
        cursor.found.extend(queries.check(rows))
    return Insert(span=cursor.span, table=table, query=rows, mode=mode, columns=columns)


def _table(cursor: Cursor) -> Ident:
    """``[TABLE] name``."""
    word = cursor.peek(1)
    if cursor.at("TABLE") and word.kind in parts.NAMES and word.key not in QUERY_WORDS:
        cursor.next()
    return parts.name(cursor, "the table name", parts=3)


def truncate(cursor: Cursor) -> Truncate:
    """TRUNCATE TABLE, after the word TRUNCATE."""
    cursor.expect("TABLE", context="after TRUNCATE")
    table = parts.name(cursor, "the table name", parts=3)
    parts.end(cursor)
    return Truncate(span=cursor.span, table=table)


def delete(cursor: Cursor) -> Delete:
    """DELETE FROM, after the word DELETE."""
    cursor.expect("FROM", context="after DELETE")
    table = parts.name(cursor, "the table name", parts=3)
    return Delete(span=cursor.span, table=table, where=_where(cursor))


def update(cursor: Cursor) -> Update:
    """UPDATE, after its word."""
    table = parts.name(cursor, "the table name", parts=3)
    cursor.expect("SET", context="after the table name")
    found = [_assignment(cursor)]
    while cursor.accept(","):
        found.append(_assignment(cursor))
    return Update(span=cursor.span, table=table, assignments=tuple(found), where=_where(cursor))


def _assignment(cursor: Cursor) -> Assignment:
    column = parts.name(cursor, "the column to set")
    cursor.expect("=", context="after the column")
    return Assignment(column, expression(cursor, "an expression after '='"))


def expression(cursor: Cursor, what: str) -> QueryText:
    """An expression, up to a comma, WHERE, COMMENT 'text' or the end of its list."""
    found = cursor.take(what, _ends_expression)
    cursor.found.extend(queries.check_condition(found))
    return found


def _ends_expression(cursor: Cursor) -> bool:
    """A column may be called comment; the clause has a string behind it."""
    comment = cursor.at("COMMENT") and cursor.peek(1).kind is Kind.STRING
    return comment or cursor.peek().key in (",", ")", "WHERE")


def _where(cursor: Cursor) -> QueryText | None:
    found = condition(cursor) if cursor.accept("WHERE") else None
    parts.end(cursor)
    return found
