"""Canonical text of statements about models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.render.words import clause, columns, keys, name, options, query, source, string, words
from sqlrec.sql.statements import (
    AlterModel,
    CreateModel,
    DataSource,
    DropAlias,
    DropCheckpoint,
    DropModel,
    EvaluateModel,
    ExportModel,
    RenameTo,
    ResetOptions,
    SetAlias,
    SetOptions,
    TrainModel,
)


def lines(
    statement: CreateModel | DropModel | AlterModel | TrainModel | ExportModel | EvaluateModel,
) -> Sequence[str]:
    """The clauses of the statement; empty ones are left out."""
    match statement:
        case CreateModel():
            return _create(statement)
        case DropModel():
            temporary = statement.temporary and "TEMPORARY"
            exists = statement.if_exists and "IF EXISTS"
            return (words("DROP", temporary, "MODEL", exists, name(statement.name)),)
        case AlterModel():
            exists = statement.if_exists and "IF EXISTS"
            return (words("ALTER MODEL", exists, name(statement.name)), _change(statement))
        case TrainModel():
            return (
                f"TRAIN MODEL {name(statement.name)}",
                clause("CHECKPOINT =", statement.checkpoint),
                *source("ON", statement.data),
                *source("VALIDATE ON", statement.validation),
                clause("FROM", statement.base),
                options("WITH", statement.options),
            )
        case ExportModel():
            return _measured("EXPORT", statement, statement.sample)
        case EvaluateModel():
            return _measured("EVALUATE", statement, statement.data)
        case _ as never:
            assert_never(never)


def _measured(verb: str, statement: ExportModel | EvaluateModel, data: DataSource | None) -> Sequence[str]:
    return (
        f"{verb} MODEL {name(statement.name)}",
        clause("CHECKPOINT =", statement.checkpoint),
        *source("ON", data),
        options("WITH", statement.options),
    )


def _create(statement: CreateModel) -> Sequence[str]:
    head = words(
        "CREATE",
        statement.replace and "OR REPLACE",
        statement.temporary and "TEMPORARY",
        "MODEL",
        statement.if_not_exists and "IF NOT EXISTS",
        name(statement.name),
        statement.columns is not None and columns("", statement.columns),
    )
    return (
        head,
        columns("INPUT", statement.inputs),
        columns("OUTPUT", statement.outputs),
        clause("COMMENT", statement.comment),
        options("WITH", statement.options),
        f"AS {query(statement.query)}" if statement.query else "",
    )


def _change(statement: AlterModel) -> str:
    change = statement.change
    match change:
        case RenameTo():
            return f"RENAME TO {name(change.name)}"
        case SetOptions():
            return options("SET", change.options)
        case ResetOptions():
            return keys("RESET", change.keys)
        case DropCheckpoint():
            return words("DROP", change.if_exists and "IF EXISTS", clause("CHECKPOINT =", change.checkpoint))
        case SetAlias():
            return f"{clause('SET ALIAS', change.alias)} = {string(change.checkpoint.value)}"
        case DropAlias():
            return words("DROP", change.if_exists and "IF EXISTS", clause("ALIAS", change.alias))
        case _ as never:
            assert_never(never)
