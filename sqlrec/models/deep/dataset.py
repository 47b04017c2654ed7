"""The rows that a trainer sees: where they are kept, and in which order an epoch gives them.

Rows are held in memory (:mod:`sqlrec.models.deep.in_memory`) or, when they are more than that, on local
disk (:mod:`sqlrec.models.deep.spooled`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows

Batch = tuple[Rows, int]
"""This process's share of a global batch, and the rows of the global batch."""


class Dataset(Protocol):
    """Training rows. A job's processes hold data sets of the same length, and each asks for its share."""

    @property
    def kept_in(self) -> str:
        """``memory`` or ``disk``; the same rows have another order in each."""

    def __len__(self) -> int:
        """Rows of an epoch, over all processes."""

    def batches(
        self, epoch: int, batch_size: int, seed: int, group: Group, start_step: int = 0
    ) -> Iterator[Batch]:
        """The batches of an epoch from the ``start_step``-th on: ceil(rows / batch_size) - ``start_step``.

        Every row is in one share of one batch. The order depends on ``seed`` and ``epoch`` alone, and the
        later batches are the same wherever the epoch is entered.
        """
