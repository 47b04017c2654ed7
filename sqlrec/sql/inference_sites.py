"""Where calls of models stand in a query, and which common table expressions can be seen from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlrec.sql.cursor import CLOSING, problem
from sqlrec.sql.inference_grammar import is_call
from sqlrec.sql.lexer import Kind, Token

CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "QUALIFY", "WINDOW", "LIMIT")
IN_FROM = ("FROM", "JOIN", "APPLY", "LATERAL")
MAX_CALLS = 100
"""Calls of models in one query: each may need what WITH defines before it, all over again."""
AFTER_NAME = ("AS", "(")


@dataclass(frozen=True, slots=True)
class Site:
    """A call at ``index``; ``first`` is where TABLE or LATERAL TABLE around it begins, or ``index`` itself.

    ``visible`` are the common table expressions defined before it, ``name AS (…)``, as half-open ranges;
    ``inside`` are the names of those it is part of. ``recursive`` is whether one of their lists is WITH
    RECURSIVE.
    """

    index: int
    first: int
    in_from: bool
    visible: tuple[tuple[int, int], ...] = ()
    inside: frozenset[str] = frozenset()
    recursive: bool = False


@dataclass(slots=True)
class _Frame:
    """What is known inside one bracket. ``cte`` is where the expression it is the body of begins."""

    cte: int | None = None
    clause: str = ""
    start: int | None = None
    recursive: bool = False
    visible: list[tuple[int, int]] = field(default_factory=list)


def sites(tokens: Sequence[Token]) -> tuple[Site, ...]:
    """The calls of a query whose brackets match, in order; a call inside another one is among them.

    Raises ``SyntaxProblem`` for more than :data:`MAX_CALLS`.
    """
    found: list[Site] = []
    frames = [_Frame()]
    for index, token in enumerate(tokens):
        frame = frames[-1]
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if is_call(token, following) and not (index and tokens[index - 1].key == "."):
            if len(found) == MAX_CALLS:
                message = f"the query calls models more than {MAX_CALLS} times"
                raise problem("SR109", message, token.span, "split it with CACHE TABLE")
            found.append(_site(tokens, index, frames))
        if token.key in CLOSING:
            frames.append(_Frame(cte=frame.start if _opens_body(tokens, index) else None))
        elif token.key in CLOSING.values():
            _closed(frames.pop(), frames[-1], index)
        else:
            _note(frame, tokens, index)
    return tuple(found)


def _site(tokens: Sequence[Token], index: int, frames: Sequence[_Frame]) -> Site:
    first = index
    if index > 1 and tokens[index - 1].key == "(" and tokens[index - 2].key == "TABLE":
        first = index - 2
    if first and tokens[first - 1].key == "LATERAL":
        first -= 1
    return Site(
        index,
        first,
        in_from=first < index or frames[-1].clause in IN_FROM,
        visible=tuple(cte for frame in frames for cte in frame.visible),
        inside=frozenset(tokens[f.cte].value.casefold() for f in frames if f.cte is not None),
        recursive=any(frame.recursive for frame in frames),
    )


def _note(frame: _Frame, tokens: Sequence[Token], index: int) -> None:
    """Follow clauses and the list that WITH begins."""
    token = tokens[index]
    before = tokens[index - 1].key if index else ""
    if token.key == "WITH":
        recursive = index + 1 < len(tokens) and tokens[index + 1].key == "RECURSIVE"
        begins = _begins_list(tokens, index + 1 + recursive)
        frame.start = index + 1 + recursive if begins else None
        frame.recursive |= recursive and begins
    elif token.key == "," and before == ")" and frame.visible and frame.visible[-1][1] == index:
        frame.start = index + 1
    elif token.key in CLAUSES or token.key in ("ON", "USING", "JOIN", "APPLY", "LATERAL"):
        is_part = token.key == "FROM" and not (frame.clause or index == 0 or before == "(")
        frame.clause = frame.clause if is_part or before == "DISTINCT" else token.key


def _begins_list(tokens: Sequence[Token], index: int) -> bool:
    named = index + 1 < len(tokens) and tokens[index].kind in (Kind.WORD, Kind.QUOTED, Kind.DOUBLE)
    return named and tokens[index + 1].key in AFTER_NAME


def _opens_body(tokens: Sequence[Token], index: int) -> bool:
    """Whether the bracket at ``index`` follows ``name AS [[NOT] MATERIALIZED]``."""
    before = [token.key for token in tokens[max(index - 3, 0) : index]]
    while before and before[-1] in ("MATERIALIZED", "NOT"):
        before.pop()
    return bool(before) and before[-1] == "AS" and tokens[index].key == "("


def _closed(frame: _Frame, outer: _Frame, index: int) -> None:
    if frame.cte is not None:
        outer.visible.append((frame.cte, index + 1))
        outer.start = None
