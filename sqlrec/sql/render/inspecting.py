"""Canonical text of what shows things and of statements about the session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.render.words import clause, name, quoted, string, type_text, value_text, words
from sqlrec.sql.statements import (
    Declare,
    Describe,
    Namespace,
    ObjectKind,
    ResetOption,
    SetOption,
    Show,
    ShowCreate,
    Use,
)


def lines(
    statement: Show | Describe | ShowCreate | SetOption | ResetOption | Use | Declare,
) -> Sequence[str]:
    """The one line of the statement."""
    match statement:
        case Show():
            line = _show(statement)
        case Describe():
            line = _describe(statement)
        case ShowCreate():
            line = f"SHOW CREATE {statement.kind} {name(statement.name)}"
        case SetOption():
            line = f"SET {string(statement.key.value)} = {quoted(statement.value)}"
        case ResetOption():
            line = words("RESET", statement.key is not None and string(statement.key.value))
        case Use():
            catalog = statement.kind is Namespace.CATALOG
            line = words("USE", catalog and "CATALOG", name(statement.name))
        case Declare():
            given = statement.default is not None and f"DEFAULT {value_text(statement.default)}"
            line = words("DECLARE", name(statement.name), type_text(statement.type), given)
        case _ as never:
            assert_never(never)
    return (line,)


def _show(statement: Show) -> str:
    if statement.kind is ObjectKind.SETTING:
        return "SET"
    from_ = statement.kind is not ObjectKind.CHECKPOINT and "FROM"
    of = words(from_, name(statement.of)) if statement.of else False
    like = statement.like is not None and clause("LIKE", statement.like)
    return words(f"SHOW {statement.kind}S", of, statement.negated and "NOT", like)


def _describe(statement: Describe) -> str:
    table = statement.kind is ObjectKind.TABLE
    return words(
        "DESCRIBE",
        statement.formatted and ("EXTENDED" if table else "FORMATTED"),
        not table and statement.kind,
        name(statement.name),
        statement.checkpoint is not None and clause("CHECKPOINT =", statement.checkpoint),
    )
