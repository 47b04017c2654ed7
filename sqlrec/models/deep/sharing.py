"""The training rows of the root process on every process.

Rows in memory are sent to all. Rows on disk are opened by the processes of the root's machine; of several
machines each is sent every n-th block of them, once, and keeps them on a disk of its own. So any query can
be trained on, whether or not it gives its rows in the same order again, and it runs once. Batches are those
of one machine; epochs are read from the machines' own disks, and no file system is shared.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed as dist

from sqlrec.models.deep.group import Group
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Shape, Spool, empty_rows, row_bytes
from sqlrec.models.deep.spooled import Part, Spooled

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
    part = _part(opening, group.rank // at_each, group.size // at_each)
    if part.machines > 1:
        here = _dealt(group, opening, here, part, at_each)
    return Spooled(_opened(group, here, at_each), part)


def _opening(spool: Spool) -> Opening:
    return spool.folder, spool.shapes, spool.count


def _part(opening: Opening, machine: int, machines: int) -> Part:
    """The rows that a machine gets: every n-th block."""
    _, shapes, count = opening
    if machines == 1:
        return Part.whole(count)
    unit = max(SENT_BYTES // max(row_bytes(shapes), 1), 1)
    return Part(rows=count, unit=unit, machine=machine, machines=machines)


def _dealt(group: Group, opening: Opening, whole: Spool | None, part: Part, at_each: int) -> Spool | None:
    """The rows of this machine, on its first process; ``whole`` are all of them, on the root."""
    if group.rank % at_each:
        return None
    blocks = [(start, min(start + part.unit, part.rows)) for start in range(0, part.rows, part.unit)]
    mine = blocks[part.machine :: part.machines]
    made, at = Spool.make(opening[1], sum(stop - start for start, stop in mine)), 0
    for number, (start, stop) in enumerate(blocks):
        receiver = number % part.machines
        if part.machine not in (0, receiver):
            continue
        rows = whole.read([(start, stop)]) if whole else empty_rows(opening[1], stop - start)
        for tensor in rows.tensors.values() if receiver else ():
            if whole:
                dist.send(tensor, receiver * at_each)
            else:
                dist.recv(tensor, 0)
        if part.machine == receiver:
            made.write(at, rows)
            at += stop - start
    return made


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
