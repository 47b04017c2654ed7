"""SELECT, CACHE TABLE and INSERT: a query whose rows are shown, kept for the run, or written to a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlrec.execution.call import Call
from sqlrec.execution.interruptible import interruptible
from sqlrec.execution.outcome import Outcome
from sqlrec.execution.tables import concrete, target
from sqlrec.plan.plan import QueryMode, QueryStep
from sqlrec.spec.table import TableFormat, TableSource

if TYPE_CHECKING:
    from sqlrec.data.write import Mode, WriteReport

MODES: dict[QueryMode, tuple[Mode, str]] = {
    QueryMode.SELECT: ("overwrite", "selected {rows} rows"),
    QueryMode.CACHE: ("overwrite", "cached {rows} rows as {table}"),
    QueryMode.APPEND: ("append", "added {rows} rows to {table}"),
    QueryMode.OVERWRITE: ("overwrite", "wrote {rows} rows to {table}"),
}
"""How rows are written, and what is said about it."""


def run_query(step: QueryStep, call: Call) -> Outcome:
    """Run the query and write its rows, once per task; a SELECT writes into the run's folder.

    Rows are streamed, so a result may be larger than memory.
    """
    from sqlrec.data.engine import Engine
    from sqlrec.data.write import write_table
    from sqlrec.execution.preview import Watch

    into = target(step.target or _result(call), call)
    query = concrete(step.query, call)
    mode, message = MODES[step.mode]
    with Engine() as engine:

        def work() -> tuple[Watch, WriteReport]:
            watch = Watch(engine.reader(query))
            return watch, write_table(watch.reader, into, key=call.key.job, mode=mode)

        watch, written = interruptible(work, engine.interrupt)
    return Outcome(
        message=message.format(rows=written.rows, table=into.name),
        rows=written.rows,
        facts={"path": into.path},
        preview=watch.preview(written.rows) if step.mode is QueryMode.SELECT else None,
    )


def _result(call: Call) -> TableSource:
    path = call.folder / "results" / call.key.task_id
    return TableSource(name=call.key.task_id, format=TableFormat.PARQUET, path=str(path))
