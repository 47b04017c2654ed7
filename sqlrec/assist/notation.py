"""The written grammar of the statements, as trees.

Each statement's grammar stands in :mod:`sqlrec.codes.statements` for people to read. Completion follows
the same text, so what is offered is what is documented. Its notation: words in upper case stand for
themselves; ``[…]`` may be left out; ``a | b`` is one or the other, in parentheses where needed; words in
lower case name what is filled in, in quotes when it is a string; ``x, …`` is a list; all other parentheses
and signs stand for themselves. A line that begins at the margin is a statement of its own, or
``name = …`` says what a word stands for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlrec.codes.statements import statement_entries


@dataclass(frozen=True, slots=True)
class Word:
    """A keyword. ``phrase`` is the word with those that always follow it."""

    text: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A character such as ``(`` or ``=``."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """What is filled in. ``quoted``: a string."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """May be left out."""

    item: Node


@dataclass(frozen=True, slots=True)
class Many:
    """A list separated by commas."""

    item: Node


Node = Word | Sign | Slot | Series | Choice | Maybe | Many

PAIR = Series((Slot("key"), Sign("="), Slot("value")))
"""An item of an option list, also where the notation names a key."""
QUERY = "SELECT"
"""The entry of queries; the rest of the grammar names them ``query``."""
IN_QUERIES = "ML functions in queries"
"""The group of entries that are no statements."""
REFUSED = "Read, but refused"
"""The group of statements that nobody should be led to."""
_PIECE = re.compile(r"\s+|(?P<word>[A-Z][A-Z_]*)\b|'(?P<quoted>[^']*)'|(?P<slot>[a-z]+)|(?P<sign>.)")


@dataclass(frozen=True, slots=True)
class Grammar:
    """All statements, and what some slots stand for."""

    statements: tuple[Node, ...]
    named: Mapping[str, Node]


@functools.cache
def grammar() -> Grammar:
    """The grammar of the language, as documented."""
    found: list[Node] = [Slot("query")]
    named: dict[str, Node] = {}
    for entry in statement_entries():
        if entry.name == QUERY or entry.group in (IN_QUERIES, REFUSED):
            continue
        for line in _lines(entry.grammar):
            name, equals, rest = line.partition(" = ")
            if equals and name.islower() and name.isalpha():
                named[name] = read(rest)
            else:
                found.append(read(line))
    calls = (node for node in found if isinstance(node, Series) and node.items[0] == Word("CALL", "CALL"))
    named["call"] = Series(next(calls).items[1:])
    return Grammar(tuple(node for node in found if node != Slot("statement")), named)


@functools.cache
def keywords() -> frozenset[str]:
    """All words of the grammar that stand for themselves."""
    texts = (entry.grammar for entry in statement_entries())
    return frozenset(match["word"] for text in texts for match in _PIECE.finditer(text) if match["word"])


def _lines(text: str) -> Iterator[str]:
    """The statements of an entry, each on one line; what follows ``;`` only says that more may come."""
    joined = re.sub(r"\n\s+", " ", text.strip())
    return (line.partition(";")[0] for line in joined.split("\n"))


def read(text: str) -> Node:
    """The tree of one line."""
    pieces: list[Node] = []
    for match in _PIECE.finditer(text):
        if match["word"]:
            pieces.append(Word(match["word"], match["word"]))
        elif match["quoted"] is not None:
            pieces.append(Slot(match["quoted"], quoted=True))
        elif match["slot"]:
            pieces.append(Slot(match["slot"]))
        elif match["sign"]:
            pieces.append(Sign(match["sign"]))
    return _choice(_nested(iter(pieces), ""))


@dataclass(frozen=True, slots=True)
class _Bracketed:
    opening: str
    items: tuple[Node | _Bracketed, ...]


def _nested(pieces: Iterator[Node], closing: str) -> list[Node | _Bracketed]:
    """Pieces up to ``closing``, those in brackets taken together."""
    found: list[Node | _Bracketed] = []
    for piece in pieces:
        if piece == Sign(closing):
            break
        opening = piece.text if isinstance(piece, Sign) and piece.text in "[(" else ""
        closes = {"[": "]", "(": ")"}.get(opening)
        found.append(_Bracketed(opening, tuple(_nested(pieces, closes))) if closes else piece)
    return found


def _choice(items: Iterable[Node | _Bracketed]) -> Node:
    options = [_series(part) for part in _split(items, "|")]
    return options[0] if len(options) == 1 else Choice(tuple(options))


def _series(items: Iterable[Node | _Bracketed]) -> Node:
    nodes = [_bracketed(item) if isinstance(item, _Bracketed) else item for item in items]
    for index in range(len(nodes) - 2, -1, -1):
        node, after = nodes[index], nodes[index + 1]
        if isinstance(node, Word) and isinstance(after, Word):
            nodes[index] = Word(node.text, f"{node.text} {after.phrase}")
        elif isinstance(node, Word) and after == Sign("="):
            nodes[index] = Word(node.text, f"{node.text} =")
    return nodes[0] if len(nodes) == 1 else Series(tuple(nodes))


def _bracketed(group: _Bracketed) -> Node:
    if group.opening == "[":
        return Maybe(_choice(group.items))
    parts = list(_split(group.items, ","))
    if len(parts) == 1 and Sign("|") in group.items:
        return _choice(group.items)
    inner: list[Node] = []
    if parts[-1] == [Sign("…")]:
        items = tuple(PAIR if Sign("=") in part else _choice(part) for part in parts[:-1])
        inner.append(Many(items[0] if len(set(items)) == 1 else Choice(items)))
    else:
        for part in parts:
            inner += (*([Sign(",")] if inner else []), _choice(part))
    return Series((Sign("("), *inner, Sign(")")))


def _split(items: Iterable[Node | _Bracketed], sign: str) -> Iterator[list[Node | _Bracketed]]:
    part: list[Node | _Bracketed] = []
    for item in items:
        if item == Sign(sign):
            yield part
            part = []
        else:
            part.append(item)
    yield part
