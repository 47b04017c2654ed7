"""The form of a statement as help: what stands in the reference, on one line."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from sqlrec.errors import Diagnostic
from sqlrec.sql.cursor import helped
from sqlrec.sql.lexer import Token

MODIFIERS = frozenset({"OR", "REPLACE", "TEMPORARY", "TEMP", "EXTERNAL", "IF", "NOT", "EXISTS"})
"""Words that may stand before the name in CREATE, ALTER and DROP."""


FUNCTIONS = ("ML_PREDICT", "ML_EVALUATE", "VECTOR_SEARCH")
"""Functions whose calls have a form of their own."""


def with_form(diagnostic: Diagnostic, tokens: Sequence[Token]) -> Diagnostic:
    """The diagnostic of a statement; without help it gets the form of the statement or call it is in."""
    shown = "" if diagnostic.hint else _form(tokens, diagnostic.span.start)
    return helped(diagnostic, f"the form is {shown}") if shown else diagnostic


def _form(tokens: Sequence[Token], place: int) -> str:
    """The form of the call before ``place``, or that of the statement; empty when it is none."""
    forms = _forms()
    called = [token.key for token in tokens if token.key in FUNCTIONS and token.start < place]
    head = [called[-1]] if called else head_words(tokens)
    head[0] = {"DESC": "DESCRIBE", "WITH": "SELECT", "VALUES": "SELECT", "(": "SELECT"}.get(head[0], head[0])
    fitting = [key for key in forms if list(key) == head[: len(key)]]
    alike = fitting or [key for key in forms if key[0] == head[0]]
    return forms[max(alike, key=len)] if fitting or len(alike) == 1 else ""


def head_words(tokens: Sequence[Token]) -> list[str]:
    """The first words of a statement without its modifiers."""
    first, *more = (token.key for token in tokens[:10])
    return [first, *(key for key in more if key not in MODIFIERS)]


@functools.cache
def _forms() -> dict[tuple[str, ...], str]:
    """Forms by their first words. A grammar may give several, a line each that is not indented."""
    from sqlrec.codes.statements import statement_entries  # takes 40 ms; only bad scripts need it

    found: dict[tuple[str, ...], str] = {}
    for entry in statement_entries():
        lines = re.split(r"\n(?! )", re.split(r"\n(?=\w+ = )", entry.grammar)[0])
        for index, line in enumerate(lines):
            text = " ".join(line.split()).rstrip(";")
            words = re.match(r"[A-Z_]+(?: [A-Z]+\b)*", re.sub(r" ?\[[^]]*\]", "", text))
            if index == 0 or words:
                found.setdefault(tuple((words[0] if words and index else entry.name).split()), text)
    return found
