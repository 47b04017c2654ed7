"""Canonical text of statements about services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.render.words import block, clause, keys, name, options, words
from sqlrec.sql.statements import (
    AlterService,
    CreateService,
    DropService,
    Promote,
    ResetOptions,
    RollbackService,
    ServeCheckpoint,
    ServiceModel,
    SetOptions,
)


def lines(statement: CreateService | AlterService | RollbackService | DropService) -> Sequence[str]:
    """The clauses of the statement; empty ones are left out."""
    shown = name(statement.name)
    match statement:
        case CreateService():
            absent = statement.if_not_exists and "IF NOT EXISTS"
            return (
                words("CREATE", statement.replace and "OR REPLACE", "SERVICE", absent, shown),
                *_models(statement),
                options("WITH", statement.options),
            )
        case AlterService():
            return (words("ALTER SERVICE", statement.if_exists and "IF EXISTS", shown), *_change(statement))
        case RollbackService():
            return (f"ROLLBACK SERVICE {shown}", clause("TO CHECKPOINT =", statement.checkpoint))
        case DropService():
            return (words("DROP SERVICE", statement.if_exists and "IF EXISTS", shown),)
        case _ as never:
            assert_never(never)


def _models(statement: CreateService) -> Sequence[str]:
    if not statement.others:
        return (f"ON MODEL {name(statement.model)}", clause("CHECKPOINT =", statement.checkpoint))
    return (f"ON MODELS {block(map(_member, statement.models))}",)


def _member(model: ServiceModel) -> str:
    checkpoint = clause("CHECKPOINT =", model.checkpoint)
    return f"{name(model.name)} {checkpoint}".rstrip()


def _change(statement: AlterService) -> Sequence[str]:
    change = statement.change
    match change:
        case ServeCheckpoint():
            return (clause("SET CHECKPOINT =", change.checkpoint), options("WITH", change.options))
        case SetOptions():
            return (options("SET", change.options),)
        case ResetOptions():
            return (keys("RESET", change.keys),)
        case Promote():
            return ("PROMOTE",)
        case _ as never:
            assert_never(never)
