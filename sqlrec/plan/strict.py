"""Strict modes: what SQLRec or Flink would refuse of a script is a finding.

``SET 'strict' = 'flink'``, or ``sqlrec check --strict flink``, keeps a script readable for that dialect's
own parser, so that it can go back there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import TypeVar

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.strict_rules import CLAUSES, STATEMENTS, Rule, Strict, Tokens, find
from sqlrec.sql.lexer import Kind, Token, tokens
from sqlrec.sql.reserved import RESERVED
from sqlrec.sql.statements import Explain, Ident, If, OptionItem, ResetOptions, Statement

DIALECTS = {Strict.SQLREC: "SQLRec", Strict.FLINK: "Flink"}
T = TypeVar("T")
FORMAT = "sqlrec fmt writes it so that SQLRec and Flink read it"


def strict_findings(text: str, statements: Iterable[Statement], mode: Strict) -> Iterator[Diagnostic]:
    """What the parser of ``mode`` refuses of a script's statements: SR150 clauses, SR151 spellings."""
    found = tokens(text)
    starts = [token.start for token in found]
    for statement in statements:
        for part in _nested(statement):
            first, last = bisect_left(starts, part.span.start), bisect_left(starts, part.span.end)
            inside = found[first:last]
            refused = next(_refused(part, inside, STATEMENTS, mode), None)
            yield from (refused,) if refused else _refused(part, inside, CLAUSES, mode)
        first, last = bisect_left(starts, statement.span.start), bisect_left(starts, statement.span.end)
        yield from _spellings(statement, found[first:last], mode)


def _nested(statement: Statement) -> Iterator[Statement]:
    """The statement, then those inside it."""
    yield statement
    match statement:
        case If(then=then, otherwise=otherwise):
            yield from _nested(then)
            if otherwise is not None:
                yield from _nested(otherwise)
        case Explain(statement=explained):
            yield from _nested(explained)
        case _:
            pass


def _refused(
    statement: Statement, inside: Tokens, rules: Iterable[Rule], mode: Strict
) -> Iterator[Diagnostic]:
    for rule in rules:
        applies = mode in rule.refused_by and isinstance(statement, rule.kinds)
        if applies and rule.when(statement, inside):
            place = find(inside, rule.words or tuple(rule.clause.split()))
            whose = "an extension of sqlrec" if len(rule.refused_by) == 2 else f"{DIALECTS[mode.other]}'s"
            yield Diagnostic(
                code="SR150",
                message=f"{rule.clause} is {whose}; strict = '{mode}' refuses it",
                span=place[0].span.to(place[1].span) if place else statement.span,
                hint=rule.hint or "leave it out",
            )


def _spellings(statement: Statement, inside: Tokens, mode: Strict) -> Iterator[Diagnostic]:
    """What is quoted otherwise than both dialects do, and names that SQLRec reserves."""
    at = {token.start: token for token in inside}
    for what, place in _options(statement):
        if at[place.start].kind not in (Kind.STRING, Kind.DOUBLE):
            yield _spelling(f"an option {what} without single quotes", place, mode)
    for token in inside:
        if token.kind is Kind.DOUBLE:
            yield _spelling("a double-quoted text", token.span, mode)
    for token, following in pairwise(inside):
        if token.key == "," and following.key == ")":
            yield _spelling("a comma before ')'", token.span, mode)
    if mode is Strict.SQLREC:
        yield from _reserved(statement, at, mode)


def _spelling(what: str, span: Span, mode: Strict) -> Diagnostic:
    return Diagnostic(
        code="SR151",
        message=f"{what} is an extension of sqlrec; strict = '{mode}' refuses it",
        span=span,
        hint=FORMAT,
    )


def _reserved(statement: Statement, at: dict[int, Token], mode: Strict) -> Iterator[Diagnostic]:
    for name in _parts(statement, Ident):
        token = at.get(name.span.start)
        if token and len(name.parts) == 1 and token.kind is Kind.WORD and token.key in RESERVED:
            yield Diagnostic(
                code="SR151",
                message=f"{name.text} is a reserved word of SQLRec; strict = '{mode}' refuses it bare",
                span=name.span,
                hint=f"write `{name.text}`",
            )


def _options(statement: Statement) -> Iterator[tuple[str, Span]]:
    """The keys and values of all option lists of a statement, each with its place."""
    for item in _parts(statement, OptionItem):
        yield "key", item.key.span
        yield "value", item.value_span
    for reset in _parts(statement, ResetOptions):
        yield from (("key", key.span) for key in reset.keys)


def _parts(node: object, kind: type[T]) -> Iterator[T]:
    """All parts of a kind in a statement."""
    if isinstance(node, kind):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from _parts(item, kind)
    elif is_dataclass(node):
        for field in fields(node):
            yield from _parts(getattr(node, field.name), kind)
