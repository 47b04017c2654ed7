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
    ServiceModel,
    SetOptions,
    Text,
)

ORDER = ("CHECKPOINT", "WITH")
WHERE = "write ON MODELS (a CHECKPOINT = '…', b CHECKPOINT = '…')"
CHANGES = ("SET", "RESET", "PROMOTE")


def create_service(cursor: Cursor, *, replace: bool) -> CreateService:
    """CREATE [OR REPLACE] SERVICE, after the word SERVICE."""
    if_not_exists = parts.if_absent(cursor, replace=replace)
    name = parts.name(cursor, "the service name", parts=2)
    several = cursor.at("ON", "MODELS")
    first, *others = _models(cursor) if several else (_model(cursor),)
    model, checkpoint = first.name, first.checkpoint
    with_: tuple[OptionItem, ...] = ()
    for clause in clauses(cursor, ORDER[1:] if several else ORDER):
        if clause == "CHECKPOINT":
            checkpoint = parts.checkpoint_name(cursor)
        else:
            with_ = options(cursor)
    return CreateService(
        span=cursor.span,
        name=name,
        model=model,
        checkpoint=checkpoint,
        others=tuple(others),
        options=with_,
        replace=replace,
        if_not_exists=if_not_exists,
    )


def _model(cursor: Cursor) -> ServiceModel:
    """``ON MODEL name``; CHECKPOINT is a clause of the statement."""
    cursor.expect("ON", "MODEL", context="after the service name")
    return ServiceModel(parts.name(cursor, "the model name", parts=3))


def _models(cursor: Cursor) -> tuple[ServiceModel, ...]:
    """``ON MODELS (name [CHECKPOINT = 'name'], …)``, at least two."""
    cursor.expect("ON", "MODELS")
    opening = cursor.expect("(", context="after ON MODELS")
    found = [_member(cursor)]
    while cursor.accept(","):
        found.append(_member(cursor))
    if not cursor.accept(")"):
        raise cursor.unexpected("CHECKPOINT, ',' or ')' after the model", hint=WHERE)
    if len(found) == 1:
        span = opening.span.to(cursor.previous.span)
        hint = f"write ON MODEL {found[0].name.text}, or name another model"
        cursor.report("SR247", "ON MODELS names a single model", span, hint)
    return tuple(found)


def _member(cursor: Cursor) -> ServiceModel:
    name = parts.name(cursor, "the model name", parts=3)
    return ServiceModel(name, parts.checkpoint_name(cursor) if cursor.accept("CHECKPOINT") else None)


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
