"""CREATE TABLE, CACHE TABLE, CALL, INSERT and queries: where rows come from and go to."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor, SyntaxProblem, problem
from sqlrec.sql.grammar import columns, parts
from sqlrec.sql.grammar.clauses import clauses, query
from sqlrec.sql.grammar.model import if_absent
from sqlrec.sql.grammar.options import options
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallArgument,
    CallBody,
    Columns,
    CreateTable,
    Ident,
    Insert,
    InsertMode,
    OptionItem,
    Select,
    Text,
)

TABLE_ORDER = ("COMMENT", "PARTITIONED", "WITH")
LATER = "{} is not supported yet"


def create_table(cursor: Cursor) -> CreateTable:
    """CREATE TABLE, after the word TABLE."""
    if_not_exists = if_absent(cursor, replace=False)
    name = parts.name(cursor, "the table name", parts=3)
    declared: Columns | None = columns.columns(cursor, "") if cursor.at("(") else None
    comment: Text | None = None
    partitions: tuple[Ident, ...] = ()
    with_: tuple[OptionItem, ...] = ()
    if cursor.at("AS") or cursor.at("LIKE"):
        raise later(cursor, f"CREATE TABLE … {cursor.peek().key}", "CACHE TABLE … AS query keeps rows")
    for clause in clauses(cursor, TABLE_ORDER):
        match clause:
            case "COMMENT":
                comment = parts.string(cursor, "the comment")
            case "PARTITIONED":
                partitions = _partitions(cursor)
            case _:
                with_ = options(cursor)
    return CreateTable(
        span=cursor.span,
        name=name,
        columns=declared,
        partitioned_by=partitions,
        options=with_,
        comment=comment,
        if_not_exists=if_not_exists,
    )


def later(cursor: Cursor, what: str, hint: str = "") -> SyntaxProblem:
    """The problem that ``what`` is part of the language but not supported yet."""
    return problem("SR190", LATER.format(what), cursor.peek().span, hint)


def _partitions(cursor: Cursor) -> tuple[Ident, ...]:
    cursor.expect("BY", context="after PARTITIONED")
    cursor.expect("(", context="after PARTITIONED BY")
    found = [parts.name(cursor, "a column name")]
    while cursor.accept(","):
        found.append(parts.name(cursor, "a column name"))
    if cursor.peek().key in columns.TYPE_NAMES:
        raise cursor.unexpected("',' or ')'", hint="a column gets its type in the column list")
    cursor.expect(")", context="after the partition columns")
    return tuple(found)


def cache(cursor: Cursor) -> CacheTable:
    """CACHE TABLE, after the word CACHE."""
    cursor.expect("TABLE", context="after CACHE")
    name = parts.name(cursor, "the table name")
    cursor.expect("AS", context="after the table name")
    if cursor.accept("CALL"):
        return CacheTable(span=cursor.span, name=name, source=_call_body(cursor))
    return CacheTable(span=cursor.span, name=name, source=query(cursor))


def call(cursor: Cursor) -> Call:
    """CALL, after its word."""
    return Call(span=cursor.span, body=_call_body(cursor))


def _call_body(cursor: Cursor) -> CallBody:
    _refuse_variable(cursor)
    function = parts.name(cursor, "the function name")
    cursor.expect("(", context="after the function name")
    arguments: list[CallArgument] = []
    if not cursor.at(")"):
        arguments.append(_argument(cursor))
    while not cursor.at(")"):
        cursor.expect(",", context="or ')' after the argument")
        arguments.append(_argument(cursor))
    cursor.expect(")")
    span = function.span.to(cursor.previous.span)
    for words in (("LIKE",), ("PARTITION", "BY"), ("ASYNC",)):
        if cursor.at(*words):
            raise later(cursor, f"CALL … {' '.join(words)}")
    parts.end(cursor)
    return CallBody(function, tuple(arguments), span)


def _argument(cursor: Cursor) -> CallArgument:
    _refuse_variable(cursor)
    token = cursor.peek()
    if token.kind is Kind.STRING:
        return CallArgument(parts.string(cursor, "the argument"))
    if token.kind not in parts.NAMES:
        raise cursor.unexpected("a table name or a string", hint="CALL takes table names and strings")
    return CallArgument(parts.name(cursor, "the table name", parts=3))


def _refuse_variable(cursor: Cursor) -> None:
    for word in ("GET", "GET_OR_DEFAULT"):
        if cursor.at(word, "("):
            raise later(cursor, f"{word}(…)", "use a template: '{{ params.name }}'")


def insert(cursor: Cursor) -> Insert:
    """INSERT INTO | OVERWRITE [TABLE] name query, after the word INSERT."""
    if not cursor.at("INTO") and not cursor.at("OVERWRITE"):
        raise cursor.unexpected("INTO or OVERWRITE after INSERT")
    mode = InsertMode(cursor.next().key)
    if cursor.at("TABLE") and cursor.peek(1).kind in parts.NAMES:
        cursor.next()
    table = parts.name(cursor, "the table name", parts=3)
    if cursor.at("PARTITION", "("):
        raise later(cursor, "INSERT … PARTITION", "select the partition column instead")
    if cursor.at("(") and cursor.peek(1).kind in parts.NAMES and cursor.peek(2).key in (",", ")"):
        raise later(cursor, "INSERT with a column list", "select all columns in the table's order")
    rows = query(cursor, "a query after the table name")
    return Insert(span=cursor.span, table=table, query=rows, mode=mode)


def select(cursor: Cursor) -> Select:
    """A query on its own."""
    return Select(span=cursor.span, query=query(cursor))
