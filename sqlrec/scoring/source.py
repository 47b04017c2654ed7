"""The rows of parquet files, one file after the other, cut into shards wherever the files' borders are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

READ_ROWS = 8192
"""Rows that are decoded at a time at least."""
BUFFER = 2**18
"""Bytes of each column that are read from a file at a time; else it is all that a row group has of it."""


class Source:
    """``shard_rows`` rows a shard, the last one less. A context manager: files stay open till its end.

    So a file that is replaced meanwhile is read as it was. One thread at a time may read.
    """

    def __init__(self, files: Sequence[str | Path], shard_rows: int) -> None:
        with ExitStack() as stack:
            opened = (pq.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False) for file in files)
            self._files = [stack.enter_context(file) for file in opened]
            self._open = stack.pop_all()
        self.schema: pa.Schema = self._files[0].schema_arrow.remove_metadata()
        self.rows: int = sum(file.metadata.num_rows for file in self._files)
        self._shard_rows = shard_rows
        self._next = 0
        self._stream = self._batches(0)
        self._rest: pa.RecordBatch | None = None

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def shards(self) -> range:
        """Where each shard begins."""
        return range(0, self.rows, self._shard_rows)

    def size(self, shard: int) -> int:
        """Rows of a shard."""
        return min(self._shard_rows, self.rows - shard * self._shard_rows)

    def read(self, shard: int) -> pa.RecordBatch:
        """The rows of a shard. The shard after it is read on from there."""
        first, size = shard * self._shard_rows, self.size(shard)
        if first != self._next:
            self._stream, self._rest = self._batches(first), None
        self._next = first + size
        parts: list[pa.RecordBatch] = []
        while size:
            batch = self._rest or next(self._stream)
            parts.append(batch.slice(0, size))
            self._rest = batch.slice(size)
            size -= parts[-1].num_rows
        (whole,) = pa.Table.from_batches(parts).combine_chunks().to_batches()
        return whole

    def _batches(self, row: int) -> Iterator[pa.RecordBatch]:
        """All rows from ``row`` on, as they are asked for: a row group may be larger than memory."""
        for file in self._files:
            groups = range(file.num_row_groups)
            sizes = [file.metadata.row_group(group).num_rows for group in groups]
            while groups and row >= sizes[groups[0]]:
                row -= sizes[groups[0]]
                groups = groups[1:]
            for batch in file.iter_batches(max(self._shard_rows, READ_ROWS), row_groups=list(groups)):
                skipped = min(row, batch.num_rows)
                row -= skipped
                yield batch.slice(skipped).replace_schema_metadata(None)
