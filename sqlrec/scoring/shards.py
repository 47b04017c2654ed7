"""What is scored already, kept on disk so that scoring again scores only the rest.

A state folder holds a parquet file for each shard that is scored, and a manifest with the digest of the
work; also the input, when it is a query, which may give its rows in another order, or other rows, the
next time. A manifest with another digest means other work, and everything in the folder goes. The lock on
the folder ends with its holder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.artifacts.durable import sync, write_text, writing
from sqlrec.errors import StateError

MANIFEST = "manifest.json"
INPUT = "input.parquet"
GROUP_ROWS = 131_072
"""Rows of a row group of what is scored."""


class Shards:
    """The shards of one piece of work in ``folder``; made by :func:`opened`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def has_input(self) -> bool:
        """Whether the input is kept already."""
        return self.input.is_file()

    @property
    def input(self) -> Path:
        """Where the input is kept."""
        return self._folder / INPUT

    def keep_input(self, rows: pa.RecordBatchReader, shard_rows: int) -> None:
        """Write the input, a row group for each ``shard_rows`` rows."""
        path = self.input
        with writing(path):
            with pq.ParquetWriter(_draft(path), rows.schema, compression="lz4") as file:
                for shard in _groups(rows, shard_rows):
                    file.write_table(shard, row_group_size=shard_rows)
            _draft(path).rename(path)

    def finished(self, shard: int) -> bool:
        """Whether a shard is scored."""
        return self._path(shard).is_file()

    def publish(self, shard: int, batches: list[pa.RecordBatch], given: int) -> None:
        """Keep the rows of a scored shard: its file appears whole. Its first ``given`` columns were read."""
        path = self._path(shard)
        table = pa.Table.from_batches(batches)
        with writing(path):
            pq.write_table(
                table,
                _draft(path),
                compression="zstd",
                row_group_size=GROUP_ROWS,
                use_dictionary=_repeating(table.schema, given),
            )
            sync(_draft(path))
            _draft(path).rename(path)

    def files(self, shards: int) -> list[Path]:
        """The files of ``shards`` finished shards, in order."""
        return [self._path(shard) for shard in range(shards)]

    def rows(self, shards: int, schema: pa.Schema) -> pa.RecordBatchReader:
        """All scored rows in the order of the input, of ``shards`` finished shards."""
        return pa.RecordBatchReader.from_batches(schema, self._batches(shards))

    def _batches(self, shards: int) -> Iterator[pa.RecordBatch]:
        for path in self.files(shards):
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches()

    def remove(self) -> None:
        """Delete everything, when the result is published."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, shard: int) -> Path:
        return self._folder / f"shard-{shard:06d}.parquet"


@contextmanager
def opened(folder: Path, digest: str) -> Iterator[Shards]:
    """The shards of the work with this digest, alone.

    Raises ``StateError`` SR620 while another process scores into the same folder, ``SetupError`` SR703.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateError(
                "SR620",
                f"another process is scoring the same table (its state is in {folder})",
                hint="wait for it, or stop it, then run this step again: what it scored is kept",
            ) from None
        with writing(folder):
            _start_over_unless(folder, digest)
        yield Shards(folder)
    finally:
        os.close(handle)


def _start_over_unless(folder: Path, digest: str) -> None:
    manifest = folder / MANIFEST
    try:
        if json.loads(manifest.read_text(encoding="utf-8")) == {"digest": digest}:
            return
    except (FileNotFoundError, ValueError):
        pass
    manifest.unlink(missing_ok=True)
    for path in folder.iterdir():
        path.unlink()
    write_text(manifest, json.dumps({"digest": digest}))


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _repeating(schema: pa.Schema, given: int) -> list[str]:
    """What may take less space as a dictionary, in parquet's names: all but a model's fractions.

    These hardly ever repeat; a dictionary of them takes as long as all the rest, and a quarter more space.
    """
    leaves = [
        (number, leaf) for number, field in enumerate(schema) for leaf in _leaves(field.name, field.type)
    ]
    return [name for number, (name, kind) in leaves if number < given or not pa.types.is_floating(kind)]


def _leaves(name: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The columns of parquet that hold a column, and the types of their values."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    elif pa.types.is_map(kind):
        yield from _leaves(f"{name}.key_value.key", kind.key_type)
        yield from _leaves(f"{name}.key_value.value", kind.item_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{name}.{field.name}", field.type)
    else:
        yield name, kind


def _groups(rows: pa.RecordBatchReader, size: int) -> Iterator[pa.Table]:
    """The rows in tables of ``size`` rows, the last one shorter."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in rows:
        while count + batch.num_rows >= size:
            head = batch.slice(0, size - count)
            yield pa.Table.from_batches([*held, head])
            batch, held, count = batch.slice(head.num_rows), [], 0
        if batch.num_rows:
            held.append(batch)
            count += batch.num_rows
    if held:
        yield pa.Table.from_batches(held)
