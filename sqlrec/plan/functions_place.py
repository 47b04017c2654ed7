"""Functions where they are called: their steps in the place of the call, or compiled to a program.

A statement that calls a function becomes the steps of the function's body, so that each is a task of its
own and waits for what it reads alone. Where one task is all there is (within IF and EXPLAIN, for each chunk
of PARTITION BY, behind an API) the body becomes a program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeGuard

from sqlrec.errors import Diagnostic, Span
from sqlrec.plan.checks.parts import called
from sqlrec.plan.functions import FunctionBlock
from sqlrec.plan.functions_calls import find_block, is_sql_call
from sqlrec.plan.functions_inline import (
    arguments,
    at_the_call,
    body_scope,
    call_prefix,
    held,
    on_line,
    own_inputs,
    returned_rows,
)
from sqlrec.plan.functions_program import Compiling
from sqlrec.plan.functions_scope import Inside
from sqlrec.plan.plan import Step
from sqlrec.plan.refs import last_assertion
from sqlrec.plan.resolve import Acting
from sqlrec.plan.resolve_queries import cached
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import without_secrets
from sqlrec.plan.variables import function_name
from sqlrec.spec.function import Program
from sqlrec.sql.render import render
from sqlrec.sql.statements import CacheTable, Call, CallBody, CreateApi, Explain, If, Statement

WalkBody = Callable[[ScriptScope, Iterable[Statement]], tuple[list[Step], list[Diagnostic]]]
"""Takes statements in a scope; gives their steps and what is wrong with them."""


def is_put_in_place(statement: Acting) -> TypeGuard[Call | CacheTable]:
    """Whether a statement is a call whose body's steps take its place."""
    body = called(statement)
    return body is not None and is_sql_call(body) and body.chunks is None


def put_in_place(
    statement: Call | CacheTable, scope: ScriptScope, walk: WalkBody
) -> tuple[list[Step], Step | None, list[Diagnostic]]:
    """Steps of the body, the step that gives the result its name or shows it, and what is wrong."""
    body = called(statement)
    assert body is not None, "it is a call"
    target = statement.name.text if isinstance(statement, CacheTable) else ""
    block = _called(function_name(body), scope)
    prefix = call_prefix(block, body, target, scope)
    result = scope.inside.outer(target) if target else ""
    inside = Inside(prefix=prefix, returns=block.returned, result=result, trace=_trace(block, scope))
    child = body_scope(block, arguments(block, body, scope), inside, scope)
    steps, found = _walked(block, child, scope, walk, body.function.span)
    if block.text != scope.text:
        steps = [on_line(step, scope.line(statement.span.start)) for step in steps]
    return steps, _returned(statement, child, block, scope), found


def _returned(
    statement: Call | CacheTable, child: ScriptScope, block: FunctionBlock, scope: ScriptScope
) -> Step | None:
    source = child.caches.get(block.returned.casefold())
    if source is None:
        return None
    target = cached(statement.name, scope) if isinstance(statement, CacheTable) else None
    line, sql = scope.line(statement.span.start), without_secrets(render(statement))
    if target is not None and source.name == target.name:
        key = scope.inside.inner(target.name).casefold()
        scope.caches[key] = target
        scope.lines[f"table {key}"] = line
        return None
    step = returned_rows(source, target, line=line, sql=sql)
    return replace(step, reads=(*step.reads, *last_assertion(scope.gates)))


def compile_programs(statement: Acting, scope: ScriptScope, walk: WalkBody) -> list[Diagnostic]:
    """Put the programs that a statement needs into the scope; returns what is wrong with them."""
    found: list[Diagnostic] = []
    for name, key, at in _compiled(statement):
        block = _called(name, scope)
        program, problems = program_of(block, scope, walk, at, for_api=isinstance(statement, CreateApi))
        scope.programs[key] = program
        found += problems
    return found


def _compiled(statement: Statement) -> Iterator[tuple[str, Span, Span]]:
    """Functions to compile, the places under which their programs are kept, and where problems are told."""
    match statement:
        case CreateApi(function=function):
            yield function.text, statement.span, function.span
        case Call(body=body) | CacheTable(source=CallBody() as body) if is_sql_call(body):
            yield function_name(body), body.span, body.function.span
        case If(then=then, otherwise=otherwise):
            yield from _compiled(then)
            yield from _compiled(otherwise) if otherwise else ()
        case Explain(statement=inner):
            yield from _compiled(inner)
        case _:
            pass


def program_of(
    block: FunctionBlock, scope: ScriptScope, walk: WalkBody, at: Span, *, for_api: bool
) -> tuple[Program, list[Diagnostic]]:
    """The program of a function, and what is wrong with it."""
    steps, found = _body(block, scope, walk, at)
    compiling = Compiling(block, at, scope.params, for_api)
    program = compiling.program(steps, scope)
    return program, [*found, *compiling.found]


def judge(block: FunctionBlock, scope: ScriptScope, walk: WalkBody) -> list[Diagnostic]:
    """What is wrong with the body of a function that nothing calls, as if it were called now."""
    return _body(block, scope, walk, block.create.name.span)[1]


def _body(
    block: FunctionBlock, scope: ScriptScope, walk: WalkBody, at: Span
) -> tuple[list[Step], list[Diagnostic]]:
    """The body over tables of the function's own."""
    child = body_scope(block, own_inputs(block, scope), Inside(trace=_trace(block, scope)), scope)
    child.gates, child.prefixes = list(scope.gates), set()
    return _walked(block, child, scope, walk, at)


def _walked(
    block: FunctionBlock, child: ScriptScope, scope: ScriptScope, walk: WalkBody, at: Span
) -> tuple[list[Step], list[Diagnostic]]:
    scope.called.add(block.name.casefold())
    unread = child.unread
    steps, found = walk(child, held(block))
    scope.unread += child.unread.removeprefix(unread)
    return steps, found if block.text == scope.text else list(at_the_call(found, block, at))


def _called(name: str, scope: ScriptScope) -> FunctionBlock:
    block = find_block(name, scope)
    assert block is not None, "checked before"
    return block


def _trace(block: FunctionBlock, scope: ScriptScope) -> tuple[str, ...]:
    return (*scope.inside.trace, block.name.casefold())
