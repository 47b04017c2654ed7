"""Canonical text of statements about SQL functions and APIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.render.words import columns, name, options, words
from sqlrec.sql.statements import CreateApi, CreateFunction, DefineInput, DropApi, DropFunction, Return


def lines(
    statement: CreateFunction | DefineInput | Return | DropFunction | CreateApi | DropApi,
) -> Sequence[str]:
    """The statement, and the options of an API; a column list makes several lines of it."""
    match statement:
        case CreateFunction():
            replace = statement.replace and "OR REPLACE"
            line = words("CREATE", replace, "SQL FUNCTION", name(statement.name))
        case DefineInput():
            of = f"LIKE {name(statement.like)}" if statement.like else columns("", statement.columns)
            line = f"DEFINE INPUT TABLE {name(statement.name)} {of}"
        case Return():
            line = words("RETURN", statement.table is not None and name(statement.table))
        case DropFunction():
            line = words("DROP SQL FUNCTION", statement.if_exists and "IF EXISTS", name(statement.name))
        case CreateApi():
            replace = statement.replace and "OR REPLACE"
            function = name(statement.function)
            line = words("CREATE", replace, "API", name(statement.name), "WITH", function)
            return (line, options("WITH", statement.options))
        case DropApi():
            line = words("DROP API", statement.if_exists and "IF EXISTS", name(statement.name))
        case _ as never:
            assert_never(never)
    return (line,)
