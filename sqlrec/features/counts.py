"""How often each value of a column occurs, counted over a stream in bounded memory.

Counts of blocks are merged. Of more distinct values than the limit the rarest are forgotten, so that a
count may be too low by what was forgotten before (lossy counting, Manku and Motwani 2002): a value that is
frequent throughout is never lost, and below the limit counts are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PENDING = 16
"""Counts of blocks that wait at least until they are merged."""

_WIDE = {pa.string(): pa.large_string()}


@dataclass(slots=True)
class Counts:
    """Counts of at most ``limit`` values between blocks; ``forgotten`` bounds the error of any count."""

    limit: int
    forgotten: int = 0
    _parts: list[pa.Table] = field(default_factory=list)
    _merged: int = 0

    def add(self, values: Any) -> None:
        """Count the values of an array of integers or text."""
        counted = pc.value_counts(values)
        keys = counted.field("values")
        keys = keys.cast(_WIDE.get(keys.type, keys.type))
        self._parts.append(pa.table({"value": keys, "count": counted.field("counts")}))
        waiting = sum(part.num_rows for part in self._parts) - self._merged
        if len(self._parts) > PENDING and waiting >= self._merged:
            self._merge()

    def table(self) -> pa.Table:
        """Columns ``value`` and ``count``, in no order; NULL is a value."""
        self._merge()
        return self._parts[0]

    def _merge(self) -> None:
        if len(self._parts) > 1:
            grouped = pa.concat_tables(self._parts).group_by("value", use_threads=False)
            merged = grouped.aggregate([("count", "sum")]).rename_columns(["value", "count"])
            if merged.num_rows > self.limit:
                merged = self._forget(merged)
            self._parts = [merged]
        self._merged = self._parts[0].num_rows

    def _forget(self, table: pa.Table) -> pa.Table:
        """The more frequent half of what the limit allows."""
        counts = table["count"].to_numpy()
        keep = self.limit // 2
        cut = int(np.partition(counts, len(counts) - keep - 1)[len(counts) - keep - 1])
        self.forgotten += cut
        return table.filter(pc.greater(table["count"], cut)).combine_chunks()
