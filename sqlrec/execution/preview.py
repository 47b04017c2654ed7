"""The first rows of a stream, seen while it passes."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from sqlrec.execution.display import shown
from sqlrec.execution.outcome import Preview

ROWS = 20
WIDTH = 100


class Watch:
    """A reader that keeps the first rows that go through it."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self.reader = pa.RecordBatchReader.from_batches(reader.schema, self._pass(reader))
        self._columns = tuple(reader.schema.names)
        self._rows: list[tuple[str, ...]] = []

    def _pass(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        for batch in reader:
            wanted = batch.slice(0, ROWS - len(self._rows))
            columns = [[_text(v) for v in column.to_pylist()] for column in wanted.columns]
            self._rows += zip(*columns, strict=True)
            yield batch

    def preview(self, total: int) -> Preview:
        """What was seen; ``total`` is the number of rows in all."""
        return Preview(columns=self._columns, rows=tuple(self._rows), total=total)


def _text(value: object) -> str:
    """A value cut to a width that fits a table."""
    text = "" if value is None else shown(value)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
