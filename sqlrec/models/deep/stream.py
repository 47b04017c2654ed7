"""A training table that is read once, whatever its size: in memory, or on local disk when it is more.

The query runs once, so that all that is learnt and trained comes from the same rows, and is not paid for
twice. On disk rows keep their order, as compressed Arrow blocks from which columns are read by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc

from sqlrec.features.blocks import Whole
from sqlrec.models.deep.spool import having_room, new_folder, remove_with

TABLE = "table.arrow"
READ_ROWS, READ_LISTS = 1 << 14, 1 << 11
"""Rows of a block as it is read from the query, and when there are arrays in it."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class OnDisk:
    """The :class:`~sqlrec.features.blocks.Blocks` of an Arrow file, which goes with this object."""

    file: Path
    schema: pa.Schema
    num_rows: int

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Blocks of some columns; the others are not read."""
        places = sorted(self.schema.get_field_index(name) for name in columns)
        options = ipc.IpcReadOptions(included_fields=places, use_threads=False)
        with pa.OSFile(str(self.file)) as file, ipc.open_file(file, options=options) as reader:
            for place in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(place)]).select(columns)


def kept(reader: pa.RecordBatchReader, limit: int) -> Whole | OnDisk:
    """All rows of a stream: in memory up to ``limit`` bytes, else on disk below TMPDIR.

    Raises what reading raises, and ``SetupError`` SR570 for a full disk.
    """
    batches: Iterator[pa.RecordBatch] = iter(reader)
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.get_total_buffer_size()
        if size > limit:
            return _written(reader.schema, chain(_taken(held), batches))
    return Whole(pa.Table.from_batches(held, reader.schema))


def _taken(held: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, each let go as soon as the next is asked for."""
    held.reverse()
    while held:
        yield held.pop()


def _written(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> OnDisk:
    claim = new_folder()
    folder = claim.path
    options = ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    rows = 0
    try:
        with (
            having_room(folder),
            pa.OSFile(str(folder / TABLE), "wb") as sink,
            ipc.new_file(sink, schema, options=options) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
    except BaseException:
        claim.remove()
        raise
    table = OnDisk(folder / TABLE, schema, rows)
    remove_with(table, claim)
    return table
