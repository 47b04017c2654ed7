"""A program gone through without rows: it finds what is wrong and the columns of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

import pyarrow as pa

from sqlrec.errors import SchemaError
from sqlrec.programs.calls import Calls
from sqlrec.programs.conditions import require_boolean
from sqlrec.programs.query import Query
from sqlrec.programs.statements import located
from sqlrec.spec.function import (
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramQuery,
    ProgramScore,
    ProgramStep,
)
from sqlrec.spec.table import Relation

Tables = dict[str, pa.Table]


class DryRun:
    """``empty`` has, for each IF without ELSE (by ``id``), the tables that THEN would have made."""

    def __init__(self, calls: Calls, query: Callable[[Relation], Query], params: Mapping[str, str]) -> None:
        self._calls = calls
        self._query = query
        self._params = params
        self.empty: dict[int, Tables] = {}

    def of(self, program: Program, inputs: Mapping[str, pa.Schema]) -> pa.Schema | None:
        """Columns of what the program returns. Raises the error of a statement that cannot be run."""
        tables = {name.casefold(): schema.empty_table() for name, schema in inputs.items()}
        self._steps(program.steps, tables)
        return tables[program.returns.casefold()].schema if program.returns else None

    def _steps(self, steps: tuple[ProgramStep, ...], tables: Tables) -> None:
        for step in steps:
            if isinstance(step, ProgramIf):
                self._if(step, tables)
            else:
                with located(step):
                    self._step(step, tables)

    def _step(self, step: ProgramQuery | ProgramScore | ProgramAssert, tables: Tables) -> None:
        match step:
            case ProgramQuery():
                tables[step.target.casefold()] = self._schema(step.query, tables).empty_table()
            case ProgramAssert():
                for column in self._schema(step.query, tables):
                    require_boolean(column)
            case ProgramScore():
                query = self._schema(step.query, tables) if step.query else None
                schema = self._calls.schema(step, self._schema(step.inputs, tables), query)
                tables[step.target.casefold()] = schema.empty_table()
            case _:
                assert_never(step)

    def _if(self, step: ProgramIf, tables: Tables) -> None:
        with located(step):
            self._schema(step.condition, tables)
        then, otherwise = dict(tables), dict(tables)
        self._steps(step.then, then)
        self._steps(step.otherwise or (), otherwise)
        made = {name: table for name, table in then.items() if tables.get(name) is not table}
        if step.otherwise is None:
            self.empty[id(step)] = made
        with located(step):
            for name in made.keys() & otherwise.keys():
                _require_same(name, then[name].schema, otherwise[name].schema)
        tables |= then

    def _schema(self, relation: Relation, tables: Tables) -> pa.Schema:
        return self._query(relation).schema(tables, self._params)


def _require_same(name: str, then: pa.Schema, otherwise: pa.Schema) -> None:
    if _facts(then) == _facts(otherwise):
        return
    raise SchemaError(
        "SR645",
        f"THEN gives table {name!r} the columns {_shown(then)}, ELSE {_shown(otherwise)}",
        hint="select the same columns, of the same types, in both branches",
    )


def _facts(schema: pa.Schema) -> list[tuple[str, str]]:
    return [(field.name.casefold(), str(field.type)) for field in schema]


def _shown(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)
