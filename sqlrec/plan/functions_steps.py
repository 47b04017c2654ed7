"""Steps of functions and APIs; the programs they need were compiled before (``scope.programs``)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.plan.functions import FunctionBlock
from sqlrec.plan.functions_calls import find_block
from sqlrec.plan.functions_inline import arguments
from sqlrec.plan.functions_program import function_spec, outer_tables, whole_table
from sqlrec.plan.options import stored_options
from sqlrec.plan.plan import ChunkedCallStep, DefineApiStep, DefineFunctionStep, Ref
from sqlrec.plan.refs import api_ref, function_ref, service_ref, table_ref, written_refs
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.variables import function_name
from sqlrec.spec.function import ApiSpec, Program, services
from sqlrec.spec.table import TableSource
from sqlrec.sql.statements import CallBody, CreateApi


def define_function(block: FunctionBlock, scope: ScriptScope) -> DefineFunctionStep:
    """The step that registers a function."""
    spec = function_spec(block)
    return DefineFunctionStep(
        id="",
        line=scope.line(block.span.start),
        sql=spec.source,
        function=spec,
        replace=block.create.replace,
        writes=(function_ref(block.name),),
    )


def define_api(statement: CreateApi, scope: ScriptScope) -> DefineApiStep:
    """The step that registers and starts an API; it waits for the services and tables that it uses."""
    program = scope.programs[statement.span]
    name, function = statement.name.text, program.name
    return DefineApiStep(
        id="",
        line=0,
        sql="",
        api=ApiSpec(name=name, function=function, program=program, options=stored_options(statement.options)),
        replace=statement.replace,
        reads=(function_ref(function), *_uses(program)),
        writes=(api_ref(name),),
    )


def chunked_call(body: CallBody, target: TableSource | None, scope: ScriptScope) -> ChunkedCallStep:
    """The step of a call that runs as a program: in chunks, or as a whole within another statement."""
    program = scope.programs[body.span]
    block = find_block(function_name(body), scope)
    assert block is not None, "its program was compiled"
    given = {name: whole_table(source) for name, source in arguments(block, body, scope).items()}
    chunked, size = _chunks(body, block)
    tables = (table_ref(s.name) for relation in given.values() for s in relation.sources.values())
    return ChunkedCallStep(
        id="",
        line=0,
        sql="",
        program=program,
        arguments=given,
        chunked=chunked,
        size=size,
        target=target,
        reads=tuple(dict.fromkeys((*tables, *_uses(program)))),
        writes=written_refs(target),
    )


def _chunks(body: CallBody, block: FunctionBlock) -> tuple[str, int]:
    """The input that is divided, and the rows of a chunk; no input and 0 for a call as a whole."""
    if body.chunks is None:
        return "", 0
    wanted = body.chunks.table.text.casefold()
    given = [getattr(argument.value, "text", "") for argument in body.arguments]
    index = [name.casefold() for name in given].index(wanted)
    return block.inputs[index].name.text, body.chunks.size


def _uses(program: Program) -> Iterator[Ref]:
    yield from map(service_ref, services(program.steps))
    yield from map(table_ref, outer_tables(program))
