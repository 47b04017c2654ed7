"""Values of a JSON request → the tensors of the model, with errors that name row and column.

A column goes through numpy in one call when all its values have the type it needs; that costs a look at
the set of types. Only other columns are looked at value by value. The rules are those of training: NULL
is the missing value of :mod:`sqlrec.spec.signature`, floats beyond float32 become its largest, dates
are days and timestamps microseconds since 1970-01-01 UTC, long arrays are cut and short ones filled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np

from sqlrec.serving.bounds import check_matrix
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array, Frame
from sqlrec.serving.json_payload import Cells, Payload, describe
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import MISSING_INT, InputColumn

FLOAT32_MAX = float(np.finfo(np.float32).max)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How the values of one type are read.

    ``plain`` are the Python types numpy converts correctly by itself; ``read_one`` converts a value of
    any type or raises ``ValueError``.
    """

    expected: str
    plain: frozenset[type]
    missing: Any
    to_array: Callable[[Cells], Array]
    read_one: Callable[[Any], Any]


class Misfit(Exception):
    """The value at ``index`` is not what its column takes."""

    def __init__(self, index: int, value: object) -> None:
        super().__init__(index)
        self.index = index
        self.value = value


def read_values(reader: Reader, values: Cells) -> tuple[Array, int]:
    """The array of ``values`` and how many of them were null; raises :class:`Misfit`."""
    kinds = set(map(type, values))
    nulls = values.count(None) if type(None) in kinds else 0
    try:
        if kinds <= reader.plain:
            return reader.to_array(values), 0
        if nulls and kinds - {type(None)} <= reader.plain:
            return reader.to_array([reader.missing if v is None else v for v in values]), nulls
    except OverflowError:
        pass  # an integer beyond int64: found and named below
    return reader.to_array([_read_one(reader, i, v) for i, v in enumerate(values)]), nulls


def _read_one(reader: Reader, index: int, value: Any) -> Any:
    if value is None:
        return reader.missing
    try:
        return reader.read_one(value)
    except ValueError:
        raise Misfit(index, value) from None


def _integer(value: Any) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _boolean(value: Any) -> int:
    if type(value) is bool or (type(value) is int and value in (0, 1)):
        return int(value)
    raise ValueError


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _days(value: Any) -> int:
    return (date.fromisoformat(value) - EPOCH.date()).days if type(value) is str else _integer(value)


def _microseconds(value: Any) -> int:
    """A time without an offset is taken as UTC."""
    if type(value) is not str:
        return _integer(value)
    moment = datetime.fromisoformat(value)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def _int64(values: Cells) -> Array:
    return np.array(values, dtype=np.int64)


def _float32(values: Cells) -> Array:
    wide = np.array(values, dtype=np.float64)
    return np.minimum(np.maximum(wide, -FLOAT32_MAX), FLOAT32_MAX).astype(np.float32)


def _text(values: Cells) -> Array:
    return np.array(values, dtype=np.object_)


def _int_reader(expected: str, plain: type, read_one: Callable[[Any], int]) -> Reader:
    return Reader(
        expected=expected,
        plain=frozenset({plain}),
        missing=MISSING_INT,
        to_array=_int64,
        read_one=read_one,
    )


INTEGER = _int_reader("an integer", int, _integer)
BOOLEAN = _int_reader("true or false", bool, _boolean)
DATE = _int_reader('a date such as "2026-01-31"', int, _days)
TIMESTAMP = _int_reader('a time such as "2026-01-31T08:30:00Z"', int, _microseconds)
FLOAT = Reader(
    expected="a number",
    plain=frozenset({int, float}),
    missing=np.nan,
    to_array=_float32,
    read_one=_number,
)
STRING = Reader(expected="a string", plain=frozenset({str}), missing="", to_array=_text, read_one=_string)


def reader_of(column: InputColumn) -> Reader:
    """The reader of a column's values, or of its elements when it is an ARRAY."""
    kind = column.type.element.kind if column.is_array else column.type.kind
    match kind, column.tensor:
        case _, "float32":
            return FLOAT
        case _, "string":
            return STRING
        case Kind.BOOLEAN, "int64":
            return BOOLEAN
        case Kind.DATE, "int64":
            return DATE
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ, "int64":
            return TIMESTAMP
        case _, "int64":
            return INTEGER
        case _:
            raise ValueError(f"input {column.name!r} has the unknown tensor type {column.tensor!r}")


class Decoder:
    """Payloads → tensors for one model."""

    def __init__(self, inputs: Sequence[InputColumn]) -> None:
        self._inputs = tuple((column, reader_of(column)) for column in inputs)

    def decode(self, payload: Payload) -> Frame:
        """Tensors of a payload; ``RequestError`` SR653 names a value that does not fit, SR655 long lists."""
        tensors: dict[str, Array] = {}
        nulls: dict[str, int] = {}
        for (column, reader), cells in zip(self._inputs, payload.cells, strict=True):
            read = _read_array if column.is_array else _read_scalar
            tensors[column.name], count = read(column, reader, cells)
            if count:
                nulls[column.name] = count
        return Frame(tensors, payload.rows, nulls, payload.unknown)


def _read_scalar(column: InputColumn, reader: Reader, cells: Cells) -> tuple[Array, int]:
    try:
        return read_values(reader, cells)
    except Misfit as misfit:
        raise _misfit_error(column, misfit.index, reader.expected, misfit.value) from None


def _read_array(column: InputColumn, reader: Reader, cells: Cells) -> tuple[Array, int]:
    """Lists → matrix ``[rows, length]``; without a fixed length the longest list, at least 1, gives it."""
    for row, cell in enumerate(cells):
        if cell is not None and type(cell) is not list:
            raise _misfit_error(column, row, "a list", cell)
    lengths = np.array([len(cell) if cell else 0 for cell in cells], dtype=np.int64)
    width = column.length or max(1, int(lengths.max(initial=1)))
    try:
        flat, _ = read_values(reader, list(chain.from_iterable(cell or () for cell in cells)))
    except Misfit as misfit:
        row = int(np.searchsorted(np.cumsum(lengths), misfit.index, side="right"))
        raise _misfit_error(column, row, f"a list with {reader.expected} each", misfit.value) from None
    if (lengths == width).all():
        return flat.reshape(len(cells), width), 0
    check_matrix(column, len(cells), width)
    matrix = np.full((len(cells), width), reader.missing, dtype=flat.dtype)
    position = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    matrix[np.arange(width) < lengths[:, None]] = flat[position < width]
    return matrix, sum(cell is None for cell in cells)


def _misfit_error(column: InputColumn, row: int, expected: str, found: object) -> RequestError:
    message = f"row {row}, column {column.name}: expected {expected}, found {describe(found)}"
    return RequestError("SR653", message, row=row, column=column.name)
