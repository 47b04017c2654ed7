"""Scores a table shard by shard: several requests in flight, rows in order, memory bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.scoring.call import Scorer
from sqlrec.scoring.shards import Shards


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows of one request: the shard they belong to, where they begin in the table, if they end the shard."""

    shard: int
    first_row: int
    rows: pa.RecordBatch
    is_last: bool


async def score_shards(
    source: pq.ParquetFile,
    scorer: Scorer,
    shards: Shards,
    *,
    batch_size: int,
    concurrency: int,
    report: Callable[[int], None],
) -> None:
    """Score the row groups of ``source`` that are not finished, and publish each as soon as it is.

    At most ``concurrency`` requests of ``batch_size`` rows are in flight. ``report`` gets the number of
    rows of every shard that is done. On an error the requests in flight are given up; finished shards
    stay. Raises what :meth:`Scorer.score` raises.
    """
    done: list[pa.RecordBatch] = []
    async with aclosing(_scored(_slices(source, shards, batch_size, report), scorer, concurrency)) as results:
        async for piece, batch in results:
            done.append(batch)
            if piece.is_last:
                shards.publish(piece.shard, done)
                report(sum(b.num_rows for b in done))
                done = []


def _slices(
    source: pq.ParquetFile, shards: Shards, size: int, report: Callable[[int], None]
) -> Iterator[Slice]:
    first = 0
    for shard in range(source.num_row_groups):
        rows = source.metadata.row_group(shard).num_rows
        if shards.finished(shard):
            report(rows)
        else:
            (batch,) = source.read_row_group(shard).combine_chunks().to_batches()
            for start in range(0, rows, size):
                yield Slice(shard, first + start, batch.slice(start, size), start + size >= rows)
        first += rows


async def _scored(
    slices: Iterator[Slice], scorer: Scorer, concurrency: int
) -> AsyncGenerator[tuple[Slice, pa.RecordBatch], None]:
    """Results in the order of the slices."""
    window: deque[tuple[Slice, asyncio.Task[pa.RecordBatch]]] = deque()
    try:
        for piece in slices:
            window.append((piece, asyncio.create_task(scorer.score(piece.rows, first_row=piece.first_row))))
            if len(window) == concurrency:
                ready, task = window.popleft()
                yield ready, await task
        while window:
            ready, task = window.popleft()
            yield ready, await task
    finally:
        for _, task in window:
            task.cancel()
        await asyncio.gather(*(task for _, task in window), return_exceptions=True)
