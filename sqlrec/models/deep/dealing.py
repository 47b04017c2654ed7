"""Embedding rows on their way between the root process and those that hold them, block by block.

The root makes the rows that a training starts from and writes the checkpoint; neither needs memory for more
than one block, and no file system is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from sqlrec.models.deep.beginning import Beginning, bounds
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.group import Group

SENT_BYTES = 1 << 24
"""Size of a block."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The rows ``[start, stop)``, which the process ``owner`` holds."""

    start: int
    stop: int
    owner: int


def deal(
    group: Group,
    spans: Sequence[Span],
    width: int,
    beginning: Beginning | None,
    keep: Callable[[int, EmbeddingTable], None],
) -> None:
    """Give each process the rows of its spans, which ``keep(start, rows)`` takes; the root has the beginning.

    Spans cover all rows, without overlap.
    """
    blocks = beginning.blocks(_at_once(width)) if beginning else None
    for (start, _), pieces in _pieces(spans, width):
        block = next(blocks) if blocks else None
        for piece in pieces:
            rows = None if block is None else _packed(_cut(block, piece.start - start, piece.stop - start))
            if piece.owner != 0 and rows is not None:
                dist.send(rows, piece.owner)
            elif piece.owner == group.rank:
                rows = _received(piece, width) if rows is None else rows
                keep(piece.start, _unpacked(rows))


def collected(
    group: Group, spans: Sequence[Span], width: int, take: Callable[[int, int], EmbeddingTable]
) -> Iterator[EmbeddingTable]:
    """All rows in their order, on the root; the other processes, too, must go to the end of it.

    ``take(start, stop)`` gives rows of this process's spans.
    """
    for _, pieces in _pieces(spans, width):
        for piece in pieces:
            mine = take(piece.start, piece.stop) if piece.owner == group.rank else None
            if group.is_root:
                yield mine or _unpacked(_received(piece, width))
            elif mine:
                dist.send(_packed(mine), 0)


def _at_once(width: int) -> int:
    return max(SENT_BYTES // (4 * width), 1)


def _pieces(spans: Sequence[Span], width: int) -> Iterator[tuple[tuple[int, int], list[Span]]]:
    """Blocks, each with the parts of spans that are in it."""
    ordered = sorted(spans)
    for start, stop in bounds(ordered[-1].stop, _at_once(width)):
        cut = (Span(max(s.start, start), min(s.stop, stop), s.owner) for s in ordered)
        yield (start, stop), [piece for piece in cut if piece.start < piece.stop]


def _cut(table: EmbeddingTable, start: int, stop: int) -> EmbeddingTable:
    return EmbeddingTable(table.weight[start:stop], table.accumulator[start:stop])


def _packed(table: EmbeddingTable) -> Tensor:
    return torch.cat((table.weight, table.accumulator.unsqueeze(1)), dim=1)


def _unpacked(rows: Tensor) -> EmbeddingTable:
    return EmbeddingTable(rows[:, :-1], rows[:, -1])


def _received(piece: Span, width: int) -> Tensor:
    """The rows of a piece: from the root, or on the root from their owner."""
    rows = torch.empty(piece.stop - piece.start, width + 1)
    dist.recv(rows, piece.owner if dist.get_rank() == 0 else 0)
    return rows
