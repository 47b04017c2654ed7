"""A checkpoint whose embedding rows are put into the file afterwards, block by block.

The file is one of ``torch.save``, made around a table that takes no memory, and ends up like one made around
the rows: also the checksums of its records (it is a zip archive, without compression) are theirs.
"""

from __future__ import annotations

import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from sqlrec.models.deep.embedding import EmbeddingTable

NAME_LENGTHS, HEADER = 26, 30
"""Of a record in a zip archive: where the lengths of its name and extra field are, and where these begin."""
DIRECTORY_CRC, DESCRIPTOR_CRC = 16, 4
"""Where the checksum is in an entry of the archive's directory, and in what follows the record."""
RECORDS = ("data/0", "data/1")
"""The first two tensors of a checkpoint: the table and its accumulators."""


def unwritten(rows: int, width: int) -> EmbeddingTable:
    """A table of zeros that takes no memory unless it is written to."""
    return EmbeddingTable(_zeros(rows * width).view(rows, width), _zeros(rows))


def _zeros(count: int) -> Tensor:
    memory = mmap.mmap(-1, max(4 * count, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(memory, dtype=torch.float32, count=count) if count else torch.empty(0)


def fill(path: Path, blocks: Iterable[EmbeddingTable]) -> None:
    """Put the rows of ``blocks``, which are all in their order, into a file made around :func:`unwritten`."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename.split("/", 1)[1]: entry for entry in archive.infolist()}
        directory = archive.start_dir
    with path.open("r+b") as file:
        places = [_begin(file, entries[name]) for name in RECORDS]
        written, sums = [0, 0], [0, 0]
        for block in blocks:
            for record, tensor in enumerate((block.weight, block.accumulator)):
                data = tensor.contiguous().view(-1).view(torch.uint8).numpy().data
                file.seek(places[record] + written[record])
                file.write(data)
                written[record] += len(data)
                sums[record] = zlib.crc32(data, sums[record])
        for record, name in enumerate(RECORDS):
            if written[record] != entries[name].file_size:
                raise ValueError(f"{written[record]} bytes for the {entries[name].file_size} of {name}")
            checksum = struct.pack("<I", sums[record])
            file.seek(places[record] + written[record] + DESCRIPTOR_CRC)
            file.write(checksum)
            file.seek(_entry(file, directory, entries[name].filename) + DIRECTORY_CRC)
            file.write(checksum)


def _begin(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Where the bytes of a record begin."""
    file.seek(entry.header_offset + NAME_LENGTHS)
    name, extra = struct.unpack("<HH", file.read(4))
    return int(entry.header_offset + HEADER + name + extra)


def _entry(file: BinaryIO, directory: int, wanted: str) -> int:
    """Where the entry of a record is in the archive's directory."""
    at = directory
    while True:
        file.seek(at)
        fixed = file.read(46)
        name, extra, comment = struct.unpack("<HHH", fixed[28:34])
        if file.read(name).decode() == wanted:
            return at
        at += 46 + name + extra + comment
