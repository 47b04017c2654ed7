"""The training rows of the root process on every process.

Rows in memory are sent to all. Rows on disk are opened by the processes of the root's machine; of several
machines each is sent every n-th block of them, once, and keeps them on a disk of its own. So any query can
be trained on, whether or not it gives its rows in the same order again, and it runs once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
import torch.distributed as dist

from sqlrec.models.deep.group import Group
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Shape, Spool, empty_rows, row_bytes
from sqlrec.models.deep.spooled import Spooled

SENT_BYTES = 1 << 24
"""Size of a block that is sent."""

Opening = tuple[Path, Mapping[str, Shape], int]
"""What it takes to open a spool: its folder, shapes and number of rows."""


def shared(group: Group, data: InMemory | Spooled | None) -> InMemory | Spooled:
    """The root's data set, on every process; the others pass None.

    Raises ``SetupError`` SR570 on a machine whose disk has no room for its share.
    """
    opening = group.from_root(lambda: _opening(data.spool) if isinstance(data, Spooled) else None)
    if opening is None:
        tensors = data.rows.tensors if isinstance(data, InMemory) else {}
        names = group.from_root(lambda: list(tensors))
        received = group.tensors_from_root(tuple(tensors.values()) if group.is_root else None)
        return InMemory(Rows.of(dict(zip(names, received, strict=True))))
    here = data.spool if isinstance(data, Spooled) else None
    at_each = int(os.environ.get("LOCAL_WORLD_SIZE", group.size))
    counts = _counts(opening, group.size // at_each)
    if len(counts) > 1:
        here = _dealt(group, opening, here, counts, at_each)
    return Spooled(_opened(group, here, at_each), tuple(counts))


def _opening(spool: Spool) -> Opening:
    return spool.folder, spool.shapes, spool.count


def _blocks(opening: Opening) -> Iterator[tuple[int, int]]:
    _, shapes, count = opening
    rows = max(SENT_BYTES // max(row_bytes(shapes), 1), 1)
    return ((start, min(start + rows, count)) for start in range(0, count, rows))


def _counts(opening: Opening, machines: int) -> list[int]:
    """The rows that each machine gets."""
    counts = [0] * machines
    for number, (start, stop) in enumerate(_blocks(opening)):
        counts[number % machines] += stop - start
    return counts


def _dealt(
    group: Group, opening: Opening, whole: Spool | None, counts: list[int], at_each: int
) -> Spool | None:
    """The rows of this machine, on its first process; ``whole`` are all of them, on the root."""
    machine, process = divmod(group.rank, at_each)
    if process:
        return None
    mine, at = Spool.make(opening[1], counts[machine]), 0
    for number, (start, stop) in enumerate(_blocks(opening)):
        receiver = number % len(counts)
        if machine not in (0, receiver):
            continue
        rows = whole.read([(start, stop)]) if whole else empty_rows(opening[1], stop - start)
        for tensor in rows.tensors.values() if receiver else ():
            if whole:
                dist.send(tensor, receiver * at_each)
            else:
                dist.recv(tensor, 0)
        if machine == receiver:
            mine.write(at, rows)
            at += stop - start
    return mine


def _opened(group: Group, made: Spool | None, at_each: int) -> Spool:
    """The spool that the first process of this machine has ``made``, opened by this one."""
    if group.size == 1:
        assert made is not None
        made.unlink()
        return made
    openings: list[Opening | None] = [None] * group.size
    dist.all_gather_object(openings, _opening(made) if made else None)
    opening = openings[group.rank - group.rank % at_each]
    assert opening is not None
    spool = made or Spool.open(*opening)
    group.sum(torch.zeros(1))  # every process has opened the files
    if made:
        made.unlink()
    return spool
