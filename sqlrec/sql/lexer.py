"""Characters → tokens, grouped into statements.

One expression decides what is a string, a name or a comment, for splitting at ``;`` as well as for the
grammar, so the two never disagree. sqlglot's own tokenizer is not used on scripts: it gives an
unterminated quote no position, swallows what follows a word such as CALL as one raw string, joins
``PARTITION BY`` into one token and takes ``{#`` for a comment. Queries reach it only after they are
lowered (see ``queries``), with nothing left in them that it could read otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from sqlrec.errors import Diagnostic, Span


class Kind(Enum):
    """What a token is. A ``DOUBLE`` is a string where only a string can stand, otherwise a name."""

    WORD = auto()
    QUOTED = auto()
    DOUBLE = auto()
    STRING = auto()
    NUMBER = auto()
    SYMBOL = auto()
    END = auto()


class Token(NamedTuple):
    """A piece ``[start, end)`` of the text.

    ``value`` is the text without quotes; ``key`` is what grammar rules compare: the word in upper case,
    the symbol, or nothing.
    """

    kind: Kind
    value: str
    key: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.start, self.end)


_COMMENT = r"--[^\n]*|/\*.*?\*/"
_TOKEN = re.compile(
    rf"""
      (?P<gap>(?:\s+|{_COMMENT})*+)
    (?: (?P<WORD>[^\W\d]\w*)
      | (?P<STRING>'[^']*+(?:''[^']*+)*+')
      | (?P<QUOTED>`[^`]*+(?:``[^`]*+)*+`)
      | (?P<DOUBLE>"[^"]*+(?:""[^"]*+)*+")
      | (?P<NUMBER>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<open>['`"]|/\*)
      | (?P<SYMBOL>.)
      | (?P<END>\Z)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENTS = re.compile(_COMMENT, re.DOTALL)
TEMPLATE = re.compile(r"\{[{%#]")
"""What begins a template in a string."""
_QUOTES = {"STRING": Kind.STRING, "QUOTED": Kind.QUOTED, "DOUBLE": Kind.DOUBLE}
_STATEMENT_END = re.compile(r";[ \t\r]*\n")
_NAMES = {"'": "string", '"': "double-quoted name or string", "`": "back-quoted name", "/*": "comment"}


def tokens(text: str) -> list[Token]:
    """Tokens of a text, comments left out. An unterminated quote is a symbol."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        _append(found, match)
    return found


def comments(text: str) -> list[Span]:
    """Places of the comments of a text; the line break that ends one is no part of it."""
    gaps = [match.span("gap") for match in _TOKEN.finditer(text)]
    found = (match for start, end in gaps for match in _COMMENTS.finditer(text, start, end))
    return [Span(match.start(), match.end()) for match in found]


def runs_over(text: str, token: Token) -> bool:
    """Whether a string seems to have lost its closing quote.

    It swallowed the end of a statement, and the quote that ends it looks like one that begins a string.
    """
    if token.kind not in (Kind.STRING, Kind.DOUBLE, Kind.QUOTED):
        return False
    after = text[token.end : token.end + 1]
    closes = not after or after.isspace() or after in ",;)."
    return not closes and bool(_STATEMENT_END.search(text, token.start, token.end))


@dataclass(slots=True)
class Split:
    """The statements of a script, each as its tokens, and the quotes that are never closed."""

    text: str
    statements: list[list[Token]] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    _suspects: dict[str, Token] = field(default_factory=dict)
    _blamed: set[str] = field(default_factory=set)

    def read(self) -> Split:
        """Split the text at ``;``. Each character is looked at a bounded number of times."""
        position = 1 if self.text.startswith("\ufeff") else 0
        while position < len(self.text):
            position = self._run(position)
        return self

    def _run(self, position: int) -> int:
        """Read on from ``position`` up to the end of the text or the next unterminated quote."""
        statement: list[Token] = []
        for match in _TOKEN.finditer(self.text, position):
            group = str(match.lastgroup)
            if group == "open":
                return self._unterminated(match.start("open"), match["open"])
            if group == "SYMBOL" and match["SYMBOL"] == ";":
                self._close(statement)
                statement = []
                continue
            _append(statement, match)
            if group in _QUOTES and runs_over(self.text, statement[-1]):
                self._suspects.setdefault(match[group][0], statement[-1])
        self._close(statement)
        return len(self.text)

    def _close(self, statement: list[Token]) -> None:
        if statement:
            self.statements.append(statement)

    def _unterminated(self, start: int, opening: str) -> int:
        """Report the quote at ``start`` and return where to read on: after the next ``;``.

        When a quote is missing, all later strings of the script are read inside out, and the one left
        open at its end is innocent. The first string that swallowed the end of a statement is blamed
        instead, once for each kind of quote, so that the time stays linear.
        """
        suspect = self._suspects.get(opening)
        if suspect is not None and opening not in self._blamed:
            self._blamed.add(opening)
            start = suspect.start
            while self.statements and self.statements[-1][-1].end > start:
                self.statements.pop()
        self._suspects.clear()
        self.problems.append(
            Diagnostic(
                code="SR102",
                message=f"this {_NAMES[opening]} is never closed",
                span=Span(start, start + len(opening)),
                hint=f"add the closing {'*/' if opening == '/*' else opening}",
            )
        )
        following = -1 if opening == "/*" else self.text.find(";", start)
        return len(self.text) if following < 0 else following + 1


def _append(found: list[Token], match: re.Match[str]) -> None:
    group = str(match.lastgroup)
    start, end = match.span(group)
    source = match[group]
    if group == "WORD":
        found.append(Token(Kind.WORD, source, source.upper(), start, end))
    elif group in _QUOTES:
        _append_quoted(found, _QUOTES[group], source, start, match.string)
    elif group == "NUMBER":
        found.append(Token(Kind.NUMBER, source, "", start, end))
    elif source:
        found.append(Token(Kind.SYMBOL, source, source, start, end))


def _append_quoted(found: list[Token], kind: Kind, source: str, start: int, text: str) -> None:
    """Append a string or name. Strings that stand below one another are one."""
    value = source[1:-1].replace(source[0] * 2, source[0])
    end = start + len(source)
    if kind is Kind.STRING and found and found[-1].kind is Kind.STRING:
        last = found[-1]
        if "\n" in text[last.end : start]:
            found[-1] = last._replace(value=last.value + value, end=end)
            return
    found.append(Token(kind, value, "", start, end))
