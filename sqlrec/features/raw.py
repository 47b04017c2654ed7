"""Arrow columns → raw model inputs: one canonical value set per column type, one missing value each.

Training, export and batch scoring all read columns through this module, so a value means the same
everywhere. The canonical Arrow types: integers, booleans, dates (days) and timestamps (microseconds
since 1970-01-01 UTC) are ``int64``; floats, doubles and decimals are ``float32``; text is ``string``.
Missing are NULL and :data:`~sqlrec.spec.signature.MISSING_INT`, NULL and NaN, NULL and ``''``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError, SchemaError, suggest
from sqlrec.spec.schema import INTEGERS, DataType, Kind
from sqlrec.spec.signature import MISSING_INT, InputColumn

FLOAT32_MAX = float(np.finfo(np.float32).max)


class Tensor(StrEnum):
    """Element type of a raw input."""

    INT = "int64"
    FLOAT = "float32"
    STRING = "string"


MISSING: dict[Tensor, Any] = {Tensor.INT: MISSING_INT, Tensor.FLOAT: np.nan, Tensor.STRING: ""}
"""The value that stands for NULL in a raw input."""

_NUMPY = {Tensor.INT: np.int64, Tensor.FLOAT: np.float32, Tensor.STRING: np.object_}
_TIMES = (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ)


def tensor_of(name: str, declared: DataType) -> Tensor:
    """Element type of the raw input of a column; ``SchemaError`` SR441 when the type cannot be a feature."""
    element = declared.element if declared.kind is Kind.ARRAY else declared
    if element.kind in INTEGERS or element.kind is Kind.BOOLEAN:
        return Tensor.INT
    if element.is_float:
        return Tensor.FLOAT
    if element.kind is Kind.STRING:
        return Tensor.STRING
    if declared.kind in (Kind.DATE, *_TIMES):
        return Tensor.INT
    raise SchemaError(
        "SR441",
        f"column {name!r} of type {declared} cannot be a feature",
        hint="features are numbers, booleans, strings, dates, timestamps, and arrays of the first three",
    )


def find_column(table: pa.Table | pa.RecordBatch, name: str) -> pa.ChunkedArray:
    """The column of that name, else the only one that differs by case; ``SchemaError`` SR440."""
    column = table.column(find_name(table.schema.names, name))
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def find_name(names: Sequence[str], name: str) -> str:
    """The column's name as ``names`` spell it; raises ``SchemaError`` SR440."""
    matches = [n for n in names if n == name] or [n for n in names if n.casefold() == name.casefold()]
    if len(matches) != 1:
        what = "is ambiguous among" if matches else "is not among"
        hint = suggest(name, names) if not matches else "give the columns distinct names"
        raise SchemaError("SR440", f"column {name!r} {what} the columns {', '.join(names)}", hint=hint)
    return matches[0]


