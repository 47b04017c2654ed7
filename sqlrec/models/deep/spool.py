"""Encoded rows on local disk: one raw little-endian file a tensor, rows one after another.

Files are read and written at their places, not mapped: pages of a mapped file count as memory of every
process that touches them, while what is read this way stays in the system's cache, once for all processes
of a machine, and goes when memory is short.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sqlrec.artifacts.claims import Claim, sweep_temporary
from sqlrec.errors import SetupError
from sqlrec.models.deep.rows import Rows

PREFIX = "sqlrec-rows-"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Shape:
    """Type of a tensor and its shape without the rows."""

    dtype: torch.dtype
    inner: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * torch.Size(self.inner).numel()


def shapes_of(rows: Rows) -> dict[str, Shape]:
    """What the tensors of rows look like, by name."""
    return {name: Shape(tensor.dtype, tuple(tensor.shape[1:])) for name, tensor in rows.tensors.items()}


def row_bytes(shapes: Mapping[str, Shape]) -> int:
    """Bytes of one row in all tensors."""
    return sum(shape.row_bytes for shape in shapes.values())


def empty_rows(shapes: Mapping[str, Shape], count: int) -> Rows:
    """Rows of these shapes with any content."""
    return Rows.of({n: torch.empty(count, *s.inner, dtype=s.dtype) for n, s in shapes.items()})


@contextmanager
def having_room(folder: Path) -> Iterator[None]:
    """Failures for want of disk become ``SetupError`` SR570."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise no_room(folder, f": {error.strerror or error}") from error


def no_room(folder: Path, why: str) -> SetupError:
    """SR570: rows do not fit on the disk they are kept on."""
    return SetupError(
        "SR570",
        f"training rows that exceed the memory are kept in {folder}, where there is no room{why}",
        hint="set TMPDIR to a folder on a larger local disk, or give the job more memory",
    )


def new_folder() -> Claim:
    """An empty folder for rows, below TMPDIR; raises ``SetupError`` SR570 for a full disk."""
    with having_room(Path(tempfile.gettempdir())):
        return Claim.temporary(PREFIX)


def remove_with(owner: object, folder: Claim) -> None:
    """Remove ``folder`` when ``owner`` is used no more, and when the program ends."""
    weakref.finalize(owner, folder.remove)


def sweep_rows() -> None:
    """Remove what trainings that were killed have left below TMPDIR."""
    sweep_temporary(PREFIX)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Spool:
    """``count`` rows in open files of ``folder``, by tensor; they are closed when it is used no more."""

    folder: Path
    shapes: Mapping[str, Shape]
    count: int
    files: Mapping[str, int]

    @classmethod
    def make(cls, shapes: Mapping[str, Shape], count: int) -> Spool:
        """New files in a folder of their own below TMPDIR, which goes with the spool.

        Raises ``SetupError`` SR570 when the disk has no room for them.
        """
        place, needed = Path(tempfile.gettempdir()), row_bytes(shapes) * count
        if needed > (free := shutil.disk_usage(place).free):
            raise no_room(place, f": {needed:,} bytes are needed, {free:,} are free")
        folder = new_folder()
        for name in shapes:
            (folder.path / name).touch(0o600)
        spool = cls.open(folder.path, shapes, count)
        remove_with(spool, folder)
        return spool

    @classmethod
    def open(cls, folder: Path, shapes: Mapping[str, Shape], count: int) -> Spool:
        """The files that another process made."""
        files = {name: os.open(folder / name, os.O_RDWR) for name in shapes}
        spool = cls(folder, shapes, count, files)
        weakref.finalize(spool, _close, tuple(files.values()))
        return spool

    def unlink(self) -> None:
        """Remove the names of the files, once all processes have opened them.

        The rows stay for those, and nothing is left behind however they end.
        """
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, start: int, rows: Rows) -> None:
        """Put ``rows`` at row ``start``; threads may write different rows at once."""
        with having_room(self.folder):
            for name, tensor in rows.tensors.items():
                at, data = start * self.shapes[name].row_bytes, _bytes(tensor.contiguous())
                while data:
                    written = os.pwrite(self.files[name], data, at)
                    at, data = at + written, data[written:]

    def read(self, ranges: Sequence[tuple[int, int]]) -> Rows:
        """The rows ``[start, stop)`` of all ranges, one range after another."""
        rows = empty_rows(self.shapes, sum(stop - start for start, stop in ranges))
        for name, tensor in rows.tensors.items():
            at = 0
            for start, stop in ranges:
                self._fill(name, tensor[at : at + stop - start], start)
                at += stop - start
        return rows

    def expect(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Ask the system to read these rows from disk ahead of :meth:`read`."""
        if hasattr(os, "posix_fadvise"):
            for name, file in self.files.items():
                size = self.shapes[name].row_bytes
                for start, stop in ranges:
                    os.posix_fadvise(file, start * size, (stop - start) * size, os.POSIX_FADV_WILLNEED)

    def _fill(self, name: str, part: Tensor, start: int) -> None:
        at, room = start * self.shapes[name].row_bytes, _bytes(part)
        while room:
            count = os.preadv(self.files[name], [room], at)
            if not count:
                raise EOFError(f"{name} of the rows ends at byte {at}")
            at, room = at + count, room[count:]


def _bytes(tensor: Tensor) -> memoryview:
    """The memory of a contiguous tensor."""
    return tensor.view(-1).view(torch.uint8).numpy().data


def _close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)
