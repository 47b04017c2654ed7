"""Which grammar function reads a statement, by its first words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlrec.sql.cursor import Cursor, SyntaxProblem, closest, problem
from sqlrec.sql.grammar import (
    call,
    control,
    definitions,
    function,
    inspecting,
    model,
    rows,
    service,
    session,
    table,
    training,
)
from sqlrec.sql.grammar.clauses import QUERY_WORDS
from sqlrec.sql.grammar.forms import with_form
from sqlrec.sql.lexer import Kind
from sqlrec.sql.statements import Statement

LATER: dict[str, tuple[str, ...]] = {
    "CANCEL": ("JOB",),
    "MERGE": ("INTO",),
    "PAUSE": ("SCHEDULE",),
    "RESUME": ("SCHEDULE",),
    "WAIT": ("FOR",),
}
"""Words that begin a statement of a later version, with the words after them."""
LATER_TARGETS = ("CATALOG", "CONNECTION", "FUNCTION", "SCHEDULE")
ALTER_TARGETS = ("MODEL", "SERVICE")
CREATE_TARGETS = ("MODEL", "SERVICE", "TABLE", "VIEW", "DATABASE", "SQL FUNCTION", "API")
REPLACED = ("MODEL", "SERVICE", "SQL FUNCTION", "API")
"""What OR REPLACE goes with."""
TEMPORARY = ("MODEL", "TABLE", "VIEW")
"""What TEMPORARY goes with."""


def statement(cursor: Cursor) -> Statement:
    """The statement of a cursor that stands at its first token. Raises ``SyntaxProblem``.

    A problem without help gets the form of the statement.
    """
    before = len(cursor.found)
    try:
        return _statement(cursor)
    except SyntaxProblem as error:
        raise SyntaxProblem(with_form(error.diagnostic, cursor.tokens)) from None
    finally:
        cursor.found[before:] = [with_form(found, cursor.tokens) for found in cursor.found[before:]]


def _statement(cursor: Cursor) -> Statement:
    first = cursor.peek()
    if first.key == "(" or first.key in QUERY_WORDS:
        return rows.select(cursor)
    if first.key in STATEMENTS:
        cursor.next()
        return STATEMENTS[first.key](cursor)
    if first.key in LATER and cursor.peek(1).key in LATER[first.key]:
        second = cursor.peek(1)
        message = f"{first.key} {second.key} is not supported yet"
        raise problem("SR190", message, first.span.to(second.span), "leave the statement out")
    raise _unknown(cursor)


def _unknown(cursor: Cursor) -> SyntaxProblem:
    first = cursor.peek()
    if first.kind is not Kind.WORD:
        return cursor.unexpected("a statement", hint="begin it with a word, such as SELECT or CREATE")
    close = closest(first.value, (*STATEMENTS, *LATER, *QUERY_WORDS))
    known = ", ".join(sorted((*STATEMENTS, "SELECT")))
    hint = f"Did you mean {close}?" if close else f"statements begin with {known}"
    return problem("SR111", f"unknown statement '{first.value}'", first.span, hint)


def _create(cursor: Cursor) -> Statement:
    """CREATE [OR REPLACE] [TEMPORARY] target."""
    replace = cursor.at("OR")
    if replace and not cursor.accept("OR", "REPLACE"):
        cursor.next()
        raise cursor.unexpected("REPLACE after OR", hint="write CREATE OR REPLACE, or CREATE alone")
    temporary = cursor.accept("TEMPORARY") or cursor.accept("TEMP")
    target = _target(cursor, "CREATE", CREATE_TARGETS)
    flags = [("OR REPLACE", replace, REPLACED), ("TEMPORARY", temporary, TEMPORARY)]
    _check_flags(cursor, "CREATE", target, flags)
    match target:
        case "MODEL":
            return model.create_model(cursor, replace=replace, temporary=temporary)
        case "SERVICE":
            return service.create_service(cursor, replace=replace)
        case "TABLE":
            return table.create_table(cursor, temporary=temporary)
        case "VIEW":
            return definitions.create_view(cursor, temporary=temporary)
        case "DATABASE":
            return definitions.create_database(cursor)
        case "API":
            return function.create_api(cursor, replace=replace)
        case _:
            return function.create_function(cursor, replace=replace)


def _drop(cursor: Cursor) -> Statement:
    """DROP [TEMPORARY] target."""
    temporary = cursor.accept("TEMPORARY") or cursor.accept("TEMP")
    target = _target(cursor, "DROP", CREATE_TARGETS)
    _check_flags(cursor, "DROP", target, [("TEMPORARY", temporary, TEMPORARY)])
    match target:
        case "MODEL":
            return model.drop_model(cursor, temporary=temporary)
        case "SERVICE":
            return service.drop_service(cursor)
        case "TABLE":
            return definitions.drop_table(cursor, temporary=temporary)
        case "VIEW":
            return definitions.drop_view(cursor, temporary=temporary)
        case "DATABASE":
            return definitions.drop_database(cursor)
        case "API":
            return function.drop_api(cursor)
        case _:
            return function.drop_function(cursor)


def _alter(cursor: Cursor) -> Statement:
    """ALTER MODEL | SERVICE."""
    if _target(cursor, "ALTER", ALTER_TARGETS) == "MODEL":
        return model.alter_model(cursor)
    return service.alter_service(cursor)


def _target(cursor: Cursor, verb: str, targets: tuple[str, ...]) -> str:
    """Read what CREATE, DROP or ALTER is about."""
    for target in targets:
        if cursor.accept(*target.split()):
            return target
    word = cursor.peek()
    if word.key in (*CREATE_TARGETS, *LATER_TARGETS):
        hint = f"SQL functions: {verb} SQL FUNCTION" if word.key == "FUNCTION" else "leave the statement out"
        raise problem("SR190", f"{verb} {word.key} is not supported yet", word.span, hint)
    if cursor.accept("SQL"):
        raise cursor.unexpected(f"FUNCTION after {verb} SQL", hint=f"write {verb} SQL FUNCTION name")
    if word.kind is not Kind.WORD:
        raise cursor.unexpected(f"{', '.join(targets)} after {verb}", hint=f"write {verb} {targets[0]} name")
    last = {target.split()[-1]: target for target in (*LATER_TARGETS, *targets)}
    close = last.get(closest(word.value, last), "")
    hint = f"Did you mean {verb} {close}?" if close else f"{verb} takes {', '.join(targets)}"
    raise problem("SR111", f"unknown {verb} target '{word.value}'", word.span, hint)


def _check_flags(
    cursor: Cursor, verb: str, target: str, flags: Iterable[tuple[str, bool, tuple[str, ...]]]
) -> None:
    for words, given, targets in flags:
        if given and target not in targets:
            span = cursor.tokens[0].span.to(cursor.previous.span)
            message = f"{verb} {words} {target} is not part of the dialect"
            cursor.report("SR107", message, span, f"{words} goes with {', '.join(targets)}")


def _if(cursor: Cursor) -> Statement:
    return control.if_(cursor, statement)


def _explain(cursor: Cursor) -> Statement:
    return control.explain(cursor, statement)


STATEMENTS: dict[str, Callable[[Cursor], Statement]] = {
    "ALTER": _alter,
    "ASSERT": control.assert_,
    "CACHE": rows.cache,
    "CALL": call.call,
    "CREATE": _create,
    "DECLARE": session.declare,
    "DEFINE": function.define_input,
    "DELETE": rows.delete,
    "DESC": inspecting.describe,
    "DESCRIBE": inspecting.describe,
    "DROP": _drop,
    "EVALUATE": training.evaluate,
    "EXPLAIN": _explain,
    "EXPORT": training.export,
    "FLUSH": control.flush,
    "IF": _if,
    "INSERT": rows.insert,
    "RESET": session.reset_option,
    "RETURN": function.return_,
    "ROLLBACK": service.rollback_service,
    "SET": session.set_option,
    "SHOW": inspecting.show,
    "TRAIN": training.train,
    "TRUNCATE": rows.truncate,
    "UPDATE": rows.update,
    "USE": session.use,
}
"""The grammar function of each first word; it reads on after that word."""
