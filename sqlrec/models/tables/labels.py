"""Label columns: which values each objective accepts, and the numbers that models learn from.

A column may come in blocks; ``before`` is the number of rows of earlier blocks, for the row numbers of
messages. Classes are found in a first pass (:func:`class_values`), since codes follow their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError
from sqlrec.models.objective import Objective
from sqlrec.models.tables.cells import SHOWN, doubles, is_number, refuse_missing, rows, shown

ClassValue = bool | int | str
Floats = npt.NDArray[np.float32]

MAX_CLASSES = 1000
"""More distinct labels than these are no classes."""
SEARCHED = 1000
"""Rows that examples of bad values are taken from."""
MAX_RELEVANCE = 30
"""Gains are 2^relevance - 1; the libraries that rank accept no more."""


def read_labels(
    column: pa.ChunkedArray,
    name: str,
    source: str,
    *,
    objective: Objective = Objective.BINARY,
    classes: Sequence[ClassValue] = (),
    before: int = 0,
) -> Floats:
    """Labels float32 ``[rows]`` of a column.

    ``BINARY`` and ``RETRIEVAL``: 0 and 1 (any number type) or booleans. ``REGRESSION``: finite numbers.
    ``RANKING``: relevance, whole numbers from 0 to :data:`MAX_RELEVANCE`. ``MULTICLASS``: positions in
    ``classes``. Raises ``DataError`` SR453 (no value) and SR454 (a value that is no such label).
    """
    what = f"label column {name!r} of {source}"
    refuse_missing(column, what, name, code="SR453", before=before)
    match objective:
        case Objective.MULTICLASS:
            return _codes(column, what, classes, before)
        case Objective.BINARY | Objective.RETRIEVAL:
            return _zero_or_one(column, what, before)
        case Objective.RANKING:
            return _relevance(column, what, before)
        case Objective.REGRESSION:
            return _finite(column, what, before)
        case Objective.CLUSTERING | Objective.TRANSFORM:
            raise ValueError(f"{objective} has no labels")
        case _:
            assert_never(objective)


def class_values(columns: Iterable[pa.ChunkedArray], name: str, source: str) -> tuple[ClassValue, ...]:
    """The distinct labels of the blocks of a column, sorted: integers, strings or booleans.

    NULLs are passed over (:func:`read_labels` refuses them by row). Raises ``DataError`` SR454 for values
    of another type and SR540 for more than :data:`MAX_CLASSES`.
    """
    what = f"label column {name!r} of {source}"
    found: set[ClassValue] = set()
    for column in columns:
        _require_class_type(column.type, column, what)
        found.update(value for value in pc.unique(column).to_pylist() if value is not None)
        if len(found) > MAX_CLASSES:
            raise DataError(
                "SR540",
                f"{what} has more than {MAX_CLASSES:,} distinct values, too many for classes",
                hint="set objective = 'regression' for a number, or group rare classes in the query",
            )
    return tuple(sorted(found))


def _require_class_type(kind: pa.DataType, column: pa.ChunkedArray, what: str) -> None:
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (pa.types.is_boolean(kind) or pa.types.is_integer(kind) or is_text or pa.types.is_null(kind)):
        raise DataError(
            "SR454",
            f"{what} holds {kind} values such as {_examples(column)}",
            hint="a class is an integer, a string or a BOOLEAN: CAST it in the query",
        )


def _codes(column: pa.ChunkedArray, what: str, classes: Sequence[ClassValue], before: int) -> Floats:
    _require_class_type(column.type, column, what)
    code = {value: position for position, value in enumerate(classes)}
    encoded = pc.dictionary_encode(column).combine_chunks()
    values = encoded.dictionary.to_pylist()
    numbers = np.array([code.get(value, -1) for value in values] or [0], np.float32)
    labels: Floats = np.take(numbers, encoded.indices.to_numpy(zero_copy_only=False))
    unknown = labels < 0
    if unknown.any():
        strange = ", ".join([repr(v) for v in values if v not in code][:SHOWN])
        raise DataError(
            "SR454",
            f"{what} holds {strange} in {rows(unknown, before)}, which the training table does not have",
            hint="train on a table with all classes, or leave these rows out",
        )
    return labels


def _zero_or_one(column: pa.ChunkedArray, what: str, before: int) -> Floats:
    if not (pa.types.is_boolean(column.type) or is_number(column.type)):
        raise DataError(
            "SR454",
            f"{what} holds {column.type} values such as {_examples(column)}",
            hint="a label is 0 or 1, or BOOLEAN: compute it in the query, e.g. rating >= 4 AS label",
        )
    values = doubles(column)
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        raise DataError(
            "SR454",
            f"{what} holds {shown(values[wrong])} in {rows(wrong, before)}",
            hint="a label is 0 or 1: compute it in the query, e.g. rating >= 4 AS label",
        )
    return values.astype(np.float32)


def _finite(column: pa.ChunkedArray, what: str, before: int) -> Floats:
    values = _numbers(column, what, "a label of a regression is a number")
    with np.errstate(over="ignore"):
        labels = values.astype(np.float32)
    wrong = ~np.isfinite(labels)
    if wrong.any():
        raise DataError(
            "SR454",
            f"{what} holds {shown(values[wrong])} in {rows(wrong, before)}",
            hint="a label of a regression is a finite number of type FLOAT: filter or scale it in the query",
        )
    return labels


def _relevance(column: pa.ChunkedArray, what: str, before: int) -> Floats:
    values = _numbers(column, what, "a label of a ranking is the relevance of the row")
    wrong = ~((values >= 0) & (values <= MAX_RELEVANCE) & (values == np.floor(values)))
    if wrong.any():
        raise DataError(
            "SR454",
            f"{what} holds {shown(values[wrong])} in {rows(wrong, before)}",
            hint=f"the relevance of a row is a whole number from 0 to {MAX_RELEVANCE}, the best highest",
        )
    return values.astype(np.float32)


def _numbers(column: pa.ChunkedArray, what: str, rule: str) -> npt.NDArray[np.float64]:
    if not (pa.types.is_boolean(column.type) or is_number(column.type)):
        raise DataError(
            "SR454",
            f"{what} holds {column.type} values such as {_examples(column)}",
            hint=f"{rule}: CAST or compute it in the query",
        )
    return doubles(column)


def _examples(column: pa.ChunkedArray) -> str:
    seen = dict.fromkeys(map(repr, column.slice(0, SEARCHED).to_pylist()))
    return ", ".join(list(seen)[:SHOWN])
