"""Training rows on disk: an epoch reads random blocks, many at once, and shuffles what it has read.

A row's company in a batch comes from all over the table, though it is read in long runs. Where in an
epoch a window of blocks begins follows from the seed alone, so an epoch can be entered anywhere without
reading what came before, and every machine knows the whole order though it has a part of the rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.models.deep.dataset import Batch
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Spool, empty_rows, row_bytes

Numbers = npt.NDArray[np.int64]

BLOCK_ROWS = 2048
"""Rows that are read together."""
WINDOW_ROWS, WINDOW_BYTES = 1 << 18, 1 << 25
"""Rows that are shuffled together: as many blocks as stay below both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one of several machines, which have ``unit`` rows in turn of ``rows`` rows in all."""

    rows: int
    unit: int
    machine: int = 0
    machines: int = 1

    @classmethod
    def whole(cls, rows: int) -> Part:
        """All rows, on one machine."""
        return cls(rows=rows, unit=max(rows, 1))

    def owner(self, rows: Numbers) -> Numbers:
        """The machine of each of the rows."""
        return rows // self.unit % self.machines

    def places(self, rows: Numbers) -> Numbers:
        """Where rows of this machine are among its own; rows in a row stay so."""
        return rows // (self.unit * self.machines) * self.unit + rows % self.unit


@dataclass(frozen=True, slots=True)
class Spooled:
    """A :class:`~sqlrec.models.deep.dataset.Dataset` of rows on the disks of one machine or several.

    ``spool`` has the rows of this machine, ``part`` says which these are. To a batch each machine brings
    those that it has, so batches are the same on however many machines.
    """

    spool: Spool
    part: Part

    @property
    def kept_in(self) -> str:
        """``disk``."""
        return "disk"

    def __len__(self) -> int:
        return self.part.rows

    def batches(
        self, epoch: int, batch_size: int, seed: int, group: Group, start_step: int = 0
    ) -> Iterator[Batch]:
        """See :meth:`sqlrec.models.deep.dataset.Dataset.batches`."""
        total, at_each = len(self), group.size // self.part.machines
        process = Group(group.rank % at_each, at_each)
        shuffled = _Shuffled(self.spool, self.part, (seed, epoch))
        for start in range(start_step * batch_size, total, batch_size):
            stop = min(start + batch_size, total)
            yield shuffled.rows(start, stop, process), stop - start


@dataclass(frozen=True, slots=True)
class _Window:
    """Rows that are shuffled together, in their new order: ``places`` int64 among those of this machine.

    The place of another machine's row is -1. ``ranges`` are this machine's rows in its spool.
    """

    places: Tensor
    ranges: list[tuple[int, int]]


class _Shuffled:
    """The rows of all machines in the order of one epoch; a window of this machine's in memory."""

    def __init__(self, spool: Spool, part: Part, seed: tuple[int, ...]) -> None:
        self.spool, self.part, self.seed = spool, part, seed
        self.order = np.random.default_rng(seed).permutation(-(-part.rows // BLOCK_ROWS))
        rows = min(WINDOW_ROWS, WINDOW_BYTES // max(row_bytes(spool.shapes), 1))
        self.at_once = max(rows // BLOCK_ROWS, 1)
        ends = np.minimum((self.order + 1) * BLOCK_ROWS, part.rows) - self.order * BLOCK_ROWS
        self.starts = [0, *np.cumsum(ends)[self.at_once - 1 :: self.at_once].tolist(), part.rows]
        self.windows: dict[int, _Window] = {}
        self.held: tuple[int, Rows] | None = None

    def rows(self, start: int, stop: int, process: Group) -> Rows:
        """A process's share of this machine's rows at the places ``start`` to ``stop`` of the order.

        Later calls ask for later places.
        """
        mine = []
        while start < stop:
            number = bisect_right(self.starts, start) - 1
            first, last = start - self.starts[number], min(stop, self.starts[number + 1])
            places = self._window(number).places[first : last - self.starts[number]]
            mine.append((number, places[places >= 0]))
            start = last
        share, at, parts = process.share(0, sum(len(places) for _, places in mine)), 0, []
        for number, places in mine:
            taken = places[max(share.start - at, 0) : max(share.stop - at, 0)]
            at += len(places)
            if len(taken):
                parts.append(self._read(number).take(taken))
        return _joined(parts) if parts else empty_rows(self.spool.shapes, 0)

    def _read(self, number: int) -> Rows:
        """This machine's rows of a window, which are read when they are not those in memory."""
        if self.held is None or self.held[0] != number:
            self.held = None  # two windows are never in memory
            rows = self.spool.read(self._window(number).ranges)
            if number + 2 < len(self.starts):
                self.spool.expect(self._window(number + 1).ranges)
            self.held = number, rows
        return self.held[1]

    def _window(self, number: int) -> _Window:
        if number not in self.windows:
            self.windows = {other: w for other, w in self.windows.items() if other >= number - 1}
            self.windows[number] = self._made(number)
        return self.windows[number]

    def _made(self, number: int) -> _Window:
        blocks = self.order[number * self.at_once : (number + 1) * self.at_once] * BLOCK_ROWS
        rows = (blocks[:, None] + np.arange(BLOCK_ROWS)).ravel()
        rows = rows[rows < self.part.rows]
        is_mine = self.part.owner(rows) == self.part.machine
        spooled = self.part.places(rows[is_mine])
        places = np.where(is_mine, np.cumsum(is_mine) - 1, -1)
        order = np.random.default_rng((*self.seed, number)).permutation(len(rows))
        ends = np.flatnonzero(np.diff(spooled, append=-1) != 1)
        starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
        ranges = zip(spooled[starts].tolist(), (spooled[ends] + 1).tolist(), strict=True)
        return _Window(torch.from_numpy(places[order]), list(ranges))


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    columns = [part.tensors for part in parts]
    return Rows.of({name: torch.cat([c[name] for c in columns]) for name in columns[0]})
