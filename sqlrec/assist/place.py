"""Where the cursor stands: in which statement, behind which tokens, with how much of a word written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlrec.sql.lexer import Kind, Token, comments, tokens

QUOTES = ("'", '"', "`")
JOINS = (".", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a script.

    ``tokens`` are those of the statement before the word at work, ``begin`` is where the statement begins.
    ``prefix`` is what is written of the word, from ``start`` on: in a string (``quote``) all of it so far,
    else words with the dots and dashes between them, of which ``word`` is the last.
    """

    tokens: Sequence[Token]
    begin: int
    start: int
    prefix: str
    quote: str = ""

    @property
    def word(self) -> str:
        """The last word of the prefix; all of it in a string."""
        return self.prefix if self.quote else self.prefix[max(map(self.prefix.rfind, JOINS)) + 1 :]


def place_at(text: str, offset: int) -> Place | None:
    """The place ``offset`` characters from the beginning; None inside a comment."""
    head = text[:offset]
    found = tokens(head)
    last = max((place for place in comments(head)), key=lambda place: place.end, default=None)
    if last is not None and last.end == offset and head.startswith("--", last.start):
        return None
    opening = (*QUOTES, "/*")
    opened = next((i for i, t in enumerate(found) if t.kind is Kind.SYMBOL and t.key in opening), None)
    if opened is None:
        run = _run(found, offset)
        start = run[0].start if run else offset
        return _place(found[: len(found) - len(run)], start, head[start:], "")
    token = found[opened]
    if token.key == "/*":
        return None
    return _place(found[:opened], token.end, head[token.end :], token.key)


def _place(found: Sequence[Token], start: int, prefix: str, quote: str) -> Place:
    ends = [index for index, token in enumerate(found) if token.key == ";"]
    own = found[ends[-1] + 1 :] if ends else found
    begin = own[0].start if own else start - len(quote)
    return Place(tokens=own, begin=begin, start=start, prefix=prefix, quote=quote)


def _run(found: Sequence[Token], offset: int) -> Sequence[Token]:
    """The tokens that touch each other up to ``offset``: words, numbers, dots and dashes."""
    first = len(found)
    while first and found[first - 1].end == offset and joins(found[first - 1]):
        first -= 1
        offset = found[first].start
    return found[first:]


def joins(token: Token) -> bool:
    """Whether a token may be part of a longer word."""
    return token.kind in (Kind.WORD, Kind.NUMBER) or token.key in JOINS
