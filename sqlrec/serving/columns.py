"""Columns that arrive as typed arrays (Arrow, binary tensors) → the tensors of the model.

The rules are those of :mod:`sqlrec.serving.json_values`: what fits without loss is widened, NaN and NULL
become the missing value, floats beyond float32 its largest, long lists are cut and short ones filled.
An array that already is what the model takes is passed on as it is, without a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np

from sqlrec.errors import misspelt
from sqlrec.serving.bounds import check_matrix
from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array
from sqlrec.serving.json_payload import NULL_HINT, describe
from sqlrec.serving.json_values import (
    BOOLEAN,
    DATE,
    FLOAT,
    FLOAT32_MAX,
    INTEGER,
    STRING,
    TIMESTAMP,
    Misfit,
    Reader,
    read_values,
    reader_of,
)
from sqlrec.spec.signature import InputColumn

_INT64_END = 2.0**63
_TEXTS = frozenset((str, type(None)))


@dataclass(frozen=True, slots=True)
class Values:
    """Values of one column, or of all its lists one after the other.

    ``nulls`` marks those to be ignored; None: there are none. ``kind`` is their type in the words of the
    request's format.
    """

    array: Array
    kind: str
    nulls: Array | None = None


def scalar_tensor(column: InputColumn, values: Values) -> tuple[Array, int]:
    """Tensor ``[rows]`` of one value a row and how many of them were null; ``RequestError`` SR653."""
    reader = reader_of(column)
    try:
        return _converted(reader, values, column)
    except Misfit as misfit:
        raise _misfit_error(column, misfit.index, reader.expected, misfit.value) from None


def list_tensor(
    column: InputColumn, values: Values, lengths: Array, absent: Array | None
) -> tuple[Array, int]:
    """Tensor ``[rows, length]`` of lists with ``lengths`` values each and how many lists were ``absent``.

    Without a fixed length the longest list, at least 1, gives it. Raises ``RequestError`` SR653 and SR655.
    """
    reader = reader_of(column)
    try:
        flat, _ = _converted(reader, values, column)
    except Misfit as misfit:
        row = int(np.searchsorted(np.cumsum(lengths), misfit.index, side="right"))
        raise _misfit_error(column, row, f"a list with {reader.expected} each", misfit.value) from None
    width = column.length or max(1, int(lengths.max(initial=1)))
    count = 0 if absent is None else int(absent.sum())
    if (lengths == width).all():
        return flat.reshape(len(lengths), width), count
    check_matrix(column, len(lengths), width)
    matrix = np.full((len(lengths), width), reader.missing, dtype=flat.dtype)
    position = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    matrix[np.arange(width) < lengths[:, None]] = flat[position < width]
    return matrix, count


def wrong_type(column: InputColumn, kind: str) -> RequestError:
    """A whole column is of a type that the model's input cannot be made of."""
    expected = reader_of(column).expected
    told = f"a list with {expected} each" if column.is_array else expected
    message = f"column {column.name}: expected {told} in every row, found {kind}"
    return RequestError("SR653", message, column=column.name, hint=f"the model takes {column.type}")


def lacking(missing: list[str], others: Iterable[str]) -> RequestError:
    """Inputs that a request of columns does not have; ``others`` are columns of no input."""
    near = misspelt(missing[0], others)
    return RequestError(
        "SR652",
        f"the columns lack feature(s) {', '.join(missing)}",
        hint=f"{near} {NULL_HINT}".strip(),
        column=missing[0] if len(missing) == 1 else None,
    )


def too_many_rows(rows: int, limit: int) -> RequestError:
    """413: more rows than the service takes."""
    return RequestError(
        "SR655",
        f"the request has {rows} rows; this service takes at most {limit}",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        hint="send the rows in several requests",
    )


def all_missing(column: InputColumn, rows: int) -> tuple[Array, int]:
    """The tensor of an input that is null in every row; ``RequestError`` SR655."""
    reader = reader_of(column)
    if column.is_array:
        check_matrix(column, rows, column.length or 1)
    shape = (rows, column.length or 1) if column.is_array else (rows,)
    return np.full(shape, reader.missing, dtype=_dtype(reader)), rows


