"""Canonical text of queries, calls and what changes rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.quoting import name_text, string_text
from sqlrec.sql.render.words import names, query, where, words
from sqlrec.sql.statements import (
    CacheTable,
    Call,
    CallBody,
    Chunks,
    Delete,
    Ident,
    Insert,
    LikeFunction,
    Select,
    Text,
    Truncate,
    Update,
    Variable,
)


def lines(
    statement: Call | CacheTable | Select | Insert | Truncate | Delete | Update,
) -> Sequence[str]:
    """The clauses of the statement; empty ones are left out."""
    match statement:
        case Call():
            return (f"CALL {_call(statement.body)}",)
        case CacheTable():
            cached = statement.source
            shown = f"CALL {_call(cached)}" if isinstance(cached, CallBody) else query(cached)
            return (f"CACHE TABLE {name_text(statement.name)} AS", shown)
        case Select():
            return (query(statement.query),)
        case Insert():
            listed = names(statement.columns)
            head = words("INSERT", statement.mode, name_text(statement.table), listed != "" and listed)
            return (head, query(statement.query))
        case Truncate():
            return (f"TRUNCATE TABLE {name_text(statement.table)}",)
        case Delete():
            return (words("DELETE FROM", name_text(statement.table)), where(statement.where))
        case Update():
            set_ = [f"{name_text(item.column)} = {query(item.value)}" for item in statement.assignments]
            table = name_text(statement.table)
            return (f"UPDATE {table}", f"SET {', '.join(set_)}", where(statement.where))
        case _ as never:
            assert_never(never)


def _call(body: CallBody) -> str:
    arguments = ", ".join(_argument(argument.value) for argument in body.arguments)
    return words(
        f"{_argument(body.function)}({arguments})",
        body.like is not None and f"LIKE {_like(body.like)}",
        body.chunks is not None and _chunks(body.chunks),
        body.is_async and "ASYNC",
    )


def _argument(value: Ident | Text | Variable) -> str:
    match value:
        case Ident():
            return name_text(value)
        case Text():
            return string_text(value.value)
        case Variable():
            name = string_text(value.name.value)
            if value.default is None:
                return f"GET({name})"
            return f"GET_OR_DEFAULT({name}, {string_text(value.default.value)})"
        case _ as never:
            assert_never(never)


def _like(like: LikeFunction | Ident) -> str:
    if isinstance(like, LikeFunction):
        return f"FUNCTION {string_text(like.function.value)}"
    return name_text(like)


def _chunks(chunks: Chunks) -> str:
    return f"PARTITION BY {name_text(chunks.table)} SIZE {chunks.size}"
