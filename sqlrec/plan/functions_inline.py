"""A function's body in the place of a call: the names that it sees, and what its steps are called outside.

The body sees the tables that it was given under the names of its inputs, with the columns that they were
defined with and no others; the tables that it caches; and what is the script's as a whole. It does not see
tables that the caller caches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.declare import announce
from sqlrec.plan.functions import FunctionBlock
from sqlrec.plan.functions_calls import input_columns
from sqlrec.plan.functions_checks import Held
from sqlrec.plan.functions_scope import Inside
from sqlrec.plan.plan import IfStep, QueryMode, QueryStep, Step
from sqlrec.plan.refs import table_ref, written_refs
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql.lowering import quoted
from sqlrec.sql.statements import CallBody, Ident, Statement


def call_prefix(block: FunctionBlock, body: CallBody, target: str, scope: ScriptScope) -> str:
    """What the tables of a call are called before their own names: unique, and the same wherever it stands.

    ``recall.top.`` for ``CACHE TABLE top AS CALL recall(…)``, ``recall(users).`` for ``CALL recall(users)``.
    """
    given = ", ".join(argument.value.text for argument in body.arguments if isinstance(argument.value, Ident))
    name = f"{block.name}.{target}" if target else f"{block.name}({given})"
    prefix, number = f"{scope.inside.prefix}{name}.", 1
    while prefix in scope.prefixes:
        number += 1
        prefix = f"{scope.inside.prefix}{name}{number}."
    scope.prefixes.add(prefix)
    return prefix


def arguments(block: FunctionBlock, body: CallBody, scope: ScriptScope) -> dict[str, TableSource]:
    """The tables of a call by the names of the inputs, with the columns that the function defines."""
    given = (argument.value for argument in body.arguments if isinstance(argument.value, Ident))
    return {
        table.name.text: _narrowed(scope.table(name), input_columns(table, scope))
        for table, name in zip(block.inputs, given, strict=True)
    }


def _narrowed(source: TableSource, columns: Schema) -> TableSource:
    """The table with the columns of an input; the columns of a CSV file are told by its declaration."""
    if not len(columns) or source.format is TableFormat.CSV:
        return source
    return replace(source, schema=columns)


def own_inputs(block: FunctionBlock, scope: ScriptScope) -> dict[str, TableSource]:
    """The inputs of a function as tables of its own, as its program has them."""
    return {
        table.name.text: TableSource(
            name=table.name.text, format=TableFormat.CACHE, schema=input_columns(table, scope)
        )
        for table in block.inputs
    }


def body_scope(
    block: FunctionBlock, inputs: Mapping[str, TableSource], inside: Inside, scope: ScriptScope
) -> ScriptScope:
    """The names in force at the beginning of the body."""
    outer = {key: line for key, line in scope.lines.items() if not key.startswith("table ")}
    lines = {f"table {t.name.text.casefold()}": scope.line(t.span.start) for t in block.inputs}
    child = replace(
        scope,
        text=block.text,
        caches={name.casefold(): source for name, source in inputs.items()},
        upcoming={},
        lines={**outer, **lines},
        settings=dict(scope.settings),
        programs={},
        inside=inside,
    )
    announce(held(block), child)
    return child


def held(block: FunctionBlock) -> tuple[Statement, ...]:
    """The statements of the body that a function may hold."""
    return tuple(statement for statement in block.body if isinstance(statement, Held))


def at_the_call(found: Iterable[Diagnostic], block: FunctionBlock, at: Span) -> Iterator[Diagnostic]:
    """What is wrong with a body whose text is not this script's, told at the call."""
    for finding in found:
        message = f"in function {block.name}: {finding.message}"
        yield replace(finding, message=message, span=at)


def on_line(step: Step, line: int) -> Step:
    """The step, and those within it, at a line."""
    if isinstance(step, IfStep):
        otherwise = on_line(step.otherwise, line) if step.otherwise else None
        return replace(step, line=line, then=on_line(step.then, line), otherwise=otherwise)
    return replace(step, line=line)


def returned_rows(source: TableSource, target: TableSource | None, *, line: int, sql: str) -> QueryStep:
    """A step that shows a table that a call returns or, with a ``target``, caches it under its own name."""
    table = Relation(query=f"SELECT * FROM {quoted(source.name)}", sources={source.name: source})  # noqa: S608 - a name
    return QueryStep(
        id="",
        line=line,
        sql=sql,
        mode=QueryMode.CACHE if target else QueryMode.SELECT,
        query=table,
        target=target,
        reads=(table_ref(source.name),),
        writes=written_refs(target),
    )
