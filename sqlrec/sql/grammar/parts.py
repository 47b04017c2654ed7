"""Names, strings and values: what statements are made of."""

from __future__ import annotations

import math
from typing import NoReturn

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.sql.cursor import Cursor, problem
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import Ident, Text

NAMES = (Kind.WORD, Kind.QUOTED, Kind.DOUBLE)
STRINGS = (Kind.STRING, Kind.DOUBLE)


def name(cursor: Cursor, what: str, *, parts: int = 1) -> Ident:
    """A name of up to ``parts`` parts; ``what`` says of what ("the model name")."""
    first = cursor.peek()
    found = [_part(cursor, what)]
    while cursor.accept("."):
        found.append(_part(cursor, what))
    span = first.span.to(cursor.previous.span)
    if len(found) > parts:
        allowed = "one part" if parts == 1 else f"at most {parts} parts"
        raise problem("SR104", f"{what} has {allowed}, not {len(found)}", span)
    return Ident(tuple(found), span)


def _part(cursor: Cursor, what: str) -> str:
    token = cursor.peek()
    if token.kind is Kind.NUMBER:
        raise cursor.unexpected(what, code="SR104", hint="a name that begins with a digit needs back-quotes")
    if token.kind not in NAMES:
        hint = "names are written bare or in back-quotes" if token.kind is Kind.STRING else ""
        raise cursor.unexpected(what, hint=hint)
    if not token.value.strip():
        raise problem("SR104", f"{what} is empty", token.span)
    cursor.next()
    return token.value


def string(cursor: Cursor, what: str) -> Text:
    """A string; ``what`` says of what ("the checkpoint name"). Double quotes do as well as single ones."""
    token = cursor.peek()
    if token.kind not in STRINGS:
        hint = "Did you forget the quotes?" if token.kind in (Kind.WORD, Kind.NUMBER) else ""
        raise cursor.unexpected(f"{what} as a quoted string", hint=hint)
    cursor.next()
    return Text(token.value, token.span)


def checkpoint(cursor: Cursor) -> Text:
    """``CHECKPOINT = 'name'``."""
    cursor.expect("CHECKPOINT")
    return checkpoint_name(cursor)


def checkpoint_name(cursor: Cursor) -> Text:
    """``= 'name'``, after the word CHECKPOINT."""
    cursor.expect("=", context="after CHECKPOINT")
    found = string(cursor, "the checkpoint name")
    if not found.value.strip():
        raise problem("SR104", "the checkpoint name is empty", found.span)
    return found


def value(cursor: Cursor, what: str = "option values") -> tuple[OptionValue, Span]:
    """A string, number, TRUE or FALSE, which keeps its kind. ``what`` begins the message."""
    first = cursor.peek()
    negative = cursor.at("-") and cursor.peek(1).kind is Kind.NUMBER
    if negative:
        cursor.next()
    token = cursor.next()
    span = first.span.to(token.span)
    if cursor.adjoins() and cursor.peek().kind in (Kind.WORD, Kind.NUMBER):
        _refuse(cursor, what, first, cursor.next())
    if token.kind in STRINGS:
        return token.value, span
    if token.key in ("TRUE", "FALSE"):
        return token.key == "TRUE", span
    if token.kind is not Kind.NUMBER:
        _refuse(cursor, what, first, token)
    number = _number(token.value)
    if number is None:
        raise problem("SR106", f"the number {token.value[:20]} is out of range", span)
    return -number if negative else number, span


def _number(text: str) -> int | float | None:
    """The number; None when it is too large for a float, or has more digits than any integer needs."""
    if text.isdigit():
        return int(text) if len(text) <= 40 else None
    number = float(text)
    return number if math.isfinite(number) else None


def _refuse(cursor: Cursor, what: str, first: Token, last: Token) -> NoReturn:
    kinds = "a quoted string, a number or TRUE/FALSE"
    if first.kind is Kind.END or first.kind is Kind.SYMBOL:
        message = f"{what} must be {kinds}, found {cursor.show(first)}"
        raise problem("SR106", message, first.span)
    source = cursor.text[first.start : last.end]
    message = f"{what} must be {kinds}, found '{source}'"
    raise problem("SR106", message, first.span.to(last.span), "Did you forget the quotes?")


def end(cursor: Cursor) -> None:
    """The end of the statement."""
    if cursor.done():
        return
    new_line = "\n" in cursor.text[cursor.previous.end : cursor.peek().start]
    hint = "is a ';' missing before it?" if new_line else ""
    raise cursor.unexpected("the end of the statement", hint=hint)
