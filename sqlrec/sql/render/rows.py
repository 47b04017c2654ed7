"""Canonical text of queries, calls and what changes rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.render.words import name, names, query, string, where, words
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
            return (f"CACHE TABLE {name(statement.name)} AS", shown)
        case Select():
            return (query(statement.query),)
        case Insert():
            listed = names(statement.columns)
            head = words("INSERT", statement.mode, name(statement.table), listed != "" and listed)
            return (head, query(statement.query))
        case Truncate():
            return (f"TRUNCATE TABLE {name(statement.table)}",)
        case Delete():
            return (words("DELETE FROM", name(statement.table)), where(statement.where))
        case Update():
            set_ = [f"{name(item.column)} = {query(item.value)}" for item in statement.assignments]
            table = name(statement.table)
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
            return name(value)
        case Text():
            return string(value.value)
        case Variable():
            variable = string(value.name.value)
            if value.default is None:
                return f"GET({variable})"
            return f"GET_OR_DEFAULT({variable}, {string(value.default.value)})"
        case _ as never:
            assert_never(never)


def _like(like: LikeFunction | Ident) -> str:
    if isinstance(like, LikeFunction):
        return f"FUNCTION {string(like.function.value)}"
    return name(like)


def _chunks(chunks: Chunks) -> str:
    return f"PARTITION BY {name(chunks.table)} SIZE {chunks.size}"
