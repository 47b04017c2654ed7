"""Training rows that are read in blocks, as often as it takes: what an encoder is fitted on.

A column is read by itself, block by block, so that fitting takes the memory of one block and of what is
learnt, whatever the rows weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from sqlrec.features.columns import FeatureConfig
from sqlrec.features.raw import canonical, find_name


class Blocks(Protocol):
    """Rows in a fixed order."""

    @property
    def num_rows(self) -> int:
        """All rows."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Blocks of some columns from the first row on, the same at every call."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A table in memory as one block."""

    table: pa.Table

    @property
    def num_rows(self) -> int:
        """All rows."""
        return int(self.table.num_rows)

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""
        return self.table.schema

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The table's columns, once."""
        yield self.table.select(columns)


@dataclass(frozen=True, slots=True)
class Column:
    """A feature's column in its canonical type; every iteration reads it anew.

    Iterating raises ``DataError`` SR442 and, when it begins, ``SchemaError`` SR440.
    """

    blocks: Blocks
    config: FeatureConfig

    def __iter__(self) -> Iterator[Any]:
        name = find_name(self.blocks.schema.names, self.config.name)
        for block in self.blocks.read([name]):
            yield canonical(block.column(name), self.config.name, self.config.type)
