"""What can be wrong with CREATE API."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.plan.functions_calls import find_block
from sqlrec.plan.options import check_options, stored_options
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope, place
from sqlrec.plan.templates import is_templated
from sqlrec.spec.names import is_name
from sqlrec.spec.options import Scope
from sqlrec.sql.statements import CreateApi


def check_api(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """It has a name of its own, its function is defined in the script, and its server knows its options."""
    if not isinstance(statement, CreateApi):
        return
    if not is_name(statement.name.text):
        yield Diagnostic(
            code="SR211",
            message=f"{statement.name.text!r} cannot name an API",
            span=statement.name.span,
            hint="use letters, digits, _ and -",
        )
    yield from _check_function(statement, scope)
    yield from _check_new(statement, scope)
    yield from check_options(statement.options, API_OPTIONS, Scope.API, statement.name.span)


def _check_function(statement: CreateApi, scope: ScriptScope) -> Iterator[Diagnostic]:
    name = statement.function.text
    if find_block(name, scope) is not None or scope.is_unread(name):
        return
    known = scope.function_names()
    listed = f"functions: {', '.join(known)}" if known else "there is no function yet"
    hint = suggest(name, known) or listed
    if scope.function(name) is not None:
        hint = f"it is registered, but a script holds what its API runs: SHOW CREATE SQL FUNCTION {name}"
    elif name.casefold() in scope.functions:
        hint = "the script drops it before this line"
    yield Diagnostic(
        code="SR240", message=f"function not exists: {name}", span=statement.function.span, hint=hint
    )


def _check_new(statement: CreateApi, scope: ScriptScope) -> Iterator[Diagnostic]:
    """One that is registered for the same function with the same options is asked for, as in a second run."""
    name = statement.name.text
    known = scope.api(name)
    line = scope.lines.get(f"api {name.casefold()}", 0)
    if statement.replace or known is None:
        return
    runs = known.function.casefold() == statement.function.text.casefold()
    as_known = _is_late(statement) or known.options == stored_options(statement.options)
    if runs and as_known and not line:
        return
    where = f"{place(line)} creates it" if line else f"it runs function {known.function}"
    where += " with other options" if runs and not line else ""
    yield Diagnostic(
        code="SR201",
        message=f"api {name!r} exists already",
        span=statement.name.span,
        hint=f"{where}; write CREATE OR REPLACE API to change it",
    )


def _is_late(statement: CreateApi) -> bool:
    """Whether a run decides some of its options."""
    return any(is_templated(value) for value in stored_options(statement.options).values())
