"""The embedding rows that a training starts from, as a whole or in blocks.

Rows that several processes divide among them are made block by block, so that no process ever holds all of
them; they are, bit for bit, those of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sqlrec.models.deep.embedding import INITIAL_STD, EmbeddingTable

ALIGNED = 16
"""torch draws normal numbers 16 at a time: blocks of so many rows draw what the whole draws."""


def bounds(rows: int, at_once: int) -> list[tuple[int, int]]:
    """First and last row of each block of at least ``at_once`` rows; the last one takes the rest."""
    step = -(-at_once // ALIGNED) * ALIGNED
    starts = [*range(0, max(rows - step + 1, 1), step)]
    return [*zip(starts, [*starts[1:], rows], strict=True)]


@dataclass(frozen=True, slots=True)
class Fresh:
    """New rows: small random deep vectors, wide weights zero; they follow from ``seed``."""

    rows: int
    width: int
    seed: int

    def whole(self) -> EmbeddingTable:
        """All rows."""
        return EmbeddingTable.new(self.rows, self.width, self.seed)

    def blocks(self, at_once: int) -> Iterator[EmbeddingTable]:
        """The rows between :func:`bounds`."""
        generator = torch.Generator().manual_seed(self.seed)
        for start, stop in bounds(self.rows, at_once):
            weight = torch.empty(stop - start, self.width).normal_(std=INITIAL_STD, generator=generator)
            weight[:, -1] = 0
            yield EmbeddingTable(weight, torch.zeros(stop - start))


@dataclass(frozen=True, slots=True)
class Grown:
    """Rows of another training: row ``i`` is its row ``origin[i]``, without a past where ``is_new``."""

    base: EmbeddingTable
    origin: Tensor
    is_new: Tensor

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.origin)

    @property
    def width(self) -> int:
        """Entries of a row."""
        return self.base.weight.shape[1]

    def whole(self) -> EmbeddingTable:
        """All rows."""
        return self.base.extended(self.origin, self.is_new)

    def blocks(self, at_once: int) -> Iterator[EmbeddingTable]:
        """The rows between :func:`bounds`."""
        for start, stop in bounds(self.rows, at_once):
            yield self.base.extended(self.origin[start:stop], self.is_new[start:stop])


Beginning = Fresh | Grown