def canonical(column: pa.ChunkedArray, name: str, declared: DataType) -> pa.ChunkedArray:
    """``column`` in the canonical Arrow type of its declared type, lists for ARRAY.

    Raises ``DataError`` SR442 when a value does not fit the declared type.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        wanted = _arrow_type(tensor_of(name, declared))
        return column.cast(pa.large_list(wanted) if declared.kind is Kind.ARRAY else wanted)
    try:
        if declared.kind is Kind.ARRAY:
            return pa.chunked_array(
                [_canonical_list(chunk, declared.element) for chunk in column.chunks]
                or [pa.array([], pa.large_list(_arrow_type(tensor_of(name, declared))))]
            )
        return _canonical_scalar(column, declared)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "SR442",
            f"column {name!r} holds {column.type} values that are no {declared}: {error}",
            hint="declare the type that the table has, or CAST the column in the query",
        ) from None


def _arrow_type(tensor: Tensor) -> pa.DataType:
    return {Tensor.INT: pa.int64(), Tensor.FLOAT: pa.float32(), Tensor.STRING: pa.string()}[tensor]


def _canonical_scalar(column: Any, declared: DataType) -> Any:
    match declared.kind:
        case Kind.BOOLEAN:
            return column.cast(pa.bool_()).cast(pa.int64())
        case Kind.STRING:
            return column if pa.types.is_large_string(column.type) else column.cast(pa.string())
        case Kind.DATE:
            return column.cast(pa.date32(), safe=False).cast(pa.int32()).cast(pa.int64())
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            zone = getattr(column.type, "tz", None)
            return column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
        case kind if kind in INTEGERS:
            return column.cast(pa.int64())
        case _:
            return _float32(column)


def _float32(column: Any) -> Any:
    """Finite values beyond float32 become its largest; infinities and NaN stay."""
    if pa.types.is_float32(column.type):
        return column
    if pa.types.is_float64(column.type) or pa.types.is_decimal(column.type):
        wide = column.cast(pa.float64(), safe=False)
        bounded = pc.max_element_wise(pc.min_element_wise(wide, FLOAT32_MAX), -FLOAT32_MAX)
        finite = pc.fill_null(pc.is_finite(wide), False)
        return pc.if_else(finite, bounded, wide).cast(pa.float32(), safe=False)
    return column.cast(pa.float64(), safe=False).cast(pa.float32(), safe=False)


def _canonical_list(chunk: Any, element: DataType) -> Any:
    lengths, flat = list_parts(chunk)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return pa.LargeListArray.from_arrays(offsets, _canonical_scalar(flat, element), mask=chunk.is_null())


def list_parts(column: Any) -> tuple[npt.NDArray[np.int64], Any]:
    """Lengths ``[rows]`` (0 for NULL) of a list column and its elements end to end."""
    lengths = column_to_numpy(pc.list_value_length(column), Tensor.INT, 0)
    return lengths.astype(np.int64), pc.list_flatten(column)


def column_to_numpy(column: Any, tensor: Tensor, missing: Any) -> npt.NDArray[Any]:
    """A canonical scalar column ``[rows]`` with ``missing`` for NULL; text as Python objects."""
    filled = column.fill_null(missing) if column.null_count else column
    if isinstance(filled, pa.ChunkedArray):
        return cast("npt.NDArray[Any]", filled.to_numpy().astype(_NUMPY[tensor], copy=False))
    return cast("npt.NDArray[Any]", filled.to_numpy(zero_copy_only=False).astype(_NUMPY[tensor], copy=False))


def pad(lengths: npt.NDArray[np.int64], flat: npt.NDArray[Any], width: int, fill: Any) -> npt.NDArray[Any]:
    """Elements end to end → matrix ``[rows, width]``; longer rows are cut, shorter ones filled."""
    matrix = np.full((len(lengths), width), fill, dtype=flat.dtype)
    starts = np.cumsum(lengths) - lengths
    position = np.arange(len(flat)) - np.repeat(starts, lengths)
    matrix[np.arange(width) < lengths[:, None]] = flat[position < width]
    return matrix


def raw_inputs(
    table: pa.Table | pa.RecordBatch, columns: Sequence[InputColumn]
) -> dict[str, npt.NDArray[Any]]:
    """The tensors an exported model takes, by input name.

    Shapes ``[rows]``, or ``[rows, length]`` for an ARRAY (the longest of the batch, at least 1, when the
    signature says any length). Raises ``SchemaError`` SR440 and ``DataError`` SR442.
    """
    return {column.name: _raw_input(table, column) for column in columns}


def _raw_input(table: pa.Table | pa.RecordBatch, column: InputColumn) -> npt.NDArray[Any]:
    tensor = Tensor(column.tensor)
    values = canonical(find_column(table, column.name), column.name, column.type)
    if not column.is_array:
        return column_to_numpy(values, tensor, MISSING[tensor])
    lengths, elements = list_parts(values)
    flat = column_to_numpy(elements, tensor, MISSING[tensor])
    width = column.length or max(1, int(lengths.max(initial=1)))
    return pad(lengths, flat, width, MISSING[tensor])
