"""``POST /predict`` with an Arrow IPC stream: record batches of rows in, one record batch of outputs out.

Columns of the model's own types are scored where they lie in the body, without a copy. pyarrow is no part
of the ``serve`` extra and is imported with the first such request; a server without it answers 415.

A body is not trusted: every batch is validated in full, for an offset beyond its buffer would be read
blindly, and compressed batches are refused, for a small one may hold more than there is memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from sqlrec.serving.arrow_compression import is_compressed
from sqlrec.serving.columns import (
    Values,
    all_missing,
    lacking,
    list_tensor,
    scalar_tensor,
    too_many_rows,
    wrong_type,
)
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array, Frame, Outputs
from sqlrec.serving.wire import JSON, Header, Reading
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import InputColumn, OutputColumn, Signature

if TYPE_CHECKING:
    import pyarrow as pa

ARROW = b"application/vnd.apache.arrow.stream"


def require_arrow() -> None:
    """Import pyarrow, which takes a while the first time; ``RequestError`` SR656 when it is not there."""
    try:
        import pyarrow.compute
        import pyarrow.ipc  # noqa: F401
    except ImportError:
        raise RequestError(
            "SR656",
            "this server cannot read Arrow",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            hint="send JSON, or install pyarrow beside the server",
            headers=(("Accept", "application/json"),),
        ) from None


class ArrowWire:
    """See :class:`sqlrec.serving.wire.Wire`."""

    def __init__(self, signature: Signature, *, missing_as_null: bool, max_rows: int) -> None:
        self._signature = signature
        self._missing_as_null = missing_as_null
        self._max_rows = max_rows

    def read(self, body: bytes, header: Header) -> Reading:
        """Raises ``RequestError`` SR651 … SR656 and SR662. The answer is Arrow, unless JSON is asked for."""
        require_arrow()
        frame = self.frame(self._batch(body))
        accept = header(b"accept").casefold()
        if "json" in accept and "arrow" not in accept:
            return Reading(frame, self._write_json, JSON)
        return Reading(frame, self._write, ARROW)

    def frame(self, batch: pa.RecordBatch) -> Frame:
        """Rows as the model takes them; raises ``RequestError`` SR652, SR653 and SR655."""
        names = batch.schema.names
        inputs = self._signature.inputs
        missing = [column.name for column in inputs if column.name not in names]
        if missing and (not self._missing_as_null or len(missing) == len(inputs)):
            raise lacking(missing, set(names) - {column.name for column in inputs})
        tensors: dict[str, Array] = {}
        nulls: dict[str, int] = {}
        for column in inputs:
            tensors[column.name], count = (
                all_missing(column, batch.num_rows)
                if column.name in missing
                else _tensor(column, batch.column(column.name))
            )
            if count:
                nulls[column.name] = count
        unknown = len(names) - len(inputs) + len(missing)
        return Frame(tensors, batch.num_rows, nulls, unknown)

    def answer(self, outputs: Outputs) -> pa.RecordBatch:
        """Outputs as columns."""
        import pyarrow as pa

        arrays = [
            _arrow_array(output, array)
            for output, array in zip(self._signature.outputs, outputs, strict=True)
        ]
        return pa.record_batch(arrays, names=[output.name for output in self._signature.outputs])

    def _batch(self, body: bytes) -> pa.RecordBatch:
        """The rows of a body; if it has one batch, its buffers lie in the body. Raises ``RequestError``."""
        import pyarrow as pa

        try:
            if is_compressed(body):
                raise RequestError(
                    "SR656",
                    "the record batches are compressed",
                    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    hint="write them without compression (Arrow's default)",
                )
            with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
                _check_names(stream.schema.names)
                batches = list(self._batches(stream))
                return batches[0] if len(batches) == 1 else _joined(batches, stream.schema)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            hint = "send an Arrow IPC stream (RecordBatchStreamWriter), not a file"
            raise RequestError("SR662", f"the body is no Arrow stream: {reason}", hint=hint) from None

    def _batches(self, stream: Any) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in stream:
            rows += batch.num_rows
            if rows > self._max_rows:
                raise too_many_rows(rows, self._max_rows)
            batch.validate(full=True)
            yield batch

    def _write(self, outputs: Outputs) -> bytes:
        import pyarrow as pa

        batch = self.answer(outputs)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        written: bytes = sink.getvalue().to_pybytes()
        return written

    def _write_json(self, outputs: Outputs) -> bytes:
        names = [output.name for output in self._signature.outputs]
        answer = dict(zip(names, outputs, strict=True))
        return orjson.dumps(answer, default=np.ndarray.tolist, option=orjson.OPT_SERIALIZE_NUMPY)


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    table = pa.Table.from_batches(batches, schema).unify_dictionaries().combine_chunks()
    return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], schema)


def _check_names(names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RequestError("SR651", f"the stream has column {twice} twice", column=twice)


def _tensor(column: InputColumn, array: pa.Array) -> tuple[Array, int]:
    """The tensor of a column and its number of nulls; raises ``RequestError`` SR653 and SR655."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if pa.types.is_null(kind):
        return all_missing(column, len(array))
    if is_list is not column.is_array:
        raise wrong_type(column, str(kind))
    if not is_list:
        return scalar_tensor(column, _values(column, array))
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    values = _values(column, array.flatten())
    return list_tensor(column, values, lengths.astype(np.int64), _nulls(array))


