"""CREATE SERVICE and DROP SERVICE."""

from __future__ import annotations

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.grammar import parts
from sqlrec.sql.grammar.clauses import clauses
from sqlrec.sql.grammar.model import if_absent, if_present
from sqlrec.sql.grammar.options import options
from sqlrec.sql.statements import CreateService, DropService, OptionItem, Text

ORDER = ("CHECKPOINT", "WITH")


def create_service(cursor: Cursor, *, replace: bool) -> CreateService:
    """CREATE [OR REPLACE] SERVICE, after the word SERVICE."""
    if_not_exists = if_absent(cursor, replace=replace)
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
    if_exists = if_present(cursor)
    name = parts.name(cursor, "the service name", parts=2)
    parts.end(cursor)
    return DropService(span=cursor.span, name=name, if_exists=if_exists)
