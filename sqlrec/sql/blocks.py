"""What is done at once when statements are done one by one: a statement, or the whole block of a function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlrec.sql.lexer import Split, Token, tokens
from sqlrec.sql.statements import CreateFunction, Return, Statement

REPLACING = ("OR", "REPLACE")


def blocks(statements: Iterable[Statement]) -> list[tuple[Statement, ...]]:
    """The statements, those from CREATE SQL FUNCTION to RETURN taken together."""
    found: list[tuple[Statement, ...]] = []
    block: list[Statement] = []
    for statement in statements:
        if block or isinstance(statement, CreateFunction):
            block.append(statement)
            if isinstance(statement, Return):
                found.append(tuple(block))
                block = []
        else:
            found.append((statement,))
    return [*found, tuple(block)] if block else found


def is_complete(text: str) -> bool:
    """Whether nothing is left open: the last statement ends, quotes and functions are closed."""
    split = Split(text).read()
    last = tokens(text)[-1:]
    if split.problems or not all(token.key == ";" for token in last):
        return False
    opened = False
    for statement in split.statements:
        opened = not _has(statement, "RETURN") if opened else _has(statement, "CREATE", "SQL", "FUNCTION")
    return not opened


def _has(statement: Sequence[Token], *keys: str) -> bool:
    """Whether a statement begins with these words."""
    own = [token.key for token in statement if token.key not in REPLACING]
    return own[: len(keys)] == list(keys)
