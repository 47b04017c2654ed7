"""Columns that say something about rows and are no features: weights and groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError, SchemaError
from sqlrec.models.tables.cells import doubles, is_number, refuse_missing, rows, shown

NO_GROUP = -1
"""The group of a row whose group column is NULL."""


def read_weights(
    column: pa.ChunkedArray, name: str, source: str, *, before: int = 0
) -> npt.NDArray[np.float32]:
    """Weights float32 ``[rows]``: finite numbers above 0; ``DataError`` SR541 for others."""
    what = f"sample_weight_column {name!r} of {source}"
    hint = "a weight is a finite number above 0; leave out the rows that should not count"
    refuse_missing(column, what, name, code="SR541", before=before)
    if not is_number(column.type):
        raise DataError("SR541", f"{what} holds {column.type} values", hint=hint)
    values = doubles(column)
    with np.errstate(over="ignore", under="ignore"):
        weights = values.astype(np.float32)
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        raise DataError("SR541", f"{what} holds {shown(values[wrong])} in {rows(wrong, before)}", hint=hint)
    return weights


@dataclass(slots=True)
class Groups:
    """Numbers, from 0 in order of appearance, for the values of a column that may come in blocks."""

    _known: dict[object, int] = field(default_factory=dict)

    def codes(self, column: pa.ChunkedArray, name: str) -> npt.NDArray[np.int64]:
        """The number of each row's value; :data:`NO_GROUP` for NULL; ``SchemaError`` SR534 for an array."""
        if pa.types.is_nested(column.type):
            message = f"group_column {name!r} is {column.type}"
            raise SchemaError("SR534", message, hint="a group is a plain value")
        encoded: Any = pc.dictionary_encode(column).combine_chunks()
        values = encoded.dictionary.to_pylist()
        numbers = [self._known.setdefault(value, len(self._known)) for value in values]
        table: npt.NDArray[np.int64] = np.array([*numbers, NO_GROUP], np.int64)
        indices: npt.NDArray[Any] = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return np.take(table, indices)
