"""CREATE and DROP of views and databases, DROP TABLE."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.clauses import clauses, query
from sqlrec.sql.grammar.options import options
from sqlrec.sql.statements import (
    CreateDatabase,
    CreateView,
    DropDatabase,
    DropTable,
    DropView,
    Ident,
    OptionItem,
    QueryText,
    Text,
)


def create_view(cursor: Cursor, *, temporary: bool) -> CreateView:
    """CREATE [TEMPORARY] VIEW, after the word VIEW."""
    if_not_exists = parts.if_absent(cursor)
    name = parts.name(cursor, "the view name", parts=3)
    columns: tuple[Ident, ...] = ()
    if cursor.at("("):
        columns = parts.names(cursor, "a column name", context="after the view name")
    comment: Text | None = None
    as_: QueryText | None = None
    for clause in clauses(cursor, ("COMMENT", "AS")):
        if clause == "COMMENT":
            comment = parts.string(cursor, "the comment")
        else:
            as_ = query(cursor)
    if as_ is None:
        raise cursor.unexpected("AS and the view's query")
    return CreateView(
        span=cursor.span,
        name=name,
        query=as_,
        columns=columns,
        comment=comment,
        temporary=temporary,
        if_not_exists=if_not_exists,
    )


def create_database(cursor: Cursor) -> CreateDatabase:
    """CREATE DATABASE, after the word DATABASE."""
    if_not_exists = parts.if_absent(cursor)
    name = parts.name(cursor, "the database name", parts=2)
    comment: Text | None = None
    with_: tuple[OptionItem, ...] = ()
    for clause in clauses(cursor, ("COMMENT", "WITH")):
        if clause == "COMMENT":
            comment = parts.string(cursor, "the comment")
        else:
            with_ = options(cursor)
    return CreateDatabase(
        span=cursor.span, name=name, comment=comment, options=with_, if_not_exists=if_not_exists
    )


def drop_table(cursor: Cursor, *, temporary: bool) -> DropTable:
    """DROP [TEMPORARY] TABLE, after the word TABLE."""
    if_exists = parts.if_present(cursor)
    name = parts.name(cursor, "the table name", parts=3)
    parts.end(cursor)
    return DropTable(span=cursor.span, name=name, temporary=temporary, if_exists=if_exists)


def drop_view(cursor: Cursor, *, temporary: bool) -> DropView:
    """DROP [TEMPORARY] VIEW, after the word VIEW."""
    if_exists = parts.if_present(cursor)
    name = parts.name(cursor, "the view name", parts=3)
    parts.end(cursor)
    return DropView(span=cursor.span, name=name, temporary=temporary, if_exists=if_exists)


def drop_database(cursor: Cursor) -> DropDatabase:
    """DROP DATABASE, after the word DATABASE."""
    if_exists = parts.if_present(cursor, "CASCADE", "RESTRICT")
    name = parts.name(cursor, "the database name", parts=2)
    cascade = cursor.accept("CASCADE")
    if not cascade:
        cursor.accept("RESTRICT")
    parts.end(cursor)
    return DropDatabase(span=cursor.span, name=name, cascade=cascade, if_exists=if_exists)
