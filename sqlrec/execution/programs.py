"""Programs with their tables and services as they are on this machine now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sqlrec.execution.call import Call
from sqlrec.execution.predictor import predictor_at
from sqlrec.execution.tables import source
from sqlrec.spec.function import (
    Callee,
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramQuery,
    ProgramScore,
    ProgramStep,
    services,
)
from sqlrec.spec.secret import reference
from sqlrec.spec.table import Relation, TableFormat, TableSource

Find = Callable[[TableSource], TableSource]
"""Gives a table with the place where it is."""


def concrete_program(program: Program, call: Call) -> Program:
    """The program over tables that any process of this machine can open; raises SR401 for a missing one."""
    return with_tables(program, partial(source, call=call))


def with_tables(program: Program, find: Find) -> Program:
    """The program with the tables outside it as they are found; its own stay names."""
    return replace(
        program,
        steps=tuple(_step(step, find) for step in program.steps),
        likes={name: find(table) for name, table in program.likes.items()},
    )


def callees(program: Program, call: Call) -> dict[str, Callee]:
    """The services that the program calls, secrets of their headers as references.

    Raises SR206 (unknown), SR630 (not ready).
    """
    return {name: _callee(name, call) for name in services(program.steps)}


def _callee(service: str, call: Call) -> Callee:
    asked = predictor_at(service, call, reference)
    return Callee(
        service=service, url=asked.url, model=asked.model, access=asked.access, headers=asked.headers
    )


def _step(step: ProgramStep, find: Find) -> ProgramStep:
    match step:
        case ProgramQuery() | ProgramAssert():
            return replace(step, query=_relation(step.query, find))
        case ProgramScore(query=query):
            query = _relation(query, find) if query else None
            return replace(step, inputs=_relation(step.inputs, find), query=query)
        case ProgramIf(otherwise=otherwise):
            if otherwise is not None:
                otherwise = tuple(_step(inner, find) for inner in otherwise)
            then = tuple(_step(inner, find) for inner in step.then)
            return replace(step, condition=_relation(step.condition, find), then=then, otherwise=otherwise)


def _relation(relation: Relation, find: Find) -> Relation:
    sources = {
        name: table if table.format is TableFormat.CACHE else find(table)
        for name, table in relation.sources.items()
    }
    return replace(relation, sources=sources)
