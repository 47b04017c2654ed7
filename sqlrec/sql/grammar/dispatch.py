"""Which grammar function reads a statement, by its first words."""

from __future__ import annotations

from collections.abc import Callable

from sqlrec.sql.cursor import Cursor, SyntaxProblem, closest, problem
from sqlrec.sql.grammar import model, service, session, table, training
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import Statement

LATER: dict[str, tuple[str, ...]] = {
    "ALTER": ("MODEL", "SERVICE", "TABLE", "SCHEDULE"),
    "ASSERT": (),
    "CANCEL": ("JOB",),
    "DEFINE": ("INPUT",),
    "DELETE": (),
    "DESC": ("MODEL", "SERVICE", "API", "TABLE"),
    "DESCRIBE": ("MODEL", "SERVICE", "API", "TABLE"),
    "EVALUATE": ("MODEL",),
    "EXPLAIN": (),
    "FLUSH": (),
    "IF": ("TIMEIN",),
    "MERGE": (),
    "PAUSE": ("SCHEDULE",),
    "RESET": (),
    "RESUME": ("SCHEDULE",),
    "RETURN": (),
    "ROLLBACK": ("SERVICE",),
    "SHOW": ("MODELS", "SERVICES", "APIS", "CHECKPOINTS", "TABLES", "DATABASES", "JOBS", "CREATE"),
    "TRUNCATE": (),
    "UPDATE": (),
    "USE": (),
    "WAIT": ("FOR",),
}
"""Words that begin a statement of the language which is not supported yet, with the words after them."""

LATER_TARGETS = ("API", "CATALOG", "CONNECTION", "DATABASE", "FUNCTION", "SCHEDULE", "SQL", "VIEW")
CREATE_TARGETS = ("MODEL", "SERVICE", "TABLE")
DROP_TARGETS = ("MODEL", "SERVICE")


def statement(cursor: Cursor) -> Statement:
    """The statement of a cursor that stands at its first token. Raises ``SyntaxProblem``."""
    first = cursor.peek()
    if first.key in ("(", "SELECT", "WITH", "VALUES"):
        return table.select(cursor)
    if first.key in STATEMENTS:
        cursor.next()
        return STATEMENTS[first.key](cursor)
    if first.key in LATER:
        second = cursor.peek(1)
        shown = f"{first.key} {second.key}" if second.key in LATER[first.key] else first.key
        span = first.span.to(second.span) if shown != first.key else first.span
        raise problem("SR190", f"{shown} is not supported yet", span)
    raise _unknown(cursor)


def _unknown(cursor: Cursor) -> SyntaxProblem:
    first = cursor.peek()
    if first.kind is not Kind.WORD:
        return cursor.unexpected("a statement")
    close = closest(first.value, (*STATEMENTS, *LATER, "SELECT", "WITH", "VALUES"))
    hint = (
        f"Did you mean {close}?"
        if close
        else f"statements begin with {', '.join(sorted(STATEMENTS))}, SELECT"
    )
    return problem("SR111", f"unknown statement '{first.value}'", first.span, hint)


def _create(cursor: Cursor) -> Statement:
    """CREATE [OR REPLACE] [TEMPORARY] target."""
    replace = cursor.at("OR")
    if replace:
        cursor.expect("OR", "REPLACE")
    temporary = cursor.accept("TEMPORARY") or cursor.accept("TEMP")
    target = cursor.peek()
    flags = [w for w, given in (("OR REPLACE", replace), ("TEMPORARY", temporary)) if given]
    if cursor.accept("MODEL"):
        return model.create_model(cursor, replace=replace, temporary=temporary)
    if target.key == "SERVICE" and not temporary:
        cursor.next()
        return service.create_service(cursor, replace=replace)
    if target.key == "TABLE" and not flags:
        cursor.next()
        return table.create_table(cursor)
    if target.key in (*CREATE_TARGETS, *LATER_TARGETS):
        raise problem(
            "SR190", f"{' '.join(('CREATE', *flags, target.key))} is not supported yet", target.span
        )
    raise _unknown_target(cursor, "CREATE", CREATE_TARGETS)


def _drop(cursor: Cursor) -> Statement:
    """DROP [TEMPORARY] target."""
    temporary = cursor.accept("TEMPORARY") or cursor.accept("TEMP")
    target = cursor.peek()
    if cursor.accept("MODEL"):
        return model.drop_model(cursor, temporary=temporary)
    if target.key == "SERVICE" and not temporary:
        cursor.next()
        return service.drop_service(cursor)
    if target.key in (*CREATE_TARGETS, *LATER_TARGETS):
        shown = f"DROP TEMPORARY {target.key}" if temporary else f"DROP {target.key}"
        raise problem("SR190", f"{shown} is not supported yet", target.span)
    raise _unknown_target(cursor, "DROP", DROP_TARGETS)


def _unknown_target(cursor: Cursor, verb: str, targets: tuple[str, ...]) -> SyntaxProblem:
    target = cursor.peek()
    if target.kind is not Kind.WORD:
        return cursor.unexpected(f"{', '.join(targets)} after {verb}")
    close = closest(target.value, (*targets, *LATER_TARGETS))
    hint = f"Did you mean {verb} {close}?" if close else f"{verb} takes {', '.join(targets)}"
    return problem("SR111", f"unknown {verb} target '{target.value}'", target.span, hint)


STATEMENTS: dict[str, Callable[[Cursor], Statement]] = {
    "CACHE": table.cache,
    "CALL": table.call,
    "CREATE": _create,
    "DECLARE": session.declare,
    "DROP": _drop,
    "EXPORT": training.export,
    "INSERT": table.insert,
    "SET": session.set_option,
    "TRAIN": training.train,
}
"""The grammar function of each first word; it reads on after that word."""
