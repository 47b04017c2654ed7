"""Training rows in memory: an epoch is one permutation of all of them, gathered in windows of batches.

One gather for many batches is several times faster than one a batch, and a window is small beside the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from sqlrec.models.deep.dataset import Batch
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows

WINDOW_ROWS = 1 << 18
"""Rows gathered at once."""


@dataclass(frozen=True, slots=True)
class InMemory:
    """A :class:`~sqlrec.models.deep.dataset.Dataset` of rows that every process of the job holds."""

    rows: Rows

    @property
    def kept_in(self) -> str:
        """``memory``."""
        return "memory"

    def __len__(self) -> int:
        return len(self.rows)

    def batches(
        self, epoch: int, batch_size: int, seed: int, group: Group, start_step: int = 0
    ) -> Iterator[Batch]:
        """See :meth:`sqlrec.models.deep.dataset.Dataset.batches`."""
        count = len(self)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + epoch))
        starts = range(start_step * batch_size, count, batch_size)
        at_once = max(WINDOW_ROWS // batch_size, 1)
        for first in range(0, len(starts), at_once):
            window = starts[first : first + at_once]
            shares = [group.share(start, min(start + batch_size, count)) for start in window]
            mine = self.rows.take(torch.cat([order[share] for share in shares]))
            at = 0
            for start, share in zip(window, shares, strict=True):
                length = share.stop - share.start
                yield mine.slice(at, at + length), min(batch_size, count - start)
                at += length
