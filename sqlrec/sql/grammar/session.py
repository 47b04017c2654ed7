"""SET, RESET, USE and DECLARE."""

from __future__ import annotations

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.columns import data_type
from sqlrec.sql.grammar.options import key
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import Declare, Namespace, ObjectKind, ResetOption, SetOption, Show, Use


def set_option(cursor: Cursor) -> SetOption | Show:
    """SET 'key' = 'value', SET raw.key = raw value, or SET alone, after the word SET."""
    if cursor.done():
        return Show(span=cursor.span, kind=ObjectKind.SETTING)
    written = key(cursor)
    cursor.expect("=", context=f"after {written.value!r}")
    value, span = _raw_value(cursor)
    return SetOption(span=cursor.span, key=written, value=value, value_span=span)


def reset_option(cursor: Cursor) -> ResetOption:
    """RESET ['key'], after its word."""
    written = None if cursor.done() else key(cursor)
    parts.end(cursor)
    return ResetOption(span=cursor.span, key=written)


def use(cursor: Cursor) -> Use:
    """USE [CATALOG | DATABASE] name, after the word USE."""
    kind = next((kind for kind in Namespace if cursor.at(kind) and cursor.peek(1).kind in parts.NAMES), None)
    if kind is not None:
        cursor.next()
    if kind is Namespace.CATALOG:
        name = parts.name(cursor, "the catalog name")
    else:
        name = parts.name(cursor, "the database name", parts=2)
    parts.end(cursor)
    return Use(span=cursor.span, name=name, kind=kind or Namespace.DATABASE)


def _raw_value(cursor: Cursor) -> tuple[OptionValue, Span]:
    """A literal, or all that follows as one string (``SET table.sql-dialect = default``)."""
    first = cursor.peek()
    signed = int(cursor.at("-"))
    number = first.key in ("TRUE", "FALSE") or cursor.peek(signed).kind is Kind.NUMBER
    if first.kind in parts.STRINGS or (number and cursor.peek(signed + 1).kind is Kind.END):
        found = parts.value(cursor, "the value")
        parts.end(cursor)
        return found
    if cursor.done():
        raise cursor.unexpected("a value after '='")
    text = ""
    while not cursor.done():
        gap = " " if text and not cursor.adjoins() else ""
        token = cursor.next()
        text += gap + cursor.text[token.start : token.end]
    return text, first.span.to(cursor.previous.span)


def declare(cursor: Cursor) -> Declare:
    """DECLARE name TYPE [DEFAULT value], after the word DECLARE."""
    name = parts.name(cursor, "the parameter name")
    type_, type_span = data_type(cursor)
    default: OptionValue | None = None
    default_span: Span | None = None
    if cursor.accept("DEFAULT"):
        default, default_span = parts.value(cursor, "the default")
    elif not cursor.done():
        raise cursor.unexpected("DEFAULT or the end of the statement")
    parts.end(cursor)
    return Declare(
        span=cursor.span,
        name=name,
        type=type_,
        type_span=type_span,
        default=default,
        default_span=default_span,
    )
