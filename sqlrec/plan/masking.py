"""Asterisks in place of secrets: a finding shows the line it is about, and a script may hold a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.templates import is_templated, secret_reference
from sqlrec.spec.sensitive import MASK, is_sensitive_key, looks_secret
from sqlrec.sql.lexer import Kind, Token, tokens

SHORT = 4
"""Characters of a secret from which on it is taken out of any text, not only where it is quoted."""
TEXTS = (Kind.STRING, Kind.DOUBLE, Kind.QUOTED)


def masked_findings(found: Sequence[Diagnostic], text: str) -> tuple[tuple[Diagnostic, ...], str]:
    """Findings and the text they are about, both without secrets; places stay as they are.

    Secret is what a finding says to be one (SR306), what stands under a key such as ``api_key``, and what
    has the shape of a key.
    """
    spans = [d.span for d in found if d.code == "SR306"]
    spans += list(_secrets(text))
    hidden = _without(text, spans)
    values = {text[span.start : span.end].strip("'\"` ") for span in spans}
    return tuple(_unspoken(d, [v for v in values if v]) for d in found), hidden


def _without(text: str, spans: Iterable[Span]) -> str:
    pieces, end = [], 0
    for span in sorted(spans, key=lambda s: s.start):
        if span.end > end:
            start = max(span.start, end)
            pieces += [text[end:start], "".join("\n" if c == "\n" else "*" for c in text[start : span.end])]
            end = span.end
    return "".join([*pieces, text[end:]])


def _unspoken(diagnostic: Diagnostic, values: Sequence[str]) -> Diagnostic:
    message, hint = diagnostic.message, diagnostic.hint
    for value in values:
        shown = value if len(value) >= SHORT else f"'{value}'"
        hidden = MASK if len(value) >= SHORT else f"'{MASK}'"
        message, hint = message.replace(shown, hidden), hint.replace(shown, hidden)
    return replace(diagnostic, message=message, hint=hint)


def _secrets(text: str) -> Iterator[Span]:
    """Places of values that are secrets, references to secrets left out."""
    found = tokens(text)
    for index, token in enumerate(found):
        if token.kind in TEXTS and _is_plain(token.value) and looks_secret(token.value):
            yield token.span
        elif index and token.key == "=" and is_sensitive_key(_key(found, index - 1)):
            yield from _value(text, found[index + 1 : index + 2])
        elif index and token.kind in TEXTS and _is_key(found[index - 1]):  # the '=' is missing
            yield from _value(text, [token])


def _is_key(token: Token) -> bool:
    return token.kind in TEXTS and is_sensitive_key(token.value)


def _is_plain(value: str) -> bool:
    return not secret_reference(value) and not is_templated(value)


def _key(found: Sequence[Token], index: int) -> str:
    """The key that ends with a token: a quoted one, or words joined by '.' and '-'."""
    if found[index].kind in TEXTS:
        return found[index].value
    start = index
    while start and found[start - 1].end == found[start].start and found[start - 1].kind is not Kind.STRING:
        start -= 1
    return "".join(token.value for token in found[start : index + 1]).lstrip("(,")


def _value(text: str, following: Sequence[Token]) -> Iterator[Span]:
    """The place of a value: a string, or what stands there up to the next comma or the end of the line."""
    for token in following:
        if token.kind in TEXTS:
            if _is_plain(token.value):
                yield token.span
        elif token.key not in (",", ")", ";", "{"):
            ends = (text.find(mark, token.start) for mark in (",", ")", ";", "\n"))
            yield Span(token.start, min((end for end in ends if end >= 0), default=len(text)))