def _dtype(reader: Reader) -> type[np.generic]:
    return np.object_ if reader is STRING else np.float32 if reader is FLOAT else np.int64


def _converted(reader: Reader, values: Values, column: InputColumn) -> tuple[Array, int]:
    """Values as the reader's tensor type, NULL as its missing value; raises :class:`Misfit`."""
    array, nulls = values.array, values.nulls
    if nulls is not None and nulls.all():
        return np.full(len(array), reader.missing, dtype=_dtype(reader)), len(array)
    if array.dtype.kind == "O":
        cells = array.tolist()
        if nulls is not None:
            cells = [None if null else cell for cell, null in zip(cells, nulls.tolist(), strict=True)]
        kinds = set(map(type, cells))
        if not kinds <= _TEXTS:
            raise wrong_type(column, values.kind)
        return (array, 0) if reader is STRING and kinds <= {str} else read_values(reader, cells)
    convert = _CONVERSIONS.get((reader, array.dtype.kind))
    if convert is None:
        raise wrong_type(column, values.kind)
    converted, missing = convert(array, nulls)
    if nulls is not None:
        missing = nulls if missing is None else nulls | missing
    if missing is None:
        return converted, 0
    return np.where(missing, converted.dtype.type(reader.missing), converted), int(missing.sum())


def _refuse(wrong: Array, nulls: Array | None, array: Array) -> None:
    """Raise :class:`Misfit` for the first wrong value that is not null."""
    if nulls is not None:
        wrong = wrong & ~nulls
    if wrong.any():
        index = int(wrong.argmax())
        raise Misfit(index, array[index].item())


Conversion = Callable[[Array, "Array | None"], "tuple[Array, Array | None]"]
"""An array and its nulls → the array as the model takes it, and which values are missing by themselves."""


def _same(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    return array.astype(np.int64, copy=False), None


def _unsigned(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    if array.dtype.itemsize == 8:
        _refuse(array > np.uint64(2**63 - 1), nulls, array)
    return array.astype(np.int64), None


def _whole(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    """Floats that are integers, as tables with a NULL in an integer column have them."""
    wide = array.astype(np.float64, copy=False)
    absent = np.isnan(wide)
    fits = (wide == np.trunc(wide)) & (wide >= -_INT64_END) & (wide < _INT64_END)
    _refuse(~(fits | absent), nulls, array)
    return np.where(fits, wide, 0).astype(np.int64), absent if absent.any() else None


def _zero_one(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    _refuse((array != 0) & (array != 1), nulls, array)
    return array.astype(np.int64, copy=False), None


def _days(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    return _counted(array.astype("M8[D]"))


def _microseconds(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    return _counted(array.astype("M8[us]"))


def _counted(times: Array) -> tuple[Array, Array | None]:
    absent = np.isnat(times)
    counts: Any = times.astype(np.int64)
    return counts, absent if absent.any() else None


def _float(array: Array, nulls: Array | None) -> tuple[Array, Array | None]:
    if array.dtype == np.float64:
        array = np.clip(array, -FLOAT32_MAX, FLOAT32_MAX)
    narrow = array.astype(np.float32, copy=False)
    if np.isinf(narrow).any():
        narrow = np.clip(narrow, -np.float32(FLOAT32_MAX), np.float32(FLOAT32_MAX))
    absent = np.isnan(narrow)
    return narrow, absent if absent.any() else None


_CONVERSIONS: dict[tuple[Reader, str], Conversion] = {
    (reader, kind): conversion
    for reader, kinds, conversion in (
        (INTEGER, "i", _same),
        (INTEGER, "u", _unsigned),
        (INTEGER, "f", _whole),
        (BOOLEAN, "b", _same),
        (BOOLEAN, "iu", _zero_one),
        (DATE, "i", _same),
        (DATE, "M", _days),
        (TIMESTAMP, "i", _same),
        (TIMESTAMP, "M", _microseconds),
        (FLOAT, "fiu", _float),
    )
    for kind in kinds
}


def _misfit_error(column: InputColumn, row: int, expected: str, found: object) -> RequestError:
    message = f"row {row}, column {column.name}: expected {expected}, found {describe(found)}"
    return RequestError("SR653", message, row=row, column=column.name)
