"""Declarations of a script: DECLARE and CREATE TABLE. They hold wherever in the script they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import assert_never

from sqlrec.errors import Diagnostic
from sqlrec.plan.plan import Param
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.tables import check_table, table_source
from sqlrec.plan.templates import is_templated
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Kind
from sqlrec.sql.statements import CacheTable, CreateTable, CreateView, Declare, Ident, If, Statement

Declaring = CreateTable | Declare

PARAM_TYPES: dict[Kind, Callable[[OptionValue], bool]] = {
    Kind.STRING: lambda value: isinstance(value, str),
    Kind.INT: lambda value: _is_int(value, 32),
    Kind.BIGINT: lambda value: _is_int(value, 64),
    Kind.DOUBLE: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.DATE: lambda value: isinstance(value, str) and _is_date(value),
}
EXAMPLES = {
    Kind.STRING: "'text'",
    Kind.INT: "5",
    Kind.BIGINT: "5",
    Kind.DOUBLE: "0.5",
    Kind.BOOLEAN: "TRUE",
    Kind.DATE: "'2026-01-31'",
}


def _is_int(value: OptionValue, bits: int) -> bool:
    return type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _is_date(text: str) -> bool:
    try:
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def declare(statements: Iterable[Declaring], scope: ScriptScope) -> list[Diagnostic]:
    """Put parameters and tables into ``scope``; returns what is wrong with them."""
    found: list[Diagnostic] = []
    for statement in statements:
        match statement:
            case Declare():
                found += _check_param(statement, scope)
                scope.params.setdefault(statement.name.text, _param(statement))
            case CreateTable():
                found += _check_new_table(statement, scope)
                scope.tables.setdefault(statement.name.text.casefold(), table_source(statement))
            case _:
                assert_never(statement)
    return found


def announce(statements: Iterable[Statement], scope: ScriptScope) -> None:
    """Note the lines of tables that are cached, so that reading one before its line can be told."""
    for statement in statements:
        for cached in cached_tables(statement):
            scope.upcoming.setdefault(cached.text.casefold(), scope.line(cached.span.start))


def cached_tables(statement: Statement) -> Iterator[Ident]:
    """Tables that a statement caches, itself or in a branch."""
    match statement:
        case CacheTable(name=name) | CreateView(name=name):
            yield name
        case If(then=then, otherwise=otherwise):
            yield from cached_tables(then)
            if otherwise is not None:
                yield from cached_tables(otherwise)
        case _:
            pass


def _param(statement: Declare) -> Param:
    default = statement.default
    if statement.type.kind is Kind.DOUBLE and type(default) is int:
        default = float(default)
    return Param(name=statement.name.text, type=str(statement.type), default=default)


def _check_param(statement: Declare, scope: ScriptScope) -> Iterator[Diagnostic]:
    name, kind = statement.name, statement.type.kind
    if name.text in scope.params:
        yield Diagnostic(
            code="SR212",
            message=f"parameter {name.text!r} is declared twice",
            span=name.span,
            hint="rename or remove one of them",
        )
    if not re.fullmatch(r"[A-Za-z_]\w*", name.text, re.ASCII):
        yield Diagnostic(
            code="SR211",
            message=f"{name.text!r} cannot name a parameter",
            span=name.span,
            hint="use letters, digits and _",
        )
    if kind not in PARAM_TYPES:
        yield Diagnostic(
            code="SR216",
            message=f"a parameter cannot be {statement.type}",
            span=statement.type_span,
            hint=f"types of parameters: {', '.join(PARAM_TYPES)}",
        )
    elif statement.default is not None:
        yield from _check_default(statement, statement.default)


def _check_default(statement: Declare, default: OptionValue) -> Iterator[Diagnostic]:
    span = statement.default_span or statement.span
    if is_templated(default):
        yield Diagnostic(
            code="SR310",
            message="a default is a fixed value; templates are not rendered in it",
            span=span,
            hint=f"use {default} where the parameter is used",
        )
    elif not PARAM_TYPES[statement.type.kind](default):
        yield Diagnostic(
            code="SR216",
            message=f"the default of {statement.name.text!r} is no {statement.type}",
            span=span,
            hint=f"write it like {EXAMPLES[statement.type.kind]}",
        )


def _check_new_table(statement: CreateTable, scope: ScriptScope) -> Iterator[Diagnostic]:
    yield from check_table(statement)
    if statement.name.text.casefold() in scope.tables and not statement.if_not_exists:
        yield Diagnostic(
            code="SR212",
            message=f"table {statement.name.text!r} is created twice",
            span=statement.name.span,
            hint="rename one of them, or write CREATE TABLE IF NOT EXISTS",
        )
