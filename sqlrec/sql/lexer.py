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


_TOKEN = re.compile(
    r"""
      (?P<gap>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<WORD>[^\W\d]\w*)
    | (?P<STRING>'[^']*+(?:''[^']*+)*+')
    | (?P<QUOTED>`[^`]*+(?:``[^`]*+)*+`)
    | (?P<DOUBLE>"[^"]*+(?:""[^"]*+)*+")
    | (?P<NUMBER>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<open>['`"]|/\*)
    | (?P<SYMBOL>.)
    """,
    re.VERBOSE | re.DOTALL,
)
TEMPLATE = re.compile(r"\{[{%#]")
"""What begins a template in a string."""
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
    gaps = (match for match in _TOKEN.finditer(text) if match.lastgroup == "gap")
    return [Span(match.start(), match.end()) for match in gaps if not match[0][0].isspace()]


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
            if match.lastgroup == "open":
                return self._unterminated(match.start(), match[0])
            _append(statement, match)
            if match.lastgroup == "SYMBOL" and match[0] == ";":
                self._close(statement[:-1])
                statement = []
            elif match[0][0] in "'\"`" and runs_over(self.text, statement[-1]):
                self._suspects.setdefault(match[0][0], statement[-1])
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
    group = match.lastgroup
    if group == "gap":
        return
    source, start, end = match[0], match.start(), match.end()
    kind = Kind[str(group)] if group != "open" else Kind.SYMBOL
    if kind is Kind.STRING and found and found[-1].kind is Kind.STRING:
        last = found[-1]
        if "\n" in match.string[last.end : start]:
            found[-1] = last._replace(value=last.value + _unquoted(source), end=end)
            return
    value = _unquoted(source) if kind in (Kind.STRING, Kind.QUOTED, Kind.DOUBLE) else source
    key = source.upper() if kind is Kind.WORD else source if kind is Kind.SYMBOL else ""
    found.append(Token(kind, value, key, start, end))


def _unquoted(source: str) -> str:
    quote = source[0]
    return source[1:-1].replace(quote * 2, quote)
