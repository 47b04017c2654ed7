"""Calls of SQL functions: which function is meant, and whether what is given is what it takes."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, suggest
from sqlrec.plan.functions import FunctionBlock, registered_block
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.variables import BUILT_IN, function_name
from sqlrec.spec.schema import Schema
from sqlrec.spec.widening import widens
from sqlrec.sql.statements import CacheTable, CallArgument, CallBody, DefineInput, Ident, Statement


def is_sql_call(body: CallBody) -> bool:
    """Whether a call is not one of the functions that are built in."""
    return function_name(body).casefold() not in BUILT_IN


def find_block(name: str, scope: ScriptScope) -> FunctionBlock | None:
    """The function as it is in force here: the script's, or in a session a registered one."""
    spec, key = scope.function(name), name.casefold()
    if spec is None:
        return None
    if key in scope.functions:
        return scope.blocks.get(key)
    return registered_block(spec.source) if scope.adopts else None


def input_columns(table: DefineInput, scope: ScriptScope) -> Schema:
    """Columns of an input, as far as they are known: declared, or those of the table of LIKE."""
    if table.columns is not None:
        return table.columns.schema
    assert table.like is not None, "an input has columns or is like a table"
    return scope.schema(scope.table(table.like))


def fits(body: CallBody, scope: ScriptScope) -> bool:
    """Whether a call can be put in place: a known function, a table for each input, no way in a circle."""
    block = find_block(function_name(body), scope)
    if block is None or block.name.casefold() in scope.inside.trace:
        return False
    tables = [a for a in body.arguments if isinstance(a.value, Ident)]
    return len(tables) == len(body.arguments) == len(block.inputs)


def check_sql_call(statement: Statement, body: CallBody, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Everything that is wrong with a call of a SQL function, the function's body aside."""
    name = function_name(body)
    block = find_block(name, scope)
    if block is None:
        if not scope.is_unread(name):
            yield _unknown(name, body, scope)
        return
    if name.casefold() in scope.inside.trace:
        trace = "->".join((*scope.inside.trace, name.casefold()))
        yield Diagnostic(
            code="SR243",
            message=f"circular dependency: {name} trace: {trace}",
            span=body.function.span,
            hint="a function cannot call itself, or one that calls it",
        )
        return
    yield from _check_arguments(name, body, block, scope)
    if isinstance(statement, CacheTable) and not block.returned:
        yield Diagnostic(
            code="SR249",
            message=f"function {name} returns nothing that could be cached",
            span=body.function.span,
            hint=f"write CALL {name}(…), or let the function RETURN a table",
        )
    if isinstance(body.like, Ident) and body.like.text.casefold() in scope.tables:
        yield Diagnostic(
            code="SR215",
            message=f"like table must be cache table for table function: {body.like.text}",
            span=body.like.span,
            hint="leave LIKE out: the function says what it returns",
        )


def _unknown(name: str, body: CallBody, scope: ScriptScope) -> Diagnostic:
    known = (*BUILT_IN, *scope.function_names())
    hint = suggest(name, known) or f"CALL knows {', '.join(known[:-1])} and {known[-1]}"
    if name.casefold() in scope.functions and scope.functions[name.casefold()] is None:
        hint = "the script drops it before this line"
    elif scope.function(name) is not None:
        hint = f"it is registered, but a script holds what it calls: SHOW CREATE SQL FUNCTION {name}"
    return Diagnostic(code="SR214", message=f"unknown function {name!r}", span=body.function.span, hint=hint)


def _check_arguments(
    name: str, body: CallBody, block: FunctionBlock, scope: ScriptScope
) -> Iterator[Diagnostic]:
    inputs = ", ".join(table.name.text for table in block.inputs)
    usage = f"write CALL {name}({inputs})"
    if len(body.arguments) != len(block.inputs):
        yield Diagnostic(
            code="SR215",
            message=f"{name} takes {_count(len(block.inputs), 'table')}, found {len(body.arguments)}",
            span=body.span,
            hint=usage,
        )
        return
    for argument, wanted in zip(body.arguments, block.inputs, strict=True):
        if isinstance(argument.value, Ident):
            yield from _check_columns(name, argument, argument.value, wanted, scope)
        else:
            yield Diagnostic(
                code="SR215",
                message=f"{name} takes a table name without quotes here, for its input {wanted.name.text}",
                span=argument.value.span,
                hint=usage,
            )


def _check_columns(
    name: str, argument: CallArgument, table: Ident, wanted: DefineInput, scope: ScriptScope
) -> Iterator[Diagnostic]:
    given = scope.schema(scope.table(table))
    if not len(given):
        return
    for column in input_columns(wanted, scope):
        found = given.get(column.name)
        if found is None:
            yield Diagnostic(
                code="SR402",
                message=f"table {table.text!r} has no column {column.name!r}, which function {name} takes",
                span=argument.value.span,
                hint=suggest(column.name, given.names) or f"it has: {', '.join(given.names)}",
            )
        elif not widens(found.type, column.type):
            yield Diagnostic(
                code="SR248",
                message=f"column {column.name!r} of table {table.text!r} is {found.type}; "
                f"function {name} takes {column.type}",
                span=argument.value.span,
                hint=f"CAST({column.name} AS {column.type}) in a CACHE TABLE before it",
            )


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
