"""The training rows of the root process on every process: from memory they are sent, on disk opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from sqlrec.models.deep.group import Group
from sqlrec.models.deep.in_memory import InMemory
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.spool import Shape, Spool
from sqlrec.models.deep.spooled import Spooled


def shared(group: Group, data: InMemory | Spooled | None) -> InMemory | Spooled:
    """The root's data set, on every process; the others pass None."""
    opened = group.from_root(lambda: _opening(data))
    if opened is None:
        tensors = data.rows.tensors if isinstance(data, InMemory) else {}
        names = group.from_root(lambda: list(tensors))
        received = group.tensors_from_root(tuple(tensors.values()) if group.is_root else None)
        return InMemory(Rows.of(dict(zip(names, received, strict=True))))
    mine = data if isinstance(data, Spooled) else Spooled(Spool.open(*opened), (opened[2],))
    group.sum(torch.zeros(1))  # every process has opened the files
    if group.is_root:
        mine.spool.unlink()
    return mine


def _opening(data: InMemory | Spooled | None) -> tuple[Path, Mapping[str, Shape], int] | None:
    """What the other processes need to open the rows; None when they are in memory."""
    if not isinstance(data, Spooled):
        return None
    return data.spool.folder, data.spool.shapes, data.spool.count
