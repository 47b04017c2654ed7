"""What may come next: the tokens of a statement so far, followed through the grammar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from sqlrec.assist.notation import Choice, Many, Maybe, Node, Series, Sign, Slot, Word, grammar
from sqlrec.sql.cursor import CLOSING
from sqlrec.sql.lexer import Kind, Token

NAMES = (Kind.WORD, Kind.QUOTED, Kind.DOUBLE)
STRINGS = (Kind.STRING, Kind.DOUBLE)
QUERIES = ("query", "condition", "expression")
"""Slots whose inside is SQL."""
BEGIN_QUERY = ("SELECT", "WITH", "VALUES", "(")


@dataclass(frozen=True, slots=True)
class Expected:
    """Something that may come next; for a query that is begun, ``start`` is its first token."""

    node: Word | Slot
    start: int


def expected(tokens: Sequence[Token]) -> list[Expected]:
    """All that may follow the tokens of a statement, in the order of the grammar; each once."""
    walk = _Walk(tokens)
    walk.statement(0)
    return list(dict.fromkeys(walk.found))


def accepted(tokens: Sequence[Token]) -> bool:
    """Whether the tokens are a whole statement, as far as the grammar tells."""
    return len(tokens) in _Walk(tokens).statement(0)


@dataclass(slots=True)
class _Walk:
    """Follows all ways through the grammar at once: sets of places between tokens."""

    tokens: Sequence[Token]
    found: list[Expected] = field(default_factory=list)

    def statement(self, start: int) -> set[int]:
        return set().union(*(self.ends(node, {start}) for node in grammar().statements))

    def ends(self, node: Node, starts: set[int]) -> set[int]:
        """Places after ``node`` when it begins at one of ``starts``; notes what is expected at the end."""
        match node:
            case Word() | Sign():
                return self._one(node, starts)
            case Slot():
                return set().union(*(self._slot(node, start) for start in starts))
            case Series(items=items):
                for item in items:
                    starts = self.ends(item, starts)
                return starts
            case Choice(items=items):
                return set().union(*(self.ends(item, starts) for item in items))
            case Maybe(item=item):
                return starts | self.ends(item, starts)
            case Many(item=item):
                return self._many(item, starts)
            case _:
                assert_never(node)

    def _one(self, node: Word | Sign, starts: set[int]) -> set[int]:
        if isinstance(node, Word) and len(self.tokens) in starts:
            self.found.append(Expected(node, len(self.tokens)))
        return {i + 1 for i in starts if i < len(self.tokens) and self.tokens[i].key == node.text}

    def _many(self, item: Node, starts: set[int]) -> set[int]:
        ends = new = self.ends(item, starts)
        while new:
            behind = self._one(Sign(","), new)
            new = (behind | self.ends(item, behind)) - ends
            ends = ends | new
        return ends

    def _slot(self, slot: Slot, start: int) -> set[int]:
        stands_for = grammar().named.get(slot.name)
        if stands_for is not None and not slot.quoted:
            return self.ends(stands_for, {start})
        if slot.name == "statement":
            return self._balanced(start) | (self.statement(start) if self._open(start) else set())
        if slot.name in QUERIES:
            return self._query(slot, start)
        if start == len(self.tokens):
            self.found.append(Expected(slot, start))
            return set()
        read = _STRING if slot.quoted else _READERS.get(slot.name, _name)
        return set(read(self.tokens, start))

    def _query(self, slot: Slot, start: int) -> set[int]:
        """A query begins with one of a few words; a condition or expression with anything."""
        written = self.tokens[start : start + 1]
        if slot.name == "query" and any(token.key not in BEGIN_QUERY for token in written):
            return set()
        if self._open(start):
            self.found.append(Expected(slot, start))
        return self._balanced(start)

    def _open(self, start: int) -> bool:
        """Whether what begins at ``start`` may go on at the end: no bracket closes that it did not open."""
        depth = 0
        for token in self.tokens[start:]:
            depth += (token.key in CLOSING) - (token.key in CLOSING.values())
            if depth < 0:
                return False
        return True

    def _balanced(self, start: int) -> set[int]:
        """All places after ``start`` where no bracket is open."""
        ends, depth = set(), 0
        for index, token in enumerate(self.tokens[start:], start + 1):
            depth += (token.key in CLOSING) - (token.key in CLOSING.values())
            if depth < 0:
                break
            if depth == 0:
                ends.add(index)
        return ends


# Tokens of slots

Read = Callable[[Sequence[Token], int], Iterator[int]]
"""Places where what is filled in from a token on may end."""


def _string(tokens: Sequence[Token], start: int) -> Iterator[int]:
    if tokens[start].kind in STRINGS:
        yield start + 1


def _name(tokens: Sequence[Token], start: int) -> Iterator[int]:
    """Parts joined by dots."""
    index = start
    while index < len(tokens) and tokens[index].kind in NAMES:
        index += 1
        if index == len(tokens) or tokens[index].key != ".":
            yield index
            return
        index += 1


def _key(tokens: Sequence[Token], start: int) -> Iterator[int]:
    """A string, a quoted name, or words and what touches them."""
    if tokens[start].kind not in (*STRINGS, *NAMES):
        return
    index = start + 1
    while tokens[start].kind is Kind.WORD and index < len(tokens):
        if tokens[index].start != tokens[index - 1].end or tokens[index].key == "=":
            break
        index += 1
    yield index


def _value(tokens: Sequence[Token], start: int) -> Iterator[int]:
    """A literal; SET also takes words as they are."""
    index = start + (tokens[start].key == "-")
    if index < len(tokens) and tokens[index].kind is not Kind.SYMBOL:
        yield index + 1


def _type(tokens: Sequence[Token], start: int) -> Iterator[int]:
    """A word, for DOUBLE PRECISION two, with what stands in brackets after it."""
    if tokens[start].kind is not Kind.WORD:
        return
    index = start + 1
    if index < len(tokens) and tokens[index].key == "PRECISION":
        index += 1
    opened = 0
    while index < len(tokens) and (opened or tokens[index].key in ("(", "<")):
        opened += {"(": 1, "<": 1, ")": -1, ">": -1}.get(tokens[index].key, 0)
        index += 1
    if not opened:
        yield index


def _number(tokens: Sequence[Token], start: int) -> Iterator[int]:
    if tokens[start].kind is Kind.NUMBER:
        yield start + 1


_STRING: Read = _string
_READERS: dict[str, Read] = {"key": _key, "value": _value, "type": _type, "n": _number}
