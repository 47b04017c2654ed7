"""Statements → canonical text: keywords in upper case, ``'key' = 'value'``, one clause a line.

The text is what SQLRec's and Flink's parsers read wherever they have the construct: names are back-quoted
where one of them would take them for keywords, and all option values are strings. Of a query only the calls
of models are printed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.render import functions, inspecting, models, rows, services, tables
from sqlrec.sql.render.words import HELD, indented, query, words
from sqlrec.sql.statements import (
    AlterModel,
    AlterService,
    Assert,
    CacheTable,
    Call,
    CreateApi,
    CreateDatabase,
    CreateFunction,
    CreateModel,
    CreateService,
    CreateTable,
    CreateView,
    Declare,
    DefineInput,
    Delete,
    Describe,
    DropApi,
    DropDatabase,
    DropFunction,
    DropModel,
    DropService,
    DropTable,
    DropView,
    EvaluateModel,
    Explain,
    ExportModel,
    Flush,
    If,
    Insert,
    ResetOption,
    Return,
    RollbackService,
    Select,
    SetOption,
    Show,
    ShowCreate,
    Statement,
    TrainModel,
    Truncate,
    Update,
    Use,
)

__all__ = ["render"]


def render(statement: Statement) -> str:
    """The statement's text, without ``;``.

    ``parse(render(s))`` gives ``s`` again, up to places, kinds of literals and spellings of model calls.
    """
    return _text(statement).replace(HELD, "\n")


def _text(statement: Statement) -> str:
    return "\n".join(line for line in _lines(statement) if line)


def _lines(statement: Statement) -> Sequence[str]:
    match statement:
        case CreateModel() | DropModel() | AlterModel() | TrainModel() | ExportModel() | EvaluateModel():
            return models.lines(statement)
        case CreateService() | AlterService() | RollbackService() | DropService():
            return services.lines(statement)
        case CreateTable() | DropTable() | CreateView() | DropView() | CreateDatabase() | DropDatabase():
            return tables.lines(statement)
        case CreateFunction() | DefineInput() | Return() | DropFunction() | CreateApi() | DropApi():
            return functions.lines(statement)
        case Call() | CacheTable() | Select() | Insert() | Truncate() | Delete() | Update():
            return rows.lines(statement)
        case Show() | Describe() | ShowCreate() | SetOption() | ResetOption() | Use() | Declare():
            return inspecting.lines(statement)
        case If() | Explain() | Assert() | Flush():
            return _control(statement)
        case _ as never:
            assert_never(never)


def _control(statement: If | Explain | Assert | Flush) -> Sequence[str]:
    match statement:
        case If():
            head = words("IF", statement.timein and "TIMEIN", f"({query(statement.condition)})")
            branches = [("THEN", statement.then), ("ELSE", statement.otherwise)]
            return (head, *(f"{word} (\n{indented(_text(inner))}\n)" for word, inner in branches if inner))
        case Explain():
            return (f"EXPLAIN {_text(statement.statement)}",)
        case Assert():
            return (f"ASSERT {query(statement.query)}",)
        case Flush():
            return ("FLUSH",)
        case _ as never:
            assert_never(never)
