"""CALL: a function, its arguments, and how it is carried out."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.clauses import clauses
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import Call, CallArgument, CallBody, Chunks, Ident, LikeFunction, Variable

ORDER = ("LIKE", "PARTITION", "ASYNC")
VARIABLES = ("GET", "GET_OR_DEFAULT")


def call(cursor: Cursor) -> Call:
    """CALL, after its word."""
    return Call(span=cursor.span, body=call_body(cursor))


def call_body(cursor: Cursor) -> CallBody:
    """``function(argument, …) [LIKE …] [PARTITION BY table SIZE n] [ASYNC]``."""
    function = _variable(cursor) or parts.name(cursor, "the function name")
    arguments = _arguments(cursor)
    like: LikeFunction | Ident | None = None
    chunks: Chunks | None = None
    is_async = False
    for clause in clauses(cursor, ORDER):
        match clause:
            case "LIKE":
                like = _like(cursor)
            case "PARTITION":
                chunks = _chunks(cursor, arguments)
            case _:
                is_async = True
    if isinstance(function, Variable) and like is None:
        message = "return data fields is null: the columns of a function that a variable names are unknown"
        hint = "say what it returns: LIKE table, or LIKE FUNCTION 'name'"
        cursor.report("SR115", message, function.span, hint)
    span = function.span.to(cursor.previous.span)
    return CallBody(function, arguments, span, like, chunks, is_async)


def _arguments(cursor: Cursor) -> tuple[CallArgument, ...]:
    cursor.expect("(", context="after the function name")
    found: list[CallArgument] = []
    if not cursor.at(")"):
        found.append(_argument(cursor))
    while not cursor.at(")"):
        cursor.expect(",", context="or ')' after the argument")
        found.append(_argument(cursor))
    cursor.expect(")")
    return tuple(found)


def _argument(cursor: Cursor) -> CallArgument:
    variable = _variable(cursor)
    if variable is not None:
        return CallArgument(variable)
    token = cursor.peek()
    if token.kind is Kind.STRING:
        return CallArgument(parts.string(cursor, "the argument"))
    if token.kind not in parts.NAMES:
        raise cursor.unexpected(
            "a table name or a string", hint="CALL takes table names, strings and GET('…')"
        )
    return CallArgument(parts.name(cursor, "the table name", parts=3))


def _variable(cursor: Cursor) -> Variable | None:
    """``GET('name')`` or ``GET_OR_DEFAULT('name', 'default')`` if it follows; its word may be quoted."""
    word = cursor.peek()
    if word.kind not in (Kind.WORD, Kind.QUOTED) or word.value.upper() not in VARIABLES:
        return None
    if cursor.peek(1).key != "(":
        return None
    cursor.next()
    cursor.next()
    name = parts.label(cursor, "the variable")
    default = None
    if word.value.upper() == "GET_OR_DEFAULT":
        cursor.expect(",", context="and the default after the variable")
        default = parts.string(cursor, "the default")
    cursor.expect(")", context="to close the variable")
    return Variable(name, default, word.span.to(cursor.previous.span))


def _like(cursor: Cursor) -> LikeFunction | Ident:
    if cursor.at("FUNCTION") and cursor.peek(1).kind in parts.STRINGS:
        cursor.next()
        return LikeFunction(parts.label(cursor, "the function name"))
    return parts.name(cursor, "the table after LIKE")


def _chunks(cursor: Cursor, arguments: tuple[CallArgument, ...]) -> Chunks:
    cursor.expect("BY", context="after PARTITION")
    table = parts.name(cursor, "the table after PARTITION BY")
    cursor.expect("SIZE", context="after PARTITION BY and its table")
    size, span = parts.value(cursor, "SIZE")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        cursor.report("SR115", "SIZE must be a positive integer", span, "it is the number of rows of a chunk")
        size = 1
    tables = [a.value.text.casefold() for a in arguments if isinstance(a.value, Ident)]
    if table.text.casefold() not in tables:
        message = f"PARTITION BY table '{table.text}' must be one of the function input tables"
        named = ", ".join(tables) or "none"
        cursor.report("SR115", message, table.span, f"tables among the arguments: {named}")
    return Chunks(table, size, span)
