"""Column lists and types."""

from __future__ import annotations

from collections.abc import Sequence

from sqlrec.errors import Span
from sqlrec.spec.schema import SPELLINGS, DataType
from sqlrec.spec.schema import Kind as TypeKind
from sqlrec.sql.cursor import Cursor, SyntaxProblem, did_you_mean, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import Column, Columns

TYPE_NAMES = (*TypeKind.__members__, *SPELLINGS)
REFUSED = {
    "AS": "computed columns are not part of the dialect: compute the column in a query",
    "METADATA": "metadata columns are not part of the dialect",
    "PRIMARY": "keys are not part of the dialect: leave the constraint out",
    "CONSTRAINT": "constraints are not part of the dialect: leave it out",
    "UNIQUE": "keys are not part of the dialect: leave the constraint out",
    "WATERMARK": "watermarks are not part of the dialect: leave it out",
    "DEFAULT": "column defaults are not part of the dialect",
    "NULL": "a column is nullable unless it says NOT NULL",
}


def columns(cursor: Cursor, context: str) -> Columns:
    """``(name TYPE [NOT NULL] [COMMENT 'text'], …)``. A bad column is reported and the list read on."""
    opening = cursor.expect("(", context=context)
    found: list[Column] = []
    while True:
        try:
            found.append(_column(cursor))
        except SyntaxProblem as error:
            _skip(cursor)
            if cursor.done():
                raise
            cursor.found.append(error.diagnostic)
        if not cursor.accept(","):
            break
    cursor.expect(")", context="to close the column list")
    check_twice(cursor, found)
    return Columns(tuple(found), opening.span.to(cursor.previous.span))


def check_twice(cursor: Cursor, found: list[Column]) -> None:
    """Report columns of the same name, without regard to case."""
    seen: set[str] = set()
    for column in found:
        folded = column.name.text.casefold()
        if folded in seen:
            cursor.report("SR108", f"column {column.name.text!r} is given twice", column.name.span)
        seen.add(folded)


def _column(cursor: Cursor) -> Column:
    word = cursor.peek()
    constraint = cursor.at("PRIMARY", "KEY") or cursor.at("UNIQUE", "(") or cursor.at("WATERMARK", "FOR")
    if constraint or (cursor.at("CONSTRAINT") and cursor.peek(2).key in ("PRIMARY", "UNIQUE", "FOREIGN")):
        raise problem("SR101", f"expected a column, found {word.key}", word.span, REFUSED[word.key])
    name = parts.name(cursor, "a column name")
    type_, span = data_type(cursor)
    nullable = not cursor.accept("NOT", "NULL")
    comment = parts.string(cursor, "the comment").value if cursor.accept("COMMENT") else ""
    if not cursor.at(",") and not cursor.at(")"):
        raise _after(cursor)
    return Column(name, type_, span, nullable, comment)


def _after(cursor: Cursor) -> SyntaxProblem:
    token = cursor.peek()
    hint = REFUSED.get(token.key, "")
    if token.kind is Kind.WORD and not hint:
        hint = did_you_mean(token.value, ("NOT", "COMMENT"))
    return cursor.unexpected("',' or ')' after the column", hint=hint)


def _skip(cursor: Cursor) -> None:
    """Go to the comma or parenthesis that ends the column."""
    depth = 0
    while not cursor.done() and not (depth == 0 and (cursor.at(",") or cursor.at(")"))):
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(cursor.next().key, 0)
        depth = max(depth, 0)


def data_type(cursor: Cursor) -> tuple[DataType, Span]:
    """A type. One that is unknown stops the column or statement it stands in (SR105)."""
    first = cursor.peek()
    if first.kind is not Kind.WORD:
        raise cursor.unexpected("a type", code="SR105")
    if first.key in REFUSED:
        raise cursor.unexpected("a type", code="SR105", hint=REFUSED[first.key])
    start = cursor.index
    cursor.next()
    if first.key == "DOUBLE":
        cursor.accept("PRECISION")
    _arguments(cursor)
    span = first.span.to(cursor.previous.span)
    inside = cursor.tokens[start : cursor.index]
    try:
        return DataType.parse(" ".join(cursor.text[t.start : t.end] for t in inside)), span
    except ValueError as error:
        raise _unknown(inside, str(error), span) from None


def _arguments(cursor: Cursor) -> None:
    """Read ``(…)`` or ``<…>`` after a type's word, to the bracket that closes it."""
    closing = {"(": ")", "<": ">"}
    opened: list[str] = []
    while cursor.peek().key in closing or opened:
        token = cursor.next()
        if token.kind is Kind.END:
            raise cursor.unexpected(f"'{closing[opened[-1]]}' to close the type", code="SR105")
        if token.key in closing:
            opened.append(token.key)
        elif token.key == closing[opened[-1]]:
            opened.pop()
            if not opened:
                return


def _unknown(tokens: Sequence[Token], message: str, span: Span) -> SyntaxProblem:
    for token in tokens:
        if message == f"unknown type {token.key}":
            hint = did_you_mean(token.value, TYPE_NAMES)
            return problem("SR105", f"unknown type '{token.value}'", token.span, hint)
    return problem("SR105", f"this is not a type: {message}", span)