def _values(column: InputColumn, array: pa.Array) -> Values:
    """An array of single values for numpy; ``RequestError`` SR653 for types that no input can be made of."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, nulls = str(array.type), _nulls(array)
    types = pa.types
    if types.is_null(array.type):
        return Values(np.zeros(len(array)), kind, np.ones(len(array), np.bool_))
    if types.is_dictionary(array.type):
        return _decoded(column, array)
    if types.is_decimal(array.type):
        array = pc.cast(array, pa.float64())
    elif types.is_timestamp(array.type) and array.type.unit in ("s", "ms"):
        array = _microseconds(column, array)
    if _is_text(array.type):
        return Values(array.to_numpy(zero_copy_only=False), kind, None)  # a null is None
    if not (types.is_primitive(array.type) or types.is_boolean(array.type)):
        raise wrong_type(column, kind)
    if nulls is not None and (types.is_integer(array.type) or types.is_boolean(array.type)):
        filler = False if types.is_boolean(array.type) else 0
        array = pc.fill_null(array, filler)  # other types have NaN and NaT
    return Values(array.to_numpy(zero_copy_only=False), kind, nulls)


def _decoded(column: InputColumn, array: pa.DictionaryArray) -> Values:
    """The values of a dictionary-encoded array; texts are shared, not made anew for each row."""
    if not len(array.dictionary):
        return Values(np.zeros(len(array)), str(array.type), np.ones(len(array), np.bool_))
    words = _values(column, array.dictionary)
    nulls = _nulls(array)
    index = array.indices.fill_null(0).to_numpy()
    if words.nulls is not None:
        of_words = words.nulls[index]
        nulls = of_words if nulls is None else nulls | of_words
    return Values(words.array[index], str(array.type), nulls)


def _microseconds(column: InputColumn, array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(array, pa.timestamp("us", array.type.tz))
    except pa.ArrowInvalid:
        message = f"column {column.name}: a time is beyond what microseconds can count"
        raise RequestError("SR653", message, column=column.name) from None


def _nulls(array: pa.Array) -> Array | None:
    if not array.null_count:
        return None
    nulls: Array = array.is_null().to_numpy(zero_copy_only=False)
    return nulls


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _arrow_array(output: OutputColumn, array: Array) -> pa.Array:
    """An output as Arrow; lists for ``[rows, width]``."""
    import pyarrow as pa

    kind = pa.type_for_alias(output.tensor)
    flat = pa.array(array.reshape(-1), type=kind if array.size else None).cast(kind)
    if output.type.kind is not Kind.ARRAY:
        return flat
    width = array.shape[1] if array.ndim == 2 else 0
    offsets = np.arange(len(array) + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets), flat)
