"""What can be wrong with a function as such: its name, its inputs, the statements it holds, its RETURN."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.declare import cached_tables
from sqlrec.plan.functions import FunctionBlock
from sqlrec.plan.scope import ScriptScope, place
from sqlrec.plan.script_options import is_script_wide
from sqlrec.spec.function import FunctionSpec
from sqlrec.spec.names import is_name
from sqlrec.spec.options import canonical_key
from sqlrec.sql.statements import (
    Assert,
    CacheTable,
    Call,
    Flush,
    If,
    Insert,
    ResetOption,
    Select,
    SetOption,
    Statement,
)

Held = CacheTable | Call | Select | Insert | If | Assert | SetOption | ResetOption | Flush
"""Statements that a function may hold."""


def check_block(block: FunctionBlock, spec: FunctionSpec, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Everything but what depends on where the function is called."""
    if not is_name(block.name):
        yield Diagnostic(
            code="SR211",
            message=f"{block.name!r} cannot name a function",
            span=block.create.name.span,
            hint="use letters, digits, _ and -",
        )
    yield from _check_new(block, spec, scope)
    yield from _check_inputs(block)
    for statement in block.body:
        yield from _check_held(statement, scope)
    yield from _check_return(block, scope)


def _check_new(block: FunctionBlock, spec: FunctionSpec, scope: ScriptScope) -> Iterator[Diagnostic]:
    known = scope.function(block.name)
    line = scope.lines.get(f"function {block.name.casefold()}", 0)
    if block.create.replace or known is None or (known == spec and not line):
        return
    where = f"{place(line)} creates it" if line else "it is registered with another definition"
    yield Diagnostic(
        code="SR201",
        message=f"sql function {block.name!r} exists already",
        span=block.create.name.span,
        hint=f"{where}; write CREATE OR REPLACE SQL FUNCTION to change it",
    )


def _check_inputs(block: FunctionBlock) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for table in block.inputs:
        key = table.name.text.casefold()
        if key in seen:
            yield Diagnostic(
                code="SR212",
                message=f"input table {table.name.text!r} is defined twice",
                span=table.name.span,
                hint="rename or remove one of them",
            )
        seen.add(key)


def _check_held(statement: Statement, scope: ScriptScope) -> Iterator[Diagnostic]:
    if not isinstance(statement, Held):
        words = scope.text[statement.span.start : statement.span.end].split()[:2]
        yield Diagnostic(
            code="SR244",
            message=f"{' '.join(words).upper()} cannot stand in a function",
            span=statement.span,
            hint="a function holds CACHE TABLE, CALL, IF, ASSERT, SELECT, INSERT and SET",
        )
    elif isinstance(statement, SetOption) and is_script_wide(canonical_key(statement.key.value)):
        yield Diagnostic(
            code="SR244",
            message=f"option {statement.key.value!r} is the script's and cannot be set in a function",
            span=statement.key.span,
            hint="SET it before the function",
        )


def _check_return(block: FunctionBlock, scope: ScriptScope) -> Iterator[Diagnostic]:
    table = block.returns.table if block.returns else None
    if table is None:
        return
    cached = [name.text for name in chain.from_iterable(map(cached_tables, block.body))]
    known = [*(i.name.text for i in block.inputs), *cached]
    key = table.text.casefold()
    if key in map(str.casefold, known) or scope.is_unread(key):
        return
    if key in scope.tables:
        message, hint = "return table is not cache table", "CACHE TABLE … AS SELECT * FROM it first"
        yield Diagnostic(code="SR245", message=f"{message}: {table.text}", span=table.span, hint=hint)
        return
    listed = f"tables of the function: {', '.join(known)}" if known else "the function caches no table"
    yield Diagnostic(
        code="SR245",
        message=f"return table not found: {table.text}",
        span=table.span,
        hint=suggest(table.text, known) or listed,
    )
