"""Canonical text of statements about SQL functions and APIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.quoting import name_text
from sqlrec.sql.render.words import columns, words
from sqlrec.sql.statements import CreateApi, CreateFunction, DefineInput, DropApi, DropFunction, Return


def lines(
    statement: CreateFunction | DefineInput | Return | DropFunction | CreateApi | DropApi,
) -> Sequence[str]:
    """The one line of the statement; a column list makes it several."""
    match statement:
        case CreateFunction():
            replace = statement.replace and "OR REPLACE"
            line = words("CREATE", replace, "SQL FUNCTION", name_text(statement.name))
        case DefineInput():
            of = f"LIKE {name_text(statement.like)}" if statement.like else columns("", statement.columns)
            line = f"DEFINE INPUT TABLE {name_text(statement.name)} {of}"
        case Return():
            line = words("RETURN", statement.table is not None and name_text(statement.table))
        case DropFunction():
            line = words("DROP SQL FUNCTION", statement.if_exists and "IF EXISTS", name_text(statement.name))
        case CreateApi():
            replace = statement.replace and "OR REPLACE"
            function = name_text(statement.function)
            line = words("CREATE", replace, "API", name_text(statement.name), "WITH", function)
        case DropApi():
            line = words("DROP API", statement.if_exists and "IF EXISTS", name_text(statement.name))
        case _ as never:
            assert_never(never)
    return (line,)
