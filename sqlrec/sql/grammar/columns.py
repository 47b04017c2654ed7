"""Column lists and types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlrec.errors import Span
from sqlrec.spec.schema import SPELLINGS, DataType
from sqlrec.spec.schema import Kind as TypeKind
from sqlrec.sql.cursor import Cursor, SyntaxProblem, did_you_mean, helped, problem
from sqlrec.sql.grammar import parts
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import Column, Columns, Ident

TYPE_NAMES = (*TypeKind.__members__, *SPELLINGS)
REFUSED = {
    "AS": "columns of models are not computed: compute the column in a query",
    "METADATA": "only tables have metadata columns",
    "PRIMARY": "only tables have keys: leave the constraint out",
    "CONSTRAINT": "only tables have constraints: leave it out",
    "UNIQUE": "UNIQUE is not part of the dialect: leave the constraint out",
    "WATERMARK": "only tables have watermarks: leave it out",
    "DEFAULT": "column defaults are not part of the dialect",
    "NULL": "a column is nullable unless it says NOT NULL",
}


def columns(cursor: Cursor, context: str) -> Columns:
    """``(name TYPE [NOT NULL] [COMMENT 'text'], …)``. A bad column is reported and the list read on."""
    opening = cursor.expect("(", context=context)
    found: list[Column] = []
    each_item(cursor, lambda: found.append(_column(cursor)))
    check_twice(cursor, [column.name for column in found])
    return Columns(tuple(found), opening.span.to(cursor.previous.span))


def each_item(cursor: Cursor, read: Callable[[], None]) -> None:
    """``read`` each item of a list, up to its closing parenthesis."""
    while True:
        try:
            read()
            if not cursor.at(",") and not cursor.at(")"):
                raise _after(cursor)
        except SyntaxProblem as error:
            _skip(cursor)
            wrong = helped(error.diagnostic, "a column is written name TYPE")
            if cursor.done():
                raise SyntaxProblem(wrong) from None
            cursor.found.append(wrong)
        if not cursor.accept(","):
            break
    cursor.expect(")", context="to close the column list")


def check_twice(cursor: Cursor, names: Sequence[Ident]) -> None:
    """Report columns of the same name, without regard to case."""
    seen: set[str] = set()
    for name in names:
        folded = name.text.casefold()
        if folded in seen:
            cursor.report(
                "SR108", f"column {name.text!r} is given twice", name.span, "rename or remove one of them"
            )
        seen.add(folded)


def _column(cursor: Cursor) -> Column:
    word = cursor.peek()
    constraint = cursor.at("PRIMARY", "KEY") or cursor.at("WATERMARK", "FOR")
    if constraint or (cursor.at("CONSTRAINT") and cursor.peek(2).key == "PRIMARY"):
        raise problem("SR101", f"expected a column, found {word.key}", word.span, REFUSED[word.key])
    refuse_unique(cursor)
    name = parts.name(cursor, "a column name")
    type_, span = data_type(cursor)
    nullable = not cursor.accept("NOT", "NULL")
    return Column(name, type_, span, nullable, comment(cursor))


def refuse_unique(cursor: Cursor) -> None:
    """UNIQUE (…), with or without a name, is refused with its own words."""
    named = cursor.at("CONSTRAINT") and cursor.peek(2).key in ("UNIQUE", "FOREIGN")
    if named or cursor.at("UNIQUE", "("):
        word = cursor.peek(2 if named else 0)
        raise problem("SR101", f"expected a column, found {word.key}", word.span, REFUSED["UNIQUE"])


def comment(cursor: Cursor) -> str:
    """``[COMMENT 'text']``."""
    return parts.string(cursor, "the comment").value if cursor.accept("COMMENT") else ""


def _after(cursor: Cursor) -> SyntaxProblem:
    token = cursor.peek()
    hint = REFUSED.get(token.key, "")
    if token.kind is Kind.WORD and not hint:
        hint = did_you_mean(token.value, ("NOT", "COMMENT", "METADATA", "PRIMARY"))
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
            hint = did_you_mean(token.value, TYPE_NAMES) or f"types: {', '.join(TypeKind.__members__)}"
            return problem("SR105", f"unknown type '{token.value}'", token.span, hint)
    return problem("SR105", f"this is not a type: {message}", span, "write it like ARRAY<INT>")
