"""SQL functions, which are blocks of statements, and APIs."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import columns, parts
from sqlrec.sql.grammar.clauses import clauses
from sqlrec.sql.grammar.options import options
from sqlrec.sql.statements import (
    Columns,
    CreateApi,
    CreateFunction,
    DefineInput,
    DropApi,
    DropFunction,
    Ident,
    OptionItem,
    Return,
)


def create_function(cursor: Cursor, *, replace: bool) -> CreateFunction:
    """CREATE [OR REPLACE] SQL FUNCTION, after the word FUNCTION."""
    name = parts.name(cursor, "the function name")
    parts.end(cursor)
    return CreateFunction(span=cursor.span, name=name, replace=replace)


def define_input(cursor: Cursor) -> DefineInput:
    """DEFINE INPUT TABLE, after the word DEFINE."""
    cursor.expect("INPUT", "TABLE", context="after DEFINE")
    name = parts.name(cursor, "the table name")
    like: Ident | None = None
    declared: Columns | None = None
    if cursor.accept("LIKE"):
        like = parts.name(cursor, "the table after LIKE", parts=3)
    elif cursor.at("("):
        declared = columns.columns(cursor, "")
    else:
        raise parts.unknown(cursor, ("LIKE", "a column list"), "after the table name")
    parts.end(cursor)
    return DefineInput(span=cursor.span, name=name, like=like, columns=declared)


def return_(cursor: Cursor) -> Return:
    """RETURN, after its word."""
    table = None if cursor.done() else parts.name(cursor, "the table to return")
    parts.end(cursor)
    return Return(span=cursor.span, table=table)


def drop_function(cursor: Cursor) -> DropFunction:
    """DROP SQL FUNCTION, after the word FUNCTION."""
    if_exists = parts.if_present(cursor)
    name = parts.name(cursor, "the function name")
    parts.end(cursor)
    return DropFunction(span=cursor.span, name=name, if_exists=if_exists)


def create_api(cursor: Cursor, *, replace: bool) -> CreateApi:
    """CREATE [OR REPLACE] API, after the word API."""
    name = parts.name(cursor, "the API name")
    cursor.expect("WITH", context="after the API name")
    function = parts.name(cursor, "the function name")
    with_: tuple[OptionItem, ...] = ()
    for _ in clauses(cursor, ("WITH",)):
        with_ = options(cursor)
    return CreateApi(span=cursor.span, name=name, function=function, options=with_, replace=replace)


def drop_api(cursor: Cursor) -> DropApi:
    """DROP API, after the word API."""
    if_exists = parts.if_present(cursor)
    name = parts.name(cursor, "the API name")
    parts.end(cursor)
    return DropApi(span=cursor.span, name=name, if_exists=if_exists)
