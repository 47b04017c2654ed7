"""The word under the cursor, and what the grammar takes it for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlrec.assist.expect import Expected, expected
from sqlrec.assist.place import joins
from sqlrec.assist.statement import Sketch
from sqlrec.assist.world import World
from sqlrec.errors import Span
from sqlrec.sql.lexer import Kind, Token, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A word: one token without its quotes, or words with the dots and dashes that join them.

    ``sketch`` is the statement before it; ``own`` are all tokens of the statement.
    """

    word: str
    span: Span
    sketch: Sketch
    own: Sequence[Token]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a name."""
        return tuple(self.word.split("."))

    @property
    def roles(self) -> list[Expected]:
        """What the grammar expects where the word stands."""
        return expected(self.sketch.tokens)


def subject_at(text: str, offset: int, world: World) -> Subject | None:
    """The word at a place; None where there is none."""
    found = tokens(text)
    at = next((i for i, t in enumerate(found) if t.start <= offset <= t.end and _says(t)), None)
    if at is None:
        return None
    first = last = at
    while joins(found[at]) and first and _one(found[first - 1], found[first]):
        first -= 1
    while joins(found[at]) and last + 1 < len(found) and _one(found[last], found[last + 1]):
        last += 1
    begin = max((i + 1 for i, token in enumerate(found[:first]) if token.key == ";"), default=0)
    end = next((i for i, token in enumerate(found) if i > last and token.key == ";"), len(found))
    word = text[found[first].start : found[last].end] if joins(found[at]) else found[at].value
    return Subject(
        word=word,
        span=Span(found[first].start, found[last].end),
        sketch=Sketch(found[begin:first], world.scope(text[: found[begin].start])),
        own=found[begin:end],
    )


def _says(token: Token) -> bool:
    return token.kind not in (Kind.SYMBOL, Kind.NUMBER) or joins(token)


def _one(token: Token, after: Token) -> bool:
    """Whether two tokens are parts of one word."""
    return token.end == after.start and joins(token) and joins(after)
