"""SET, RESET, USE and CREATE DATABASE: they act on the statements after them and are no steps.

Options of the DAG (``dag.…``) are the exception: the last value of each holds for the whole script. A key
outside our namespaces is a variable, which GET and GET_OR_DEFAULT read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from sqlrec.errors import Diagnostic, Severity, suggest
from sqlrec.plan.options import check_option
from sqlrec.plan.resolve_inspect import database_name
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.script_options import (
    SCHEDULES,
    SCRIPT_OPTIONS,
    is_option,
    is_script_wide,
    setting_problem,
)
from sqlrec.plan.templates import is_templated, secret_reference
from sqlrec.spec.names import DEFAULT_DATABASE, is_name
from sqlrec.spec.options import Scope, canonical_key
from sqlrec.spec.sensitive import is_sensitive_key, looks_secret
from sqlrec.sql.statements import CreateDatabase, Ident, Namespace, OptionItem, ResetOption, SetOption, Use

Session = SetOption | ResetOption | Use | CreateDatabase
"""Statements that change what holds after them."""


def act(statement: Session, scope: ScriptScope) -> list[Diagnostic]:
    """Put a statement into force; returns what is wrong with it."""
    match statement:
        case SetOption():
            return list(_set(statement, scope))
        case ResetOption():
            return list(_reset(statement, scope))
        case Use():
            return list(_use(statement, scope))
        case CreateDatabase():
            return list(_create_database(statement, scope))
        case _:
            assert_never(statement)


def script_settings(scope: ScriptScope) -> dict[str, str | int | float | bool]:
    """The settings that hold for the script as a whole."""
    return {key: value for key, value in scope.settings.items() if is_script_wide(key)}


def _set(statement: SetOption, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Keep a setting unless it is wrong."""
    key = canonical_key(statement.key.value)
    wrong = list(_check_setting(statement))
    yield from wrong
    if key in scope.settings and is_script_wide(key):
        yield Diagnostic(
            code="SR311",
            message=f"option {statement.key.value!r} is set twice; the last value holds",
            hint="keep one of them",
            span=statement.key.span,
            severity=Severity.WARNING,
        )
    if not any(found.severity is Severity.ERROR for found in wrong):
        scope.settings[key] = statement.value


def _check_setting(statement: SetOption) -> Iterator[Diagnostic]:
    key, text = canonical_key(statement.key.value), str(statement.value)
    found: list[Diagnostic] = []
    if is_option(key):
        item = OptionItem(statement.key, statement.value, statement.value_span)
        found = list(check_option(item, SCRIPT_OPTIONS, Scope.SCRIPT))
    else:
        yield from _looks_like_an_option(statement)
        found = list(_holds_a_secret(statement))
    yield from found
    if is_templated(text) or secret_reference(text):
        yield Diagnostic(
            code="SR310",
            message="a setting is read when the script is compiled; templates are not rendered in it",
            hint="write the value itself",
            span=statement.value_span,
        )
    elif not found and (wrong := setting_problem(key, statement.value)):
        yield Diagnostic(
            code="SR303",
            message=f"option {statement.key.value!r}: {wrong}",
            span=statement.value_span,
            hint=(suggest(text, SCHEDULES) or "write it like '@daily' or '0 4 * * *'")
            if key == "dag.schedule"
            else "write it like '2026-01-31'",
        )


def _holds_a_secret(statement: SetOption) -> Iterator[Diagnostic]:
    """A plan keeps the text of its script, so a secret in it would lie in the plan's file."""
    text = str(statement.value)
    named = is_sensitive_key(statement.key.value) and text
    if (named or looks_secret(text)) and not is_templated(text) and not secret_reference(text):
        yield Diagnostic(
            code="SR306",
            message=f"variable {statement.key.value!r} is a secret and may not stand in a script",
            span=statement.value_span,
            hint="name it where it is used: '{{ secret.NAME }}' as the value of the option",
        )


def _looks_like_an_option(statement: SetOption) -> Iterator[Diagnostic]:
    close = suggest(statement.key.value, [option.key for option in SCRIPT_OPTIONS.options])
    if close:
        yield Diagnostic(
            code="SR312",
            message=f"{statement.key.value!r} is no option; it becomes a variable for GET",
            span=statement.key.span,
            hint=close,
            severity=Severity.WARNING,
        )


def _reset(statement: ResetOption, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Without a key all settings and variables go; with one, the option has its default again."""
    if statement.key is None:
        scope.settings.clear()
        return
    key = canonical_key(statement.key.value)
    if scope.settings.pop(key, None) is not None:
        return
    known = [*scope.settings, *(option.key for option in SCRIPT_OPTIONS.options)]
    if is_option(key) and SCRIPT_OPTIONS.find(key) is None:
        hint = suggest(statement.key.value, known) or f"options: {', '.join(known)}"
        yield Diagnostic(
            code="SR301",
            message=f"unknown option {statement.key.value!r}",
            span=statement.key.span,
            hint=hint,
        )
    elif not is_option(key):
        yield Diagnostic(
            code="SR314",
            message=f"{statement.key.value!r} is not set here",
            span=statement.key.span,
            hint=suggest(statement.key.value, scope.settings) or "leave it out, or SET it before",
            severity=Severity.WARNING,
        )


def _use(statement: Use, scope: ScriptScope) -> Iterator[Diagnostic]:
    """The current catalog, with its default database; or the current database."""
    name = statement.name
    unusable = list(_nameable(name, statement.kind.value.lower()))
    if unusable:
        yield from unusable
        return
    known = scope.databases()
    if statement.kind is Namespace.CATALOG:
        scope.namespace[:] = [name.parts[-1], DEFAULT_DATABASE]
    else:
        scope.namespace[:] = [*scope.namespace[: 2 - len(name.parts)], *name.parts]
    yield from _holds_no_model(statement, known, scope)


def _nameable(name: Ident, what: str) -> Iterator[Diagnostic]:
    for part in name.parts:
        if not is_name(part):
            yield Diagnostic(
                code="SR211",
                message=f"{part!r} cannot name a {what}",
                span=name.span,
                hint="use letters, digits, _ and -",
            )


def _create_database(statement: CreateDatabase, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A database is where models are; it has nothing of its own to keep."""
    yield from _nameable(statement.name, "database")
    if statement.options:
        yield Diagnostic(
            code="SR213",
            message="a database has no options",
            span=statement.options[0].key.span,
            hint="leave WITH (…) out",
        )
    scope.made_databases.append(database_name(statement.name, scope))


def _holds_no_model(statement: Use, known: tuple[str, ...], scope: ScriptScope) -> Iterator[Diagnostic]:
    """A name that nothing uses yet is no mistake, unless it is nearly one that is used."""
    if statement.kind is Namespace.CATALOG:
        used = list(dict.fromkeys(database.split(".")[0] for database in known))
        chosen = scope.namespace[0]
    else:
        used, chosen = list(known), ".".join(scope.namespace)
    close = suggest(chosen, used)
    if close and chosen.casefold() not in map(str.casefold, used):
        yield Diagnostic(
            code="SR224",
            message=f"{statement.kind.value.lower()} {chosen!r} holds no model yet",
            span=statement.name.span,
            hint=close,
            severity=Severity.WARNING,
        )
