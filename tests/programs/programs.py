"""Programs written short, for the tests of what runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.programs.callees import FixedCallees
from sqlrec.programs.calls import Calls
from sqlrec.programs.executor import Executor
from sqlrec.spec.function import (
    Callee,
    FunctionInput,
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramParam,
    ProgramQuery,
    ProgramScore,
    ProgramStep,
)
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource


def columns(**types: str) -> Schema:
    return Schema(tuple(Field(name=name, type=DataType.parse(text)) for name, text in types.items()))


def own(name: str) -> TableSource:
    """A table of the program."""
    return TableSource(name=name, format=TableFormat.CACHE)


def relation(sql: str, *tables: str | TableSource, **parameters: str) -> Relation:
    """A query over tables of the program, by name, and others."""
    sources = [own(table) if isinstance(table, str) else table for table in tables]
    return Relation(query=sql, sources={source.name: source for source in sources}, parameters=parameters)


def query(target: str, sql: str, *tables: str | TableSource, **parameters: str) -> ProgramQuery:
    text = f"CACHE TABLE {target} AS {sql}"
    return ProgramQuery(target=target, query=relation(sql, *tables, **parameters), sql=text)


def assertion(sql: str, *tables: str) -> ProgramAssert:
    return ProgramAssert(query=relation(sql, *tables), sql=f"ASSERT {sql}")


def whole(table: str) -> Relation:
    return relation(f'SELECT * FROM "{table}"', table)


def score(
    target: str, service: str, inputs: str, query: str = "", **options: int | str | float
) -> ProgramScore:
    return ProgramScore(
        target=target,
        service=service,
        inputs=whole(inputs),
        query=whole(query) if query else None,
        options=options,
        sql=f"CACHE TABLE {target} AS CALL call_service('{service}', {inputs})",
    )


def choice(
    condition: str,
    *tables: str,
    then: tuple[ProgramStep, ...],
    otherwise: tuple[ProgramStep, ...] | None = None,
    timein: bool = False,
) -> ProgramIf:
    word = "IF TIMEIN" if timein else "IF"
    return ProgramIf(
        condition=relation(condition, *tables),
        then=then,
        otherwise=otherwise,
        timein=timein,
        sql=f"{word} ({condition}) …",
    )


def program(
    *steps: ProgramStep,
    inputs: Mapping[str, Schema] | None = None,
    returns: str = "r",
    params: tuple[ProgramParam, ...] = (),
    likes: Mapping[str, TableSource] | None = None,
) -> Program:
    declared = {"u": columns(id="BIGINT")} if inputs is None else inputs
    return Program(
        name="f",
        inputs=tuple(FunctionInput(name=name, columns=schema) for name, schema in declared.items()),
        steps=steps,
        returns=returns,
        params=params,
        likes=likes or {},
    )


def callee(service: str, url: str) -> Callee:
    """A service whose model takes ``a`` and ``b`` and gives ``probs``."""
    model = ModelSpec(
        name=ModelName.of("m"),
        type="test",
        columns=columns(a="BIGINT", b="BIGINT"),
        outputs=columns(probs="FLOAT"),
        options={},
    )
    return Callee(service=service, url=url, model=model)


def stored(path: Path, table: dict[str, list[Any]], name: str = "items") -> TableSource:
    """A parquet table on disk."""
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path / "part.parquet")
    return TableSource(name=name, format=TableFormat.PARQUET, path=str(path))


Work = Callable[[Executor], Any]


def with_executor(made: Program, work: Work, *callees: Callee, sessions: int = 2) -> Any:
    """What an asynchronous ``work`` gives for the executor of a program."""

    async def main() -> Any:
        calls = Calls(FixedCallees({c.service: c for c in callees}))
        try:
            executor = Executor(made, calls, sessions=sessions)
            try:
                return await work(executor)
            finally:
                executor.close()
        finally:
            await calls.close()

    return asyncio.run(main())


def run(
    made: Program, *callees: Callee, params: Mapping[str, str] | None = None, **inputs: dict[str, list[Any]]
) -> list[dict[str, Any]]:
    """The rows that a program returns for tables given as columns."""

    async def work(executor: Executor) -> Any:
        tables = {
            name: pa.table(values, schema=executor.inputs[name])
            if values
            else executor.inputs[name].empty_table()
            for name, values in inputs.items()
        }
        found = await executor.run(tables, params or {})
        return [] if found is None else found.to_pylist()

    rows: list[dict[str, Any]] = with_executor(made, work, *callees)
    return rows
