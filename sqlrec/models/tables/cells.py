"""What is said about the cells of a column: which rows are wrong, with which values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.errors import DataError

SHOWN = 5
"""Values and row numbers named in a message."""

Mask = npt.NDArray[np.bool_]


def is_number(kind: pa.DataType) -> bool:
    """Whether an Arrow type is an integer, a float or a decimal."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def doubles(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A column of numbers or booleans, without NULLs, as float64 ``[rows]``."""
    values: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return values


def refuse_missing(column: pa.ChunkedArray, what: str, name: str, *, code: str, before: int) -> None:
    """Raise ``DataError`` of ``code`` when a cell is NULL or NaN; ``what`` says whose column it is."""
    empty: Mask = np.asarray(column.is_null(nan_is_null=True).to_numpy(), dtype=np.bool_)
    if empty.any():
        raise DataError(
            code,
            f"{what} has no value in {rows(empty, before)}",
            hint=f"leave them out: WHERE {name} IS NOT NULL",
        )


def rows(wrong: Mask, before: int = 0) -> str:
    """``3 of 100 rows (row 1, 7, 9)``; rows are counted from 1, after ``before`` earlier ones."""
    places = np.flatnonzero(wrong) + before + 1
    shown = ", ".join(str(p) for p in places[:SHOWN]) + (", …" if len(places) > SHOWN else "")
    return f"{len(places):,} of {len(wrong):,} rows (row {shown})"


def shown(values: npt.NDArray[Any]) -> str:
    """The smallest distinct values of ``values``, a few of them."""
    distinct = np.unique(values)[:SHOWN].tolist()
    return ", ".join(f"{v:g}" if isinstance(v, float) else repr(v) for v in distinct)
