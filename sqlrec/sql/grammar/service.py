"""CREATE SERVICE, ALTER SERVICE, ROLLBACK SERVICE and DROP SERVICE."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.clauses import clauses
from sqlrec.sql.grammar.options import keys, new_options, options
from sqlrec.sql.statements import (
    AlterService,
    CreateService,
    DropService,
    OptionItem,
    Promote,
    ResetOptions,
    RollbackService,
    ServeCheckpoint,
    SetOptions,
    Text,
)

ORDER = ("CHECKPOINT", "WITH")
CHANGES = ("SET", "RESET", "PROMOTE")


def create_service(cursor: Cursor, *, replace: bool) -> CreateService:
    """CREATE [OR REPLACE] SERVICE, after the word SERVICE."""
    if_not_exists = parts.if_absent(cursor, replace=replace)
    name = parts.name(cursor, "the service name", parts=2)
    cursor.expect("ON", "MODEL", context="after the service name")
    model = parts.name(cursor, "the model name", parts=3)
    checkpoint: Text | None = None
    with_: tuple[OptionItem, ...] = ()
    for clause in clauses(cursor, ORDER):
        if clause == "CHECKPOINT":
            checkpoint = parts.checkpoint_name(cursor)
        else:
            with_ = options(cursor)
    return CreateService(
        span=cursor.span,
        name=name,
        model=model,
        checkpoint=checkpoint,
        options=with_,
        replace=replace,
        if_not_exists=if_not_exists,
    )


def drop_service(cursor: Cursor) -> DropService:
    """DROP SERVICE, after the word SERVICE."""
    if_exists = parts.if_present(cursor)
    name = parts.name(cursor, "the service name", parts=2)
    parts.end(cursor)
    return DropService(span=cursor.span, name=name, if_exists=if_exists)


def alter_service(cursor: Cursor) -> AlterService:
    """ALTER SERVICE, after the word SERVICE."""
    if_exists = parts.if_present(cursor, *CHANGES)
    name = parts.name(cursor, "the service name", parts=2)
    change = _change(cursor)
    parts.end(cursor)
    return AlterService(span=cursor.span, name=name, change=change, if_exists=if_exists)


def _change(cursor: Cursor) -> ServeCheckpoint | SetOptions | ResetOptions | Promote:
    if cursor.accept("SET"):
        if not cursor.accept("CHECKPOINT"):
            return SetOptions(new_options(cursor, "ALTER SERVICE"))
        checkpoint = parts.checkpoint_name(cursor)
        return ServeCheckpoint(checkpoint, options(cursor) if cursor.accept("WITH") else ())
    if cursor.accept("RESET"):
        return ResetOptions(keys(cursor, "ALTER SERVICE"))
    if cursor.accept("PROMOTE"):
        return Promote()
    raise parts.unknown(cursor, ("SET CHECKPOINT", "SET", "RESET", "PROMOTE"), "after the service name")


def rollback_service(cursor: Cursor) -> RollbackService:
    """ROLLBACK SERVICE, after the word ROLLBACK."""
    cursor.expect("SERVICE", context="after ROLLBACK")
    name = parts.name(cursor, "the service name", parts=2)
    checkpoint: Text | None = None
    if cursor.accept("TO"):
        cursor.expect("CHECKPOINT", context="after TO")
        checkpoint = parts.checkpoint_name(cursor)
    parts.end(cursor)
    return RollbackService(span=cursor.span, name=name, checkpoint=checkpoint)
