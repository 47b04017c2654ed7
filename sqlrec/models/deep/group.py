"""The processes of one training job and what they exchange (torch.distributed over gloo).

A job of one process is a group of one, for which every exchange is free. torchrun tells a process its
place through ``RANK`` and ``WORLD_SIZE``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from sqlrec.errors import SqlRecError
from sqlrec.models.deep.embedding import sum_by_row

T = TypeVar("T")
TIMEOUT = timedelta(hours=2)
"""Longest wait for another process: reading and encoding a large table happens on the first one only."""


@dataclass(frozen=True, slots=True)
class Group:
    """This process's place among ``size`` processes. ``rank`` 0 is the root: it reads and writes."""

    rank: int = 0
    size: int = 1

    @property
    def is_root(self) -> bool:
        """Whether this process reads the data and writes the result."""
        return self.rank == 0

    def share(self, start: int, stop: int) -> slice:
        """This process's contiguous part of the rows ``[start, stop)`` of a global batch."""
        count = stop - start
        return slice(start + count * self.rank // self.size, start + count * (self.rank + 1) // self.size)

    def from_root(self, make: Callable[[], T]) -> T:
        """What ``make`` returns on the root, on every process; an error of ours is raised on every one."""
        if self.size == 1:
            return make()
        message: list[object] = [None, None]
        if self.is_root:
            try:
                message = [make(), None]
            except SqlRecError as error:
                message = [None, error]
        dist.broadcast_object_list(message, src=0)
        if isinstance(message[1], SqlRecError):
            raise message[1]
        return cast(T, message[0])

    def on_root(self, make: Callable[[], T]) -> T | None:
        """What ``make`` returns on the root, None elsewhere; an error of ours is raised on every process."""
        made: list[T] = []
        self.from_root(lambda: made.append(make()))
        return made[0] if made else None

    def on_all(self, make: Callable[[], T]) -> T:
        """What ``make`` returns on each process; an error of ours on any is raised on every one."""
        made, mine = None, None
        try:
            made = make()
        except SqlRecError as error:
            mine = error
        if found := next(filter(None, self.from_all(mine)), None):
            raise found
        return cast(T, made)

    def from_all(self, value: T) -> list[T]:
        """Everyone's ``value``, in the order of ranks, on every process."""
        if self.size == 1:
            return [value]
        values: list[T | None] = [None] * self.size
        dist.all_gather_object(values, value)
        return cast(list[T], values)

    def tensors_from_root(self, tensors: tuple[Tensor, ...] | None) -> tuple[Tensor, ...]:
        """The root's tensors on every process; others pass None."""
        if self.size == 1:
            assert tensors is not None
            return tensors
        shapes = self.from_root(lambda: [(t.shape, t.dtype) for t in tensors or ()])
        mine = tensors or tuple(torch.empty(shape, dtype=dtype) for shape, dtype in shapes)
        for tensor in mine:
            dist.broadcast(tensor, src=0)
        return mine

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of everyone's ``tensor``, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, module: torch.nn.Module, flags: tuple[float, ...] = ()) -> tuple[float, ...]:
        """Sum the dense gradients of all processes, and ``flags``, in one exchange; gives the flags."""
        if self.size == 1:
            return flags
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        parts = [*(g.reshape(-1) for g in gradients), torch.tensor(flags)]
        *summed, told = torch.split(self.sum(torch.cat(parts)), [part.numel() for part in parts])
        for gradient, part in zip(gradients, summed, strict=True):
            gradient.copy_(part.view_as(gradient))
        return tuple(told.tolist())

    def sum_rows(self, rows: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Distinct embedding rows of all processes and the sum of their gradients.

        Processes bring different numbers of rows; shorter ones are filled with row 0 and no gradient.
        """
        if self.size == 1:
            return rows, gradient
        counts = torch.zeros(self.size, dtype=torch.int64)
        counts[self.rank] = len(rows)
        missing = int(self.sum(counts).max()) - len(rows)
        rows = torch.nn.functional.pad(rows, (0, missing))
        gradient = torch.nn.functional.pad(gradient, (0, 0, 0, missing))
        all_rows = [torch.empty_like(rows) for _ in range(self.size)]
        all_gradients = [torch.empty_like(gradient) for _ in range(self.size)]
        dist.all_gather(all_rows, rows)
        dist.all_gather(all_gradients, gradient)
        return sum_by_row(torch.cat(all_rows), torch.cat(all_gradients))


@contextmanager
def joined() -> Iterator[Group]:
    """The group that torchrun started this process in; a group of one without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Group()
        return
    dist.init_process_group("gloo", timeout=TIMEOUT)
    try:
        yield Group(rank=dist.get_rank(), size=size)
    finally:
        dist.destroy_process_group()
