"""Names, strings and values: what statements are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.sql.cursor import Cursor, SyntaxProblem, closest, problem
from sqlrec.sql.lexer import TEMPLATE, Kind, Token
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
    if cursor.at("$") and cursor.adjoins():
        raise _version(cursor, first)
    if len(found) > parts:
        allowed = "one part" if parts == 1 else f"at most {parts} parts"
        raise problem(
            "SR104",
            f"{what} has {allowed}, not {len(found)}",
            span,
            f"write `{'.'.join(found)}` if it has dots",
        )
    return Ident(tuple(found), span)


def _version(cursor: Cursor, first: Token) -> SyntaxProblem:
    while cursor.adjoins() and (cursor.at("$") or cursor.peek().kind in (Kind.WORD, Kind.NUMBER)):
        cursor.next()
    last = cursor.tokens[cursor.index - 1]
    span = first.span.to(last.span)
    written = cursor.text[span.start : span.end]
    return problem("SR104", f"'$' cannot stand in a bare name: {written}", span, f"write `{written}`")


def names(cursor: Cursor, what: str, *, context: str) -> tuple[Ident, ...]:
    """``(name, …)`` of one part each."""
    cursor.expect("(", context=context)
    found = [name(cursor, what)]
    while cursor.accept(","):
        found.append(name(cursor, what))
    if not cursor.accept(")"):
        raise cursor.unexpected(f"',' or ')' after {what}")
    return tuple(found)


def _part(cursor: Cursor, what: str) -> str:
    token = cursor.peek()
    if token.kind is Kind.NUMBER:
        raise cursor.unexpected(what, code="SR104", hint="a name that begins with a digit needs back-quotes")
    if token.kind not in NAMES:
        hint = "names are written bare or in back-quotes" if token.kind is Kind.STRING else ""
        raise cursor.unexpected(what, hint=hint)
    if not token.value.strip():
        raise problem("SR104", f"{what} is empty", token.span, "write a name between the quotes")
    if TEMPLATE.search(token.value):
        raise problem("SR110", f"{what} cannot hold a template", token.span, "write a fixed name")
    cursor.next()
    return token.value


def string(cursor: Cursor, what: str) -> Text:
    """A string; ``what`` says of what ("the checkpoint name"). Double quotes do as well as single ones."""
    token = cursor.peek()
    if token.kind not in STRINGS:
        written = token.kind in (Kind.WORD, Kind.NUMBER, Kind.QUOTED)
        hint = "Did you forget the single quotes?" if written else ""
        raise cursor.unexpected(f"{what} as a quoted string", hint=hint)
    cursor.next()
    return Text(token.value, token.span)


def checkpoint_name(cursor: Cursor) -> Text:
    """``= 'name'``, after the word CHECKPOINT."""
    cursor.expect("=", context="after CHECKPOINT")
    return label(cursor, "the checkpoint name")


def label(cursor: Cursor, what: str) -> Text:
    """A name that is written as a string."""
    found = string(cursor, what)
    if not found.value.strip() or "\n" in found.value:
        wrong = "has a line break" if found.value.strip() else "is empty"
        raise problem("SR104", f"{what} {wrong}", found.span, "write a name between the quotes")
    return found


def if_absent(cursor: Cursor, *, replace: bool = False) -> bool:
    """``IF NOT EXISTS``, which OR REPLACE excludes."""
    start = cursor.peek()
    found = cursor.at("IF", "NOT") or cursor.at("IF", "EXISTS")
    if found:
        cursor.expect("IF", "NOT", "EXISTS")
    if found and replace:
        message = "OR REPLACE and IF NOT EXISTS exclude each other"
        hint = "OR REPLACE changes what is there, IF NOT EXISTS keeps it: leave one out"
        cursor.report("SR107", message, start.span.to(cursor.previous.span), hint)
    return found


def if_present(cursor: Cursor, *following: str) -> bool:
    """``IF EXISTS``. Before a word of ``following``, IF is a name."""
    word = cursor.peek(1)
    found = cursor.at("IF") and word.kind is Kind.WORD and word.key not in following
    if found:
        cursor.expect("IF", "EXISTS")
    return found


def value(cursor: Cursor, what: str = "option values") -> tuple[OptionValue, Span]:
    """A string, number, TRUE or FALSE, which keeps its kind. ``what`` begins the message."""
    first = cursor.peek()
    negative = cursor.at("-") and cursor.peek(1).kind is Kind.NUMBER
    if negative:
        cursor.next()
    token = cursor.next()
    literal = token.kind in (*STRINGS, Kind.NUMBER) or token.key in ("TRUE", "FALSE")
    if not literal or _runs_on(cursor):
        raise _no_value(cursor, what, first)
    span = first.span.to(token.span)
    if token.kind in STRINGS:
        return token.value, span
    if token.kind is not Kind.NUMBER:
        return token.key == "TRUE", span
    number = _number(token.value)
    if number is None:
        raise problem("SR106", "this number is out of range", span, "write a smaller one, or a string")
    return -number if negative else number, span


def _runs_on(cursor: Cursor) -> bool:
    """Whether the token that follows belongs to the same unquoted text (``10s``, ``a.b-c``, ``/tmp``)."""
    return cursor.adjoins() and cursor.peek().key not in (",", "(", ")")


def _no_value(cursor: Cursor, what: str, first: Token) -> SyntaxProblem:
    """The problem that a value is none of the literals; its place is all that was written for it."""
    message = f"{what} must be a quoted string, a number or TRUE/FALSE, found"
    if first.kind is Kind.END or first.key in (",", "(", ")", "="):
        return problem("SR106", f"{message} {cursor.show(first)}", first.span, "write the value after '='")
    while _runs_on(cursor):
        cursor.next()
    span = first.span.to(cursor.previous.span)
    source = cursor.text[span.start : span.end]
    hint = "write a quote inside a string twice: ''" if "'" in source else "Did you forget the quotes?"
    return problem("SR106", f"{message} '{source}'", span, hint)


def _number(text: str) -> int | float | None:
    """The number; None when it is too large for a float, or has more digits than any integer needs."""
    if text.isdigit():
        return int(text) if len(text) <= 40 else None
    number = float(text)
    return number if math.isfinite(number) else None


def end(cursor: Cursor) -> None:
    """The end of the statement."""
    if cursor.done():
        return
    new_line = "\n" in cursor.text[cursor.previous.end : cursor.peek().start]
    hint = "is a ';' missing before it?" if new_line else "remove it, or put ';' before it"
    raise cursor.unexpected("the end of the statement", hint=hint)


def unknown(cursor: Cursor, known: Sequence[str], place: str) -> SyntaxProblem:
    """The problem that none of ``known``, which could stand at this ``place``, follows."""
    word = cursor.peek()
    close = closest(word.value, [w.split()[0] for w in known]) if word.kind is Kind.WORD else ""
    hint = f"Did you mean {next(w for w in known if w.startswith(close))}?" if close else ""
    *others, last = known
    shown = f"{', '.join(others)} or {last}" if others else last
    return cursor.unexpected(f"{shown} {place}", hint=hint)
