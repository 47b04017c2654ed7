"""A service as a function of columns: what a query engine calls for the rows that it works on.

The engine calls from its own threads and waits; requests run in one event loop beside it, several at a time.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

import pyarrow as pa

from sqlrec.scoring.call import Scorer
from sqlrec.scoring.client import ServiceClient
from sqlrec.spec.model import ModelSpec


class VectorScorer:
    """Predictions for columns of features, in the model's order.

    At most ``concurrency`` requests of ``batch_size`` rows are in flight. Use it as a context manager: the
    event loop ends with it.
    """

    def __init__(
        self,
        client: ServiceClient,
        model: ModelSpec,
        outputs: pa.Schema,
        *,
        batch_size: int,
        concurrency: int,
    ) -> None:
        self._client = client
        self._features = model.features.names
        self._outputs = outputs
        self._scorer = Scorer(client, model, outputs, columns=self._features)
        self._batch_size = batch_size
        self._allowed = asyncio.Semaphore(concurrency)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.rows = 0

    def __enter__(self) -> VectorScorer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._client.__aexit__(kind, error, trace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def outputs(self) -> pa.Schema:
        """Names and types of the predictions."""
        return self._outputs

    def predict(self, *columns: pa.Array) -> pa.StructArray:
        """A struct of the outputs for each row; raises what :meth:`Scorer.score` does."""
        batch = pa.RecordBatch.from_arrays(list(columns), names=list(self._features))
        scored = asyncio.run_coroutine_threadsafe(self._score(batch), self._loop).result()
        self.rows += batch.num_rows
        return pa.StructArray.from_arrays(scored, fields=list(self._outputs))

    async def _score(self, batch: pa.RecordBatch) -> list[pa.Array]:
        starts = range(0, max(batch.num_rows, 1), self._batch_size)
        parts = [batch.slice(start, self._batch_size) for start in starts]
        tasks = [
            asyncio.create_task(self._request(part, row)) for row, part in zip(starts, parts, strict=True)
        ]
        try:
            scored = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        first = batch.num_columns
        return [
            pa.concat_arrays([part.column(first + index) for part in scored])
            for index in range(len(self._outputs))
        ]

    async def _request(self, batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
        async with self._allowed:
            return await self._scorer.score(batch, first_row=first_row)
