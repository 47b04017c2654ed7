"""A program made ready, and run as often as wanted.

Getting ready means: the tables outside are loaded, every query is bound, every call is compared with its
model, as if run over tables without rows. What can be wrong with the program shows there, and the columns
of everything are known. A run then has tables of its own in memory and shares nothing with other runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import chain
from typing import assert_never

import pyarrow as pa

from sqlrec.data.types import arrow_schema
from sqlrec.errors import RemoteError
from sqlrec.programs.calls import Calls
from sqlrec.programs.conditions import milliseconds, require_true, truth
from sqlrec.programs.dryrun import DryRun
from sqlrec.programs.query import Query
from sqlrec.programs.statements import located
from sqlrec.programs.store import Store
from sqlrec.spec.function import (
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramQuery,
    ProgramScore,
    ProgramStep,
    relations,
)
from sqlrec.spec.table import Relation, TableFormat, TableSource

NO_ANSWER = "SR610"
"""What a service says that did not answer in its own time."""
INTERRUPT_SECONDS = 0.01
"""How often a query is told to end until it has: it may not have begun when it is told first."""


class NoTurn(Exception):
    """A run did not begin in the time it had for that: as many others went on."""


class Session:
    """The queries of a program, each ready on its own connection, for one run at a time."""

    def __init__(self, program: Program, store: Store) -> None:
        self._queries = {id(relation): Query(relation, store) for relation in relations(program.steps)}

    def query(self, relation: Relation) -> Query:
        """The query of a relation of the program."""
        return self._queries[id(relation)]

    def close(self) -> None:
        """Let go of the connections."""
        for query in self._queries.values():
            query.close()


class Executor:
    """Runs one program; up to ``sessions`` runs at a time, further ones wait.

    ``inputs`` are the columns of its input tables, ``result`` those of what it returns, if it returns
    something; ``running`` counts runs that have begun. Making one raises what is wrong with the program and
    the tables that it reads. ``run`` belongs to one event loop.
    """

    def __init__(self, program: Program, calls: Calls, *, sessions: int = 1, threads: int = 1) -> None:
        self.program = program
        self._calls = calls
        self._store = Store(_outside(program), threads=threads)
        self._threads = ThreadPoolExecutor(max_workers=sessions, thread_name_prefix="query")
        self._free: list[Session] = []
        try:
            self.inputs = self._input_schemas()
            self._free += (Session(program, self._store) for _ in range(sessions))
            dry = DryRun(calls, self._free[0].query, _sample_params(program))
            self.result = dry.of(program, self.inputs)
            self._empty = dry.empty
        except BaseException:
            self.close()
            raise
        self._gate = asyncio.Semaphore(sessions)
        self.running = 0

    def is_current(self) -> bool:
        """Whether the tables outside are still as they were loaded."""
        return self._store.is_current()

    def close(self) -> None:
        """Let go of everything; no run may be going on."""
        self._threads.shutdown(wait=True)
        for session in self._free:
            session.close()
        self._store.close()

    async def run(
        self, inputs: Mapping[str, pa.Table], params: Mapping[str, str], *, patience: float | None = None
    ) -> pa.Table | None:
        """What the program returns for these tables, by the names of its inputs.

        An error of a statement says which one it is. Cancelling the run interrupts its query. Raises
        :class:`NoTurn` when its turn does not come within ``patience`` seconds.
        """
        tables = {name.casefold(): table for name, table in inputs.items()}
        self.running += 1
        try:
            async with self._session(patience) as session:
                run = _Run(session, self._calls, self._threads, params, self._empty)
                await run.steps(self.program.steps, tables)
        finally:
            self.running -= 1
        return tables[self.program.returns.casefold()] if self.program.returns else None

    @asynccontextmanager
    async def _session(self, patience: float | None) -> AsyncIterator[Session]:
        try:
            async with asyncio.timeout(patience):
                await self._gate.acquire()
        except TimeoutError:
            raise NoTurn from None
        session = self._free.pop()
        try:
            yield session
        finally:
            self._free.append(session)
            self._gate.release()

    def _input_schemas(self) -> dict[str, pa.Schema]:
        """Columns of each input: declared, or those of the table of LIKE."""
        schemas = {}
        for wanted in self.program.inputs:
            like = self.program.likes.get(wanted.name)
            schemas[wanted.name] = arrow_schema(wanted.columns) if like is None else self._columns(like)
        return schemas

    def _columns(self, table: TableSource) -> pa.Schema:
        query = Query(Relation(query="FROM t", sources={"t": table}), self._store)
        try:
            return query.schema({}, {})
        finally:
            query.close()


class _Run:
    """One run: its tables are handed from step to step."""

    def __init__(
        self,
        session: Session,
        calls: Calls,
        threads: ThreadPoolExecutor,
        params: Mapping[str, str],
        empty: Mapping[int, Mapping[str, pa.Table]],
    ) -> None:
        self._session = session
        self._calls = calls
        self._threads = threads
        self._params = params
        self._empty = empty

    async def steps(self, steps: tuple[ProgramStep, ...], tables: dict[str, pa.Table]) -> None:
        """Do steps in order; what they make is added to ``tables``."""
        for step in steps:
            if isinstance(step, ProgramIf):
                await self._if(step, tables)
                continue
            with located(step):
                await self._step(step, tables)

    async def _step(
        self, step: ProgramQuery | ProgramScore | ProgramAssert, tables: dict[str, pa.Table]
    ) -> None:
        match step:
            case ProgramQuery():
                tables[step.target.casefold()] = await self._query(step.query, tables)
            case ProgramAssert():
                require_true(await self._query(step.query, tables))
            case ProgramScore():
                query = await self._query(step.query, tables) if step.query else None
                inputs = await self._query(step.inputs, tables)
                tables[step.target.casefold()] = await self._calls.score(step, inputs, query)
            case _:
                assert_never(step)

    async def _if(self, step: ProgramIf, tables: dict[str, pa.Table]) -> None:
        with located(step):
            condition = await self._query(step.condition, tables)
            limit = milliseconds(condition) if step.timein else None
            holds = truth(condition) if limit is None else limit <= 0
        if limit is not None and not holds:
            holds = await self._in_time(step, limit / 1000, tables)
        elif holds:
            await self.steps(step.then, tables)
        if holds:
            return
        if step.otherwise is not None:
            await self.steps(step.otherwise, tables)
        else:
            tables |= self._empty[id(step)]

    async def _in_time(self, step: ProgramIf, seconds: float, tables: dict[str, pa.Table]) -> bool:
        """Whether THEN was done in time; if not, nothing of it is left."""
        own = dict(tables)
        try:
            async with asyncio.timeout(seconds) as limit:
                await self.steps(step.then, own)
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        except RemoteError as error:
            if error.code != NO_ANSWER:
                raise
            return False
        tables |= own
        return True

    async def _query(self, relation: Relation, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Run a query, in a thread if it takes long; cancelling this interrupts it and waits for its end."""
        query = self._session.query(relation)
        if query.is_quick(tables):
            return query.run(tables, self._params)
        work = asyncio.get_running_loop().run_in_executor(self._threads, query.run, tables, self._params)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            while not work.done():
                query.interrupt()
                await asyncio.wait((work,), timeout=INTERRUPT_SECONDS)
            work.exception()
            raise


def _outside(program: Program) -> list[TableSource]:
    """Tables that the program reads and does not make, each once."""
    found: list[TableSource] = []
    sources = (relation.sources.values() for relation in relations(program.steps))
    for source in (*chain.from_iterable(sources), *program.likes.values()):
        if source.format is not TableFormat.CACHE and source not in found:
            found.append(source)
    return found


def _sample_params(program: Program) -> dict[str, str]:
    """Values with which queries can be bound, but not run."""
    return {p.name: "" if p.default is None else str(p.default) for p in program.params}
