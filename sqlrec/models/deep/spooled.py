"""Training rows on disk: an epoch reads random blocks, many at once, and shuffles what it has read.

A row's company in a batch comes from all over the table, though it is read in long runs. Where in an
epoch a window of blocks begins follows from the seed alone, so an epoch can be entered anywhere without
reading what came before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sqlrec.models.deep.dataset import Batch
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Spool, empty_rows, row_bytes

BLOCK_ROWS = 2048
"""Rows that are read together."""
WINDOW_ROWS, WINDOW_BYTES = 1 << 18, 1 << 25
"""Rows that are shuffled together: as many blocks as stay below both."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A :class:`~sqlrec.models.deep.dataset.Dataset` of rows on the disks of one machine or several.

    ``spool`` has the rows of this machine and ``counts`` says how many each machine has, in the order of
    ranks. To each batch a machine brings rows in proportion to those it has.
    """

    spool: Spool
    counts: tuple[int, ...]

    @property
    def kept_in(self) -> str:
        """``disk``."""
        return "disk"

    def __len__(self) -> int:
        return sum(self.counts)

    def batches(
        self, epoch: int, batch_size: int, seed: int, group: Group, start_step: int = 0
    ) -> Iterator[Batch]:
        """See :meth:`sqlrec.models.deep.dataset.Dataset.batches`."""
        total, at_each = len(self), group.size // len(self.counts)
        machine, process = group.rank // at_each, Group(group.rank % at_each, at_each)
        shuffled = _Shuffled(self.spool, (seed, epoch))
        starts = (*range(start_step * batch_size, total, batch_size), total)
        bounds = ([count * start // total for count in self.counts] for start in starts)
        for first, last in pairwise(bounds):
            share = process.share(first[machine], last[machine])
            yield shuffled.rows(share.start, share.stop), sum(last) - sum(first)


class _Shuffled:
    """The rows of a spool in the order of one epoch; a window of them in memory."""

    def __init__(self, spool: Spool, seed: tuple[int, ...]) -> None:
        self.spool, self.seed = spool, seed
        blocks = -(-spool.count // BLOCK_ROWS)
        self.order = np.random.default_rng(seed).permutation(blocks)
        rows = min(WINDOW_ROWS, WINDOW_BYTES // max(row_bytes(spool.shapes), 1))
        self.at_once = max(rows // BLOCK_ROWS, 1)
        ends = np.minimum((self.order + 1) * BLOCK_ROWS, spool.count) - self.order * BLOCK_ROWS
        self.starts = [0, *np.cumsum(ends)[self.at_once - 1 :: self.at_once].tolist(), spool.count]
        self.window = -1
        self.held: tuple[Rows, Tensor] | None = None

    def rows(self, start: int, stop: int) -> Rows:
        """The rows at the places ``start`` to ``stop`` of the order; later calls ask for later places."""
        parts = []
        while start < stop:
            window = bisect_right(self.starts, start) - 1
            last = min(stop, self.starts[window + 1])
            parts.append(self._part(window, start - self.starts[window], last - self.starts[window]))
            start = last
        return _joined(parts) if parts else empty_rows(self.spool.shapes, 0)

    def _part(self, window: int, first: int, last: int) -> Rows:
        """Rows of one window, which is read when it is not the one in memory."""
        if self.held is None or self.window != window:
            self.held = None  # two windows are never in memory
            rows = self.spool.read(self._ranges(window))
            self.spool.expect(self._ranges(window + 1))
            order = np.random.default_rng((*self.seed, window)).permutation(len(rows))
            self.held, self.window = (rows, torch.from_numpy(order)), window
        rows, places = self.held
        return rows.take(places[first:last])

    def _ranges(self, window: int) -> list[tuple[int, int]]:
        blocks = self.order[window * self.at_once : (window + 1) * self.at_once] * BLOCK_ROWS
        return [(start, min(start + BLOCK_ROWS, self.spool.count)) for start in blocks.tolist()]


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    columns = [part.tensors for part in parts]
    return Rows.of({name: torch.cat([c[name] for c in columns]) for name in columns[0]})
