"""Calls of model services on behalf of a program: clients that are kept, and a whole table at once."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from contextlib import AsyncExitStack

import pyarrow as pa

from sqlrec.data.types import arrow_schema
from sqlrec.programs.callees import Callees
from sqlrec.scoring.call import Scorer
from sqlrec.scoring.client import ServiceClient, client_of
from sqlrec.scoring.options import ScoreOptions, effective
from sqlrec.spec.function import Callee, ProgramScore
from sqlrec.spec.options import OptionValue


class Calls:
    """Makes the calls of a program. ``defaults`` are options for calls that do not give them.

    All methods belong to one event loop.
    """

    def __init__(self, callees: Callees, defaults: Mapping[str, OptionValue] | None = None) -> None:
        self._callees = callees
        self._defaults = defaults or {}
        self._clients: dict[Hashable, ServiceClient] = {}
        self._open = AsyncExitStack()

    def schema(self, step: ProgramScore, inputs: pa.Schema, query: pa.Schema | None) -> pa.Schema:
        """Columns of the result for tables of these columns; raises SR206, SR615, SR618, SR630."""
        callee = self._callees.find(step.service)
        row = (
            None
            if query is None
            else pa.Table.from_arrays([pa.nulls(1, f.type) for f in query], schema=query)
        )
        return self._scorer(callee, self._options(step), row).schema(inputs)

    async def score(self, step: ProgramScore, inputs: pa.Table, query: pa.Table | None) -> pa.Table:
        """``inputs`` with the outputs of the service. Raises what :meth:`Scorer.score` raises."""
        options = self._options(step)
        callee = self._callees.find(step.service)
        return await _scored(self._scorer(callee, options, query), inputs, options)

    async def close(self) -> None:
        """Close connections."""
        self._clients.clear()
        await self._open.aclose()

    def _options(self, step: ProgramScore) -> ScoreOptions:
        return effective({**self._defaults, **step.options})

    def _scorer(self, callee: Callee, options: ScoreOptions, query: pa.Table | None) -> Scorer:
        return Scorer(
            self._client(callee, options),
            callee.model,
            arrow_schema(callee.model.outputs),
            query=query,
            missing_features=options.missing_features,
        )

    def _client(self, callee: Callee, options: ScoreOptions) -> ServiceClient:
        headers = tuple(sorted(callee.headers.items()))
        key = (callee.service, callee.url, options.timeout, options.attempts, callee.access, headers)
        if key not in self._clients:
            client = client_of(callee, options)
            self._clients[key] = client
            self._open.push_async_exit(client)
        return self._clients[key]


async def _scored(scorer: Scorer, table: pa.Table, options: ScoreOptions) -> pa.Table:
    """All rows in their order, in requests of ``batch_size`` rows of which ``concurrency`` are in flight."""
    schema = scorer.schema(table.schema)
    batches = table.combine_chunks().to_batches(max_chunksize=options.batch_size)
    gate = asyncio.Semaphore(options.concurrency)

    async def score(batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
        async with gate:
            return await scorer.score(batch, first_row=first_row)

    starts = range(0, table.num_rows, options.batch_size)
    tasks = [asyncio.ensure_future(score(b, start)) for b, start in zip(batches, starts, strict=True)]
    try:
        results = [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return pa.Table.from_batches(results, schema)
