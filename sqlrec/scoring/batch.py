"""Scores a table shard by shard: several requests in flight, rows in order, memory bounded.

The next shard is read and the last one written while one is scored.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from sqlrec.scoring.ahead import in_order
from sqlrec.scoring.shards import Shards
from sqlrec.scoring.source import Source


class RowScorer(Protocol):
    """Adds the outputs of a model to rows."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was missing so far."""

    def schema(self, table: pa.Schema) -> pa.Schema:
        """Columns of the result for a table; raises an error of our tree when it cannot be scored."""

    async def score(self, batch: pa.RecordBatch, *, first_row: int = 0) -> pa.RecordBatch:
        """All columns of a batch and the outputs; ``first_row`` is where it begins, for messages."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows of one request: the shard they belong to, where they begin in the table, if they end the shard."""

    shard: int
    first_row: int
    rows: pa.RecordBatch
    is_last: bool


async def score_shards(
    source: Source,
    scorer: RowScorer,
    shards: Shards,
    *,
    batch_size: int,
    concurrency: int,
    report: Callable[[int], None],
) -> None:
    """Score the shards of ``source`` that are not finished, and publish each as soon as it is.

    At most ``concurrency`` requests of ``batch_size`` rows are in flight. ``report`` gets the number of
    rows of every shard that it finishes. On an error the requests in flight are given up; finished shards
    stay. Raises what :meth:`RowScorer.score` raises.
    """
    done: list[pa.RecordBatch] = []
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        written: deque[tuple[int, asyncio.Future[None]]] = deque()

        async def settle(most: int) -> None:
            while len(written) > most:
                rows, future = written.popleft()
                await future
                report(rows)

        slices = _slices(source, shards, reader, batch_size)
        scored = in_order(slices, lambda s: scorer.score(s.rows, first_row=s.first_row), concurrency)
        async with aclosing(scored) as results:
            async for piece, batch in results:
                done.append(batch)
                if piece.is_last:
                    work = writer.submit(shards.publish, piece.shard, done, len(source.schema))
                    future = asyncio.wrap_future(work)
                    written.append((sum(b.num_rows for b in done), future))
                    done = []
                    await settle(1)
        await settle(0)


async def _slices(
    source: Source, shards: Shards, reader: ThreadPoolExecutor, size: int
) -> AsyncGenerator[Slice, None]:
    wanted = [shard for shard in range(len(source.shards)) if not shards.finished(shard)]
    reads = (reader.submit(source.read, shard) for shard in wanted)
    ahead = next(reads, None)
    for shard in wanted:
        assert ahead is not None
        batch = await asyncio.wrap_future(ahead)
        ahead = next(reads, None)
        for start in range(0, batch.num_rows, size):
            rows = batch.slice(start, size)
            yield Slice(shard, source.shards[shard] + start, rows, start + size >= batch.num_rows)
