"""Embedding rows that are divided among the processes of a job, each of which holds and learns its share.

A batch borrows the distinct rows that it needs and works on them as on a small table of its own. What divides
and exchanges rows, and takes the optimiser's steps where they are, is behind :class:`Shards`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from sqlrec.models.deep.beginning import Beginning
from sqlrec.models.deep.dealing import Span, collected, deal
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.rows import Rows

T = TypeVar("T")


class Shards(Protocol):
    """The shares of all processes. Every process calls :meth:`fetch` at once, and nothing else is common."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """Which process holds which rows."""

    def begin(self, learning_rate: float) -> None:
        """Steps along what is fetched from now on have this learning rate."""

    def fetch(self, rows: Tensor) -> Tensor:
        """The ``rows`` [n], int64, distinct, ascending, as [n, entries]; a row may have unused entries.

        Going backward through the result, which all processes do at once, is a step of the optimiser.
        """

    def take(self, start: int, stop: int) -> EmbeddingTable:
        """A copy of rows of this process."""

    def keep(self, start: int, rows: EmbeddingTable) -> None:
        """Put rows of this process in their place."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What this process holds, sharing its memory."""


class ShardedTable:
    """A table of ``rows`` rows of ``width`` entries in ``shards``."""

    def __init__(self, shards: Shards, group: Group, width: int) -> None:
        self.shards, self.group, self.width = shards, group, width
        self.rows = max(span.stop for span in shards.spans)
        self._lent: tuple[Tensor, Tensor] | None = None
        self._is_asked = False
        self._check: Callable[[], None] = lambda: None

    def start(self, beginning: Beginning | None) -> None:
        """Take over the rows that a training starts from; the root gives them."""
        deal(self.group, self.shards.spans, self.width, beginning, self.shards.keep)

    def blocks(self) -> Iterator[EmbeddingTable]:
        """All rows in their order, on the root; the others go along."""
        return collected(self.group, self.shards.spans, self.width, self.shards.take)

    def begin(self, learning_rate: float) -> None:
        """See :meth:`Shards.begin`."""
        self.shards.begin(learning_rate)

    def borrow(self, batch: Rows) -> tuple[EmbeddingTable, Rows]:
        """A batch's rows as a table, and the batch by their numbers in it; all processes do this at once.

        With gradients the rows stay borrowed for :meth:`update`.
        """
        parts = (batch.ids, *batch.bags, *batch.histories)
        numbers = torch.cat([part.reshape(-1) for part in parts])
        found, places = torch.unique(numbers, return_inverse=True)
        wanted = found[found >= 0].long()
        places = places.sub_(len(found) - len(wanted)).to(numbers.dtype)  # no value stays -1
        fetched = self._fetch(wanted, learns=torch.is_grad_enabled())
        weight = fetched.detach()[:, : self.width]
        if not len(wanted):
            weight = weight.new_zeros(1, self.width)  # where the absent values of a bag point to
        split = [
            place.view(part.shape)
            for place, part in zip(places.split([part.numel() for part in parts]), parts, strict=True)
        ]
        bags = 1 + len(batch.bags)
        renumbered = replace(batch, ids=split[0], bags=tuple(split[1:bags]), histories=tuple(split[bags:]))
        return EmbeddingTable(weight.contiguous(), weight.new_empty(0)), renumbered

    def norm(self, rows: Tensor, gradient: Tensor) -> float:
        """Norm of the sum of all processes' gradients of what they borrowed."""
        return float(self.group.sum_rows(self._borrowed[0][rows.long()], gradient)[1].norm())

    def update(self, rows: Tensor, gradient: Tensor) -> None:
        """One step for what was borrowed, of which ``rows`` have a ``gradient``, on all processes at once.

        The owners sum up the gradients of all processes. Rate and decay are those that the shards know.
        """
        _, fetched = self._borrowed
        self._lent = None
        upstream = fetched.new_zeros(fetched.shape)
        upstream[rows.long(), : self.width] = gradient
        torch.autograd.backward(fetched, upstream)

    @property
    def _borrowed(self) -> tuple[Tensor, Tensor]:
        assert self._lent is not None, "rows are borrowed before they are changed"
        return self._lent

    def _fetch(self, wanted: Tensor, *, learns: bool) -> Tensor:
        if self._is_asked:
            self._check()
            self._tell(True)
        with torch.inference_mode(False), torch.set_grad_enabled(learns):
            fetched = self.shards.fetch(wanted.clone())
        self._lent = (wanted, fetched) if learns else None
        return fetched

    @property
    def is_finite(self) -> bool:
        """Whether the rows of this process are numbers."""
        return all(bool(tensor.isfinite().all()) for tensor in self.shards.tensors.values())

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The share of this process."""
        return self.shards.tensors

    def put(self, tensors: dict[str, Tensor]) -> None:
        """Go back to a copy of :attr:`tensors`."""
        for name, tensor in self.shards.tensors.items():
            tensor.copy_(tensors[name])

    def answering(self, make: Callable[[], T], check: Callable[[], None] = lambda: None) -> T:
        """What ``make`` gives on the root, on all; meanwhile the others give the root the rows it borrows.

        ``check`` runs before each borrowing and may end the work.
        """
        if not self.group.is_root:
            while self._tell(False):
                self._fetch(torch.empty(0, dtype=torch.int64), learns=False)
            return self.group.from_root(make)

        def asking() -> T:
            self._is_asked, self._check = True, check
            try:
                return make()
            finally:
                self._is_asked = False
                self._tell(False)

        with torch.no_grad():
            return self.group.from_root(asking)

    def _tell(self, more: bool) -> bool:
        """Whether the root borrows once ``more``."""
        return bool(self.group.sum(torch.tensor([float(more and self.group.is_root)])))
