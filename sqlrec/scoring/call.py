"""``call_service`` and ``call_service_with_qv`` over Arrow batches."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from sqlrec.errors import RemoteError, SchemaError
from sqlrec.scoring.client import ServiceClient
from sqlrec.scoring.merge import merge, output_schema
from sqlrec.scoring.request import Request, RowRequest, bind, bind_columns
from sqlrec.spec.model import ModelSpec


class Scorer:
    """Adds the outputs of a service to rows.

    ``outputs`` are the model's output columns as Arrow types. With a ``query`` table of exactly one row
    the call is ``call_service_with_qv`` and batches are of the value table; the query's columns are not
    returned. ``missing_features`` is ``'error'`` or ``'null'``. ``columns`` are those of the features, in
    their order; without them a feature is found by its name.
    """

    def __init__(
        self,
        client: ServiceClient,
        model: ModelSpec,
        outputs: pa.Schema,
        *,
        query: pa.Table | None = None,
        missing_features: str = "error",
        columns: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._model = model
        self._outputs = outputs
        self._query = query
        self._missing = missing_features
        self._columns = columns
        self._absent: set[str] = set()
        self._bound: tuple[pa.Schema, Request, pa.Schema] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the service left out so far."""
        service = self._client.service
        return tuple(f"service {service} does not answer output {n!r}: NULL" for n in sorted(self._absent))

    def schema(self, table: pa.Schema) -> pa.Schema:
        """Columns of the result for a table; raises what :func:`bind` and :func:`bind_columns` do."""
        return self._bind(table)[1]

    async def score(self, batch: pa.RecordBatch, *, first_row: int = 0) -> pa.RecordBatch:
        """All columns of ``batch`` and the outputs; no request for an empty batch.

        ``first_row`` is where the batch begins in its table, for messages (rows count from 0, as in the
        service's own). Raises ``SchemaError``, ``DataError`` SR617 and ``RemoteError`` SR610 … SR614.
        """
        request, schema = self._bind(batch.schema)
        rows = batch.num_rows
        if not rows:
            return pa.RecordBatch.from_arrays([pa.nulls(0, f.type) for f in schema], schema=schema)
        try:
            answer = await self._answer(request, batch, first_row)
        except RemoteError as error:
            error.hint = error.hint or f"the request held rows {first_row} to {first_row + rows - 1}"
            raise
        columns = merge(
            self._client.service,
            answer,
            self._outputs,
            rows=rows,
            asked=request.rows(batch),
            first_row=first_row,
        )
        added = []
        for field, column in zip(self._outputs, columns, strict=True):
            if column is None:
                self._absent.add(field.name)
            added.append(pa.nulls(rows, field.type) if column is None else column)
        return pa.RecordBatch.from_arrays([*batch.columns, *added], schema=schema)

    async def _answer(self, request: Request, batch: pa.RecordBatch, first_row: int) -> object:
        """The service's answer to rows, asked for in Arrow while it takes that; a query row goes as JSON."""
        if self._client.arrow and isinstance(request, RowRequest):
            answer = await self._client.predict_arrow(request.arrow(batch, first_row))
            if answer is not None:
                return answer
        return await self._client.predict(request.payload(batch, first_row))

    def _bind(self, table: pa.Schema) -> tuple[Request, pa.Schema]:
        if self._bound is None or not self._bound[0].equals(table):
            if not len(self._outputs):
                raise SchemaError("SR615", f"model {self._model.name} declares no outputs")
            if self._columns:
                request: Request = bind_columns(self._client.service, self._model, table, self._columns)
            else:
                request = bind(self._client.service, self._model, table, self._query, self._missing)
            self._bound = (table, request, output_schema(table, self._outputs))
        return self._bound[1], self._bound[2]
