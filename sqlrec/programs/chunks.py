"""A program run over a large table a chunk at a time, several chunks at once, with results in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing

import pyarrow as pa

from sqlrec.programs.executor import Executor
from sqlrec.scoring.ahead import in_order


def chunks_of(rows: pa.Table, size: int) -> Iterator[pa.Table]:
    """Consecutive parts of at most ``size`` rows; an empty table, or a size of 0, is one part."""
    step = size if size > 0 else max(rows.num_rows, 1)
    for start in range(0, max(rows.num_rows, 1), step):
        yield rows.slice(start, step)


async def run_chunks(
    executor: Executor,
    chunks: Iterable[Mapping[str, pa.Table]],
    *,
    at_once: int,
    done: Callable[[Mapping[str, pa.Table]], None],
) -> list[pa.Table]:
    """What the program returns for each set of input tables, in their order; nothing if it returns nothing.

    ``done`` is told each set that is finished. On an error the runs beside it are given up.
    """
    results: list[pa.Table] = []
    runs = in_order(_each(chunks), lambda tables: executor.run(tables, {}), at_once)
    async with aclosing(runs) as finished:
        async for tables, result in finished:
            done(tables)
            if result is not None:
                results.append(result)
    return results


async def _each(chunks: Iterable[Mapping[str, pa.Table]]) -> AsyncGenerator[Mapping[str, pa.Table], None]:
    for tables in chunks:
        yield tables
