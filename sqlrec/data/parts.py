"""Rows into the part files of one write: a folder a partition, a bounded number of rows in memory.

Part files are named after the write's key, so that a repeated write knows its own files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sqlrec.errors import SchemaError
from sqlrec.spec.table import TableFormat, TableSource

GROUP_ROWS = 131_072
"""Rows of a parquet row group."""
HELD_ROWS = 1_048_576
"""Rows held back over all partitions."""
OPEN_FILES = 128
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class File(Protocol):
    """A part file being written."""

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


class ParquetFile:
    """A parquet file with zstd compression."""

    def __init__(self, path: Path, schema: pa.Schema, target: TableSource) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        """Append one row group."""
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class CsvFile:
    """A CSV file in the dialect of the table's options: ``header``, ``delimiter``, ``null_value``."""

    def __init__(self, path: Path, schema: pa.Schema, target: TableSource) -> None:
        self._delimiter = target.options.get("delimiter", ",").replace("\\t", "\t")
        self._null = target.options.get("null_value", "")
        for field in schema:
            if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
                raise SchemaError(
                    "SR411",
                    f"table {target.name!r}: CSV cannot hold column {field.name!r} of type {field.type}",
                    hint="make it a parquet table",
                )
        with ExitStack() as stack:
            self._file = stack.enter_context(path.open("wb"))
            if target.options.get("header", "true").casefold() != "false":
                names = [self._text(pa.array([name])) for name in schema.names]
                self._write_lines(names)
            self._stack = stack.pop_all()

    def write(self, table: pa.Table) -> None:
        """Append lines."""
        if table.num_rows:
            self._write_lines([self._text(column.combine_chunks()) for column in table.columns])

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _write_lines(self, columns: list[pa.Array]) -> None:
        lines = pc.binary_join_element_wise(*columns, self._delimiter)
        self._file.write("\n".join(lines.to_pylist()).encode() + b"\n")

    def _text(self, values: pa.Array) -> pa.Array:
        """Values as text, quoted where a reader would else take them for something else."""
        text = pc.cast(values, pa.string())
        special = "[" + "".join(f"\\x{{{ord(c):x}}}" for c in f'"\r\n{self._delimiter}') + "]"
        odd = pc.or_(pc.match_substring_regex(text, special), pc.equal(text, self._null))
        escaped = pc.replace_substring(text, '"', '""')
        return pc.fill_null(
            pc.if_else(odd, pc.binary_join_element_wise('"', escaped, '"', ""), text), self._null
        )


class Parts:
    """The part files of one write below ``stage``. Partition columns become folders, not columns."""

    def __init__(self, stage: Path, key: str, schema: pa.Schema, target: TableSource) -> None:
        self.rows = 0
        self._stage = stage
        self._key = key
        self._target = target
        folded = {name.casefold(): name for name in schema.names}
        self._keys = [folded[name.casefold()] for name in target.partitions]
        self._schema = pa.schema([f for f in schema if f.name not in self._keys])
        self._held: dict[str, list[pa.RecordBatch]] = {}
        self._held_rows = 0
        self._open: dict[str, File] = {}
        self._names: list[str] = []
        self._numbers: Counter[str] = Counter()
        if not self._keys:
            self._file("")

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows in."""
        self.rows += batch.num_rows
        for folder, part in self._split(batch):
            held = self._held.setdefault(folder, [])
            held.append(part)
            self._held_rows += part.num_rows
            if sum(p.num_rows for p in held) >= GROUP_ROWS:
                self._flush(folder)
        if self._held_rows >= HELD_ROWS:
            self._flush(*self._held)

    def finish(self) -> tuple[str, ...]:
        """Write what is held back, close all files and give their paths relative to the stage."""
        self._flush(*self._held)
        self.close()
        return tuple(self._names)

    def close(self) -> None:
        """Close the files that are open."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """A batch by partition folder, rows in order."""
        body = batch.select(self._schema.names)
        if not self._keys or not batch.num_rows:
            yield from [("", body)] if not self._keys else []
            return
        texts = [pc.fill_null(pc.cast(batch.column(k), pa.string()), NULL_PARTITION) for k in self._keys]
        names = [str(i) for i in range(len(texts))]
        rows = pa.table([*texts, pa.array(range(batch.num_rows))], names=[*names, "row"])
        groups = rows.group_by(names, use_threads=False).aggregate([("row", "list")])
        for group in groups.to_pylist():
            pairs = zip(self._keys, names, strict=True)
            folder = "/".join(f"{quote(k, safe='')}={quote(group[n], safe='')}" for k, n in pairs)
            yield folder, body.take(pa.array(group["row_list"]))

    def _flush(self, *folders: str) -> None:
        for folder in folders:
            held = self._held.pop(folder)
            self._held_rows -= sum(p.num_rows for p in held)
            self._file(folder).write(pa.Table.from_batches(held, self._schema))

    def _file(self, folder: str) -> File:
        if folder not in self._open:
            if len(self._open) >= OPEN_FILES:
                self.close()
            self._numbers[folder] += 1
            kind = CsvFile if self._target.format is TableFormat.CSV else ParquetFile
            suffix = "csv" if kind is CsvFile else "parquet"
            name = f"{folder}/" * bool(folder) + f"part-{self._key}-{self._numbers[folder] - 1:05d}.{suffix}"
            (self._stage / folder).mkdir(parents=True, exist_ok=True)
            self._open[folder] = kind(self._stage / name, self._schema, self._target)
            self._names.append(name)
        return self._open[folder]
