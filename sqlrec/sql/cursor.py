"""A place in the tokens of one statement, and how its problems are told.

Codes of this package: SR101 unexpected token, SR102 unterminated quote, SR103 clause order, SR104 name,
SR105 type, SR106 value, SR107 clauses that exclude each other, SR108 duplicate column, SR109 query,
SR110 template or parameter outside a string, SR111 unknown statement, SR112 another system's spelling,
SR113 nesting, SR114 branches of IF, SR115 clauses of CALL, SR116 empty list in ALTER, SR117 statement that
cannot stand inside another, SR190 not supported yet, SR305 duplicate option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from sqlrec.errors import Diagnostic, Severity, Span
from sqlrec.sql.lexer import Kind, Token
from sqlrec.sql.statements import QueryText

CLOSING = {"(": ")", "[": "]", "{": "}"}
CLOSED = frozenset(CLOSING.values())
MAX_DEPTH = 16
"""How deep statements may be nested in statements (IF, EXPLAIN)."""


class SyntaxProblem(Exception):
    """A statement that cannot be read; it carries its one diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def problem(code: str, message: str, span: Span, hint: str = "") -> SyntaxProblem:
    """A problem at a place."""
    return SyntaxProblem(Diagnostic(code=code, message=message, span=span, hint=hint))


def helped(found: Diagnostic, hint: str) -> Diagnostic:
    """The diagnostic with this help when it has none."""
    return found if found.hint else replace(found, hint=hint)


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that ``word`` probably misspells, or an empty string, also when it is one of them."""
    close = get_close_matches(word.upper(), list(known), n=1, cutoff=0.75)
    return close[0] if close and close[0] != word.upper() else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean X?``, or an empty string."""
    close = closest(word, known)
    return f"Did you mean {close}?" if close else ""


class Cursor:
    """Walks over the tokens of one statement. ``found`` holds the problems that do not stop reading.

    ``depth`` tells how many statements it stands in.
    """

    def __init__(self, text: str, tokens: Sequence[Token], *, depth: int = 0) -> None:
        end = tokens[-1].end
        self.text = text
        self.tokens = tokens
        self.depth = depth
        self.found: list[Diagnostic] = []
        self.index = 0
        self._count = len(tokens)
        self._end = Token(Kind.END, "", "", end, end + 1)

    @property
    def span(self) -> Span:
        """The whole statement."""
        return self.tokens[0].span.to(self.tokens[-1].span)

    def peek(self, ahead: int = 0) -> Token:
        """The token that follows, or the end; ``ahead`` skips that many."""
        index = self.index + ahead
        return self.tokens[index] if index < self._count else self._end

    @property
    def previous(self) -> Token:
        """The token read last; there must be one."""
        return self.tokens[self.index - 1]

    def next(self) -> Token:
        """Read one token."""
        if self.index == self._count:
            return self._end
        self.index += 1
        return self.tokens[self.index - 1]

    def done(self) -> bool:
        """Whether nothing follows."""
        return self.index == self._count

    def at(self, *keys: str) -> bool:
        """Whether these words or symbols follow."""
        index = self.index
        for key in keys:
            if index >= self._count or self.tokens[index].key != key:
                return False
            index += 1
        return True

    def accept(self, *keys: str) -> bool:
        """Read these words or symbols if they follow."""
        found = self.at(*keys)
        if found:
            self.index += len(keys)
        return found

    def expect(self, *keys: str, context: str = "") -> Token:
        """Read these words or symbols; ``context`` completes "expected X …". The last token read."""
        for key in keys:
            if not self.accept(key):
                shown = key if key.isalpha() else repr(key)
                hint = did_you_mean(self.peek().value, [key]) if self.peek().kind is Kind.WORD else ""
                raise self.unexpected(f"{shown}{context and ' '}{context}", hint=hint)
        return self.previous

    def unexpected(self, expected: str, *, code: str = "SR101", hint: str = "") -> SyntaxProblem:
        """The problem "expected …, found …" at the token that follows."""
        token = self.peek()
        message = f"expected {expected}, found {self.show(token)}"
        return problem(code, message, token.span, hint)

    def show(self, token: Token) -> str:
        """A token in the words of a message."""
        if token.kind is Kind.END:
            return "the end of the statement"
        source = self.text[token.start : token.end]
        if len(source) > 40:
            source = f"{source[:37]}..."
        return f"the string {source}" if token.kind is Kind.STRING else f"'{source}'"

    def report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Note a problem and go on."""
        self.found.append(Diagnostic(code=code, message=message, span=span, hint=hint))

    def warn(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Note what is allowed but looks wrong."""
        self.found.append(
            Diagnostic(code=code, message=message, span=span, hint=hint, severity=Severity.WARNING)
        )

    def adjoins(self, ahead: int = 0) -> bool:
        """Whether the token that follows touches the one before it."""
        index = self.index + ahead
        return 0 < index < len(self.tokens) and self.tokens[index].start == self.tokens[index - 1].end

    def take(self, what: str, stop: Callable[[Cursor], bool]) -> QueryText:
        """The text up to where ``stop`` holds outside all brackets, or to the end.

        Brackets must match; an empty text is a problem ("expected ``what``").
        """
        inside = self._skip(what, stop)
        span = inside[0].span.to(inside[-1].span)
        return QueryText(self.text[span.start : span.end], span)

    def block(self, what: str, *, context: str) -> Cursor:
        """A cursor over what stands in the parentheses that follow; this one goes on behind them."""
        self.expect("(", context=context)
        inside = self._skip(what, lambda cursor: cursor.at(")"))
        self.expect(")", context=f"after {what}")
        return self._nested(inside)

    def rest(self, what: str) -> Cursor:
        """A cursor over all that follows."""
        return self._nested(self._skip(what, lambda cursor: False))

    def _nested(self, tokens: Sequence[Token]) -> Cursor:
        """A cursor one level deeper, which reports where this one does."""
        if self.depth == MAX_DEPTH:
            raise problem(
                "SR113",
                f"statements are nested at most {MAX_DEPTH} deep",
                tokens[0].span,
                "write the inner one as a statement of its own",
            )
        inner = Cursor(self.text, tokens, depth=self.depth + 1)
        inner.found = self.found
        return inner

    def _skip(self, what: str, stop: Callable[[Cursor], bool]) -> Sequence[Token]:
        start = self.index
        opened: list[Token] = []
        while not self.done() and (opened or not stop(self)):
            token = self.next()
            if token.key in CLOSING:
                opened.append(token)
            elif token.key in CLOSED and not (opened and CLOSING[opened.pop().key] == token.key):
                raise problem("SR101", f"unmatched '{token.key}'", token.span, "remove it, or open it before")
        if opened:
            hint = f"add the closing '{CLOSING[opened[-1].key]}'"
            raise problem("SR101", f"this '{opened[-1].key}' is never closed", opened[-1].span, hint)
        if self.index == start:
            raise self.unexpected(what)
        return self.tokens[start : self.index]
