"""An exported model asked in this process: ONNX Runtime over the columns of Arrow batches, no server.

Values are read by the rules of the predict server, so scores are those of a service.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import pyarrow as pa

from sqlrec.data.types import arrow_schema
from sqlrec.errors import DataError, SchemaError
from sqlrec.scoring.merge import merge, output_schema
from sqlrec.scoring.request import RowRequest, bind
from sqlrec.serving.arrow_wire import ArrowWire
from sqlrec.serving.errors import RequestError
from sqlrec.serving.session import Session, verified_signature
from sqlrec.spec.service import ServedModel

NO_LIMIT = 2**62


class InProcess:
    """Adds a model's outputs to rows: a :class:`sqlrec.scoring.batch.RowScorer`.

    ``threads`` batches are scored at a time, each on one thread. A context manager: the threads end with it.
    """

    def __init__(self, served: ServedModel, *, threads: int, missing_features: str = "error") -> None:
        """Raises ``StateError`` SR501, SR502, SR671 and SR672 for a model that cannot be run."""
        signature = verified_signature(served)
        self._served = served
        self._session = Session(served, signature, 1)
        self._wire = ArrowWire(signature, missing_as_null=True, max_rows=NO_LIMIT)
        self._outputs = arrow_schema(served.model.outputs)
        self._missing = missing_features
        self._pool = ThreadPoolExecutor(threads)
        self._bound: tuple[pa.Schema, RowRequest, pa.Schema] | None = None

    async def __aenter__(self) -> InProcess:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Nothing can be missing: outputs are those of the export."""
        return ()

    def schema(self, table: pa.Schema) -> pa.Schema:
        """Columns of the result; ``SchemaError`` SR615 for features without a column, SR618."""
        return self._bind(table)[1]

    async def score(self, batch: pa.RecordBatch, *, first_row: int = 0) -> pa.RecordBatch:
        """All columns of ``batch`` and the outputs.

        Raises ``DataError`` SR617 (infinity) and SR639 (rows that the model cannot be asked about).
        """
        request, schema = self._bind(batch.schema)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._score, request, schema, batch, first_row)

    def _score(
        self, request: RowRequest, schema: pa.Schema, batch: pa.RecordBatch, first_row: int
    ) -> pa.RecordBatch:
        rows = batch.num_rows
        if not rows:
            return pa.RecordBatch.from_arrays([pa.nulls(0, f.type) for f in schema], schema=schema)
        where = f"rows {first_row} to {first_row + rows - 1}"
        try:
            frame = self._wire.frame(request.features(batch, first_row))
        except RequestError as error:
            row = error.row or 0
            message = error.message.replace(f"row {row},", f"row {first_row + row},", 1)
            raise DataError("SR639", message, hint=error.hint or f"among {where}, from 0") from None
        try:
            outputs = self._session.run(frame.tensors, frame.rows)
        except Exception as error:  # the model's graph decides what it raises
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError("SR639", f"{where}: the model failed: {reason}") from error
        answer = self._wire.answer(outputs)
        columns = merge(self._name, answer, self._outputs, rows=rows, asked=rows, first_row=first_row)
        return pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=schema)

    @property
    def _name(self) -> str:
        return f"{self._served.model.name}@{self._served.checkpoint}"

    def _bind(self, table: pa.Schema) -> tuple[RowRequest, pa.Schema]:
        if self._bound is None or not self._bound[0].equals(table):
            request = bind(self._name, self._served.model, table, None, self._missing)
            assert isinstance(request, RowRequest)
            if not len(self._outputs):
                raise SchemaError("SR615", f"model {self._served.model.name} declares no outputs")
            self._bound = (table, request, output_schema(table, self._outputs))
        return self._bound[1], self._bound[2]
