"""The rows of parquet files, one file after the other, cut into shards wherever the files' borders are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq


class Source:
    """``shard_rows`` rows a shard, the last one less. A context manager: files stay open till its end.

    So a file that is replaced meanwhile is read as it was. One thread at a time may read.
    """

    def __init__(self, files: Sequence[str | Path], shard_rows: int) -> None:
        with ExitStack() as stack:
            self._files = [stack.enter_context(pq.ParquetFile(file)) for file in files]
            self._open = stack.pop_all()
        self.schema: pa.Schema = self._files[0].schema_arrow.remove_metadata()
        self._shard_rows = shard_rows
        groups: list[tuple[int, pq.ParquetFile, int]] = []
        self.rows = 0
        for file in self._files:
            for index in range(file.num_row_groups):
                groups.append((self.rows, file, index))
                self.rows += file.metadata.row_group(index).num_rows
        self._groups = groups
        self._last: tuple[int, pa.Table] | None = None

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
        """The rows of a shard. A row group that reaches beyond is kept for the next one."""
        first = shard * self._shard_rows
        last = first + self.size(shard)
        parts = []
        for number, (start, file, index) in enumerate(self._groups):
            end = start + file.metadata.row_group(index).num_rows
            if start < last and end > first and end > start:
                table = self._group(number)
                parts.append(table.slice(max(first - start, 0), min(last, end) - max(first, start)))
        (batch,) = pa.concat_tables(parts).combine_chunks().to_batches()
        return batch

    def _group(self, number: int) -> pa.Table:
        if self._last is None or self._last[0] != number:
            _, file, index = self._groups[number]
            self._last = None
            self._last = (number, file.read_row_group(index).replace_schema_metadata(None))
        return self._last[1]
