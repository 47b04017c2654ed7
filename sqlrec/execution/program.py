"""CALL function(…) as one task: PARTITION BY … SIZE n in chunks, or as a whole within IF."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlrec.execution.call import Call
from sqlrec.execution.interruptible import interruptible
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.programs import callees, concrete_program
from sqlrec.execution.tables import concrete, target
from sqlrec.plan.plan import ChunkedCallStep
from sqlrec.spec.function import Callee, Program
from sqlrec.spec.secret import resolved
from sqlrec.spec.table import Relation, TableFormat, TableSource

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 4
"""Chunks that are run at the same time, at most."""


def run_chunked_call(step: ChunkedCallStep, call: Call) -> Outcome:
    """Run the function's program and keep what it returns, rows in the order of the chunks.

    Raises what is wrong with the program, its tables, its services or, naming the statement, its rows.
    """
    from sqlrec.data.write import write_table
    from sqlrec.execution.preview import Watch

    work = _Work(
        program=concrete_program(step.program, call),
        arguments={name: concrete(relation, call) for name, relation in step.arguments.items()},
        callees=resolved(callees(step.program, call), call.env.secrets),
        step=step,
        call=call,
    )
    schema, results = interruptible(work.run, work.stop)
    if schema is None:
        return Outcome(message=f"called {step.program.name}, which returns nothing")
    into = target(step.target or _result(call), call)
    batches = (batch for table in results for batch in table.to_batches())
    watch = Watch(_reader(schema, batches))
    written = write_table(watch.reader, into, key=call.key.job, mode="overwrite")
    what = f"cached {written.rows} rows as {into.name}" if step.target else f"selected {written.rows} rows"
    return Outcome(
        message=f"called {step.program.name}: {what}",
        rows=written.rows,
        facts={"path": into.path},
        preview=None if step.target else watch.preview(written.rows),
    )


@dataclass(slots=True)
class _Work:
    """The call in a thread of its own, which a signal to this process does not reach."""

    program: Program
    arguments: Mapping[str, Relation]
    callees: Mapping[str, Callee]
    step: ChunkedCallStep
    call: Call
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _task: asyncio.Task[tuple[pa.Schema | None, list[pa.Table]]] | None = None

    def run(self) -> tuple[pa.Schema | None, list[pa.Table]]:
        """Columns and tables of the result."""
        try:
            self._task = self._loop.create_task(self._run())
            return self._loop.run_until_complete(self._task)
        finally:
            self._loop.close()

    def stop(self) -> None:
        """Give up, from another thread."""
        if self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _run(self) -> tuple[pa.Schema | None, list[pa.Table]]:
        from sqlrec.programs.callees import FixedCallees
        from sqlrec.programs.calls import Calls
        from sqlrec.programs.chunks import run_chunks
        from sqlrec.programs.executor import Executor

        cores = os.cpu_count() or 1
        at_once = min(AT_ONCE, cores)
        calls = Calls(FixedCallees(self.callees))
        try:
            executor = await asyncio.to_thread(Executor, self.program, calls, sessions=at_once, threads=cores)
            try:
                tables = await asyncio.to_thread(self._tables)
                parts = list(self._parts(tables))
                finished = 0

                def done(part: Mapping[str, pa.Table]) -> None:
                    nonlocal finished
                    finished += 1
                    if len(parts) > 1:
                        self.call.report(f"[{finished / len(parts):4.0%}] {finished} of {len(parts)} chunks")

                results = await run_chunks(executor, parts, at_once=at_once, done=done)
                return executor.result, results
            finally:
                await asyncio.to_thread(executor.close)
        finally:
            await calls.close()

    def _tables(self) -> dict[str, pa.Table]:
        from sqlrec.data.engine import Engine

        with Engine() as engine:
            return {name: engine.table(relation) for name, relation in self.arguments.items()}

    def _parts(self, tables: dict[str, pa.Table]) -> Iterator[Mapping[str, pa.Table]]:
        from sqlrec.programs.chunks import chunks_of

        if self.step.without_rows:
            return
        if not self.step.chunked:
            yield tables
            return
        for chunk in chunks_of(tables[self.step.chunked], self.step.size):
            yield {**tables, self.step.chunked: chunk}


def _reader(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(schema, batches)


def _result(call: Call) -> TableSource:
    path = call.folder / "results" / call.key.task_id
    return TableSource(name=call.key.task_id, format=TableFormat.PARQUET, path=str(path))
