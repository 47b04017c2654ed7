"""Values a model knows by name: integers, booleans and strings → row numbers.

Codes: 0 is missing, ``1 … n`` the fitted values (most frequent first, equal counts in value order), and
``n + 1`` every other value ("unseen"). Values seen fewer than :data:`MIN_COUNT` times in training are
not kept: one example teaches an embedding nothing, but all of them together train the unseen row, which
is what a new value gets when the model is served. Of more values than ``capacity`` the most frequent
stay; sharing one unseen row among the rest keeps the encoding exact and the same in every runtime,
where hashing them would mix rare values with each other at random.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.features.counts import Counts
from sqlrec.features.raw import MISSING, Tensor

MIN_COUNT = 2
EXACT_VALUES = 1 << 20
"""Distinct values of a column in blocks that are counted exactly whatever its capacity."""


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Known values in code order. ``keys[0]`` is the missing value of the tensor type."""

    tensor: Tensor
    keys: pa.Array

    @property
    def unseen(self) -> int:
        """Code of values that are not known, the largest code."""
        return len(self.keys)

    def lookup(self, values: Any) -> npt.NDArray[np.int64]:
        """Codes ``[rows]`` of a canonical column (see :mod:`sqlrec.features.raw`)."""
        filled = values.fill_null(MISSING[self.tensor])
        codes = pc.index_in(filled, value_set=self.keys.cast(values.type))
        if isinstance(codes, pa.ChunkedArray):
            codes = codes.combine_chunks()
        known = codes.fill_null(self.unseen).to_numpy(zero_copy_only=False)
        return np.asarray(known, dtype=np.int64)

    @classmethod
    def fit(cls, blocks: Iterable[Any], tensor: Tensor, capacity: int) -> Vocabulary:
        """The vocabulary of the blocks of a canonical training column, at most ``capacity`` values.

        It is exact up to ``max(EXACT_VALUES, 2 * capacity)`` distinct values, and for a column of one block.
        """
        counts = Counts(limit=max(EXACT_VALUES, 2 * capacity))
        for values in blocks:
            counts.add(values)
        table, missing = counts.table(), MISSING[tensor]
        known = pc.fill_null(pc.not_equal(table["value"], pa.scalar(missing, table["value"].type)), False)
        table = table.filter(pc.and_(known, pc.greater_equal(table["count"], MIN_COUNT)))
        table = table.sort_by([("count", "descending"), ("value", "ascending")])
        return cls.of(table["value"].slice(0, max(capacity, 0)).to_pylist(), tensor)

    @classmethod
    def of(cls, values: list[int] | list[str], tensor: Tensor) -> Vocabulary:
        """The vocabulary of these values, in this order."""
        kind = pa.string() if tensor is Tensor.STRING else pa.int64()
        return cls(tensor, pa.array([MISSING[tensor], *values], kind))

    @property
    def values(self) -> list[Any]:
        """The known values in code order, without the missing value."""
        return list(self.keys.slice(1).to_pylist())
