"""Query results into tables: all of a write appears, or nothing, however often it is tried.

A write has a key. Its files are named after it, so a repeated write replaces its own files and an
append is made once; INSERT OVERWRITE replaces the partitions that it writes to and leaves the others.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sqlrec.artifacts import store
from sqlrec.artifacts.durable import sync, writing
from sqlrec.artifacts.scratch import own_folder
from sqlrec.data import commit, remote, types
from sqlrec.data.parts import NULL_PARTITION, CsvFile, ParquetFile, Parts
from sqlrec.errors import DataError, NameNotFoundError, SchemaError, StateError, suggest
from sqlrec.spec.names import slug
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.table import TableFormat, TableSource
from sqlrec.spec.widening import widens

Mode = Literal["append", "overwrite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """Rows written and the files that hold them, relative to the table's folder."""

    rows: int
    files: tuple[str, ...]


def write_table(reader: pa.RecordBatchReader, target: TableSource, *, key: str, mode: Mode) -> WriteReport:
    """Write all rows of ``reader`` into ``target`` (an absolute path or a URI) in one step.

    Columns are matched by position, as INSERT does, and widened to the declared types. A path that ends
    in ``.parquet`` or ``.csv`` is one file, which can only be overwritten. Raises ``SchemaError`` SR410
    (columns do not fit), ``DataError`` SR412 (NULL in a NOT NULL column), ``NameNotFoundError`` SR402
    (partition column), ``StateError`` SR409 (same key written elsewhere, or append to one file),
    ``SetupError`` SR703 (path not writable) and SR75x (store), ``RemoteError`` SR755 (others write always).
    """
    columns = _columns(reader.schema, target, mode)
    rows = _conformed(reader, columns, target)
    schema = types.arrow_schema(columns)
    if _is_file(target):
        return _write_file(rows, schema, target, mode)
    _check_partitions(columns, target)
    staging = partial(_parts, rows, schema, target, slug(key))
    return _write_folder(staging, target, slug(key), mode)


def adopt_files(files: Sequence[Path], target: TableSource, *, key: str) -> WriteReport | None:
    """Overwrite ``target`` with whole parquet files, which stay where they are too, in one step.

    None, and nothing is done, where rows would have to be written anew: the table is one file, has
    partitions or other columns, or is on another disk. Raises what :func:`write_table` raises.
    """
    if not files or _is_file(target) or target.partitions or target.format is TableFormat.CSV:
        return None
    if not store.is_local(target.path):
        return None
    given = pq.read_schema(files[0])
    columns = _columns(given, target, "overwrite")
    if not types.arrow_schema(columns).equals(given) or not all(column.nullable for column in columns):
        return None
    try:
        return _write_folder(partial(_links, files, slug(key)), target, slug(key), "overwrite")
    except _NoLinks:
        return None


class _NoLinks(Exception):
    """The disk has no hard links from there."""


def _is_file(target: TableSource) -> bool:
    root = Path(target.path)
    return root.suffix in (".parquet", ".csv") or (store.is_local(target.path) and root.is_file())


Staging = Callable[[Path], tuple[tuple[str, ...], int]]
"""Puts files into a folder; their names and their rows."""


def _links(files: Sequence[Path], key: str, stage: Path) -> tuple[tuple[str, ...], int]:
    names, rows = [], 0
    for number, file in enumerate(files):
        name = f"part-{key}-{number:05d}.parquet"
        try:
            (stage / name).hardlink_to(file)
        except OSError:
            raise _NoLinks from None
        names.append(name)
        rows += pq.read_metadata(file).num_rows
    return tuple(names), rows


def _parts(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, target: TableSource, key: str, stage: Path
) -> tuple[tuple[str, ...], int]:
    with closing(Parts(stage, key, schema, target)) as parts:
        for batch in batches:
            parts.write(batch)
        return parts.finish(), parts.rows


def _write_folder(staging: Staging, target: TableSource, key: str, mode: Mode) -> WriteReport:
    if not store.is_local(target.path):
        return _write_to_store(staging, target, key, mode)
    root = Path(target.path)
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        handle = commit.begin(root, key)
    try:
        with writing(root):
            names, rows = staging(root / commit.STAGE / key)
            with commit.locked(root, exclusive=True):
                commit.finish(root)
                there = [path.relative_to(root).as_posix() for path in commit.walk(root, target.format)]
                change = commit.Change(add=names, remove=_replaced(there, names, target, key, mode))
                commit.commit(root, key, change)
    finally:
        with suppress(OSError):
            commit.discard(root, key, handle)
    return WriteReport(rows=rows, files=names)


def _write_to_store(staging: Staging, target: TableSource, key: str, mode: Mode) -> WriteReport:
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder:
        with writing(Path(folder)):
            names, rows = staging(Path(folder))
        replaced = partial(_replaced, names=names, target=target, key=key, mode=mode)
        remote.publish(Path(folder), names, target, key, replaced)
    return WriteReport(rows=rows, files=names)


def _replaced(
    there: Iterable[str], names: tuple[str, ...], target: TableSource, key: str, mode: Mode
) -> tuple[str, ...]:
    """Which files go: earlier ones of the same key, and on overwrite all of the partitions written to."""
    own = re.compile(rf"part-{re.escape(key)}-\d{{5}}\.\w+")
    written = {_partition(name) for name in names}
    gone = []
    for name in there:
        overwritten = mode == "overwrite" and (not target.partitions or _partition(name) in written)
        if name not in names and (overwritten or own.fullmatch(name.rpartition("/")[2])):
            gone.append(name)
    return tuple(gone)


def _partition(name: str) -> tuple[tuple[str, str], ...]:
    """Partition values of a file's path, however the folders are spelled."""
    pairs = (folder.partition("=") for folder in name.split("/")[:-1])
    return tuple((unquote(k).casefold(), unquote(v) or NULL_PARTITION) for k, _, v in pairs)


def _write_file(
    rows: Iterator[pa.RecordBatch], schema: pa.Schema, target: TableSource, mode: Mode
) -> WriteReport:
    if mode == "append" or target.partitions:
        raise StateError(
            "SR409",
            f"table {target.name!r} is one file, {target.path}, and can only be overwritten as a whole",
            hint="use INSERT OVERWRITE, or make 'path' a folder",
        )
    if store.is_local(target.path):
        return _write_one(rows, schema, target, Path(target.path))
    place, _, name = target.path.rpartition("/")
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder:
        report = _write_one(rows, schema, target, Path(folder) / name)
        store.upload(Path(folder), [name], place)
    return report


def _write_one(
    rows: Iterator[pa.RecordBatch], schema: pa.Schema, target: TableSource, path: Path
) -> WriteReport:
    count = 0
    draft = path.with_name(f".{path.name}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = CsvFile if target.format is TableFormat.CSV else ParquetFile
        file = kind(draft, schema, target)
        try:
            for batch in rows:
                file.write(pa.Table.from_batches([batch]))
                count += batch.num_rows
            file.close()
            sync(draft)
            draft.replace(path)
        finally:
            file.close()
            draft.unlink(missing_ok=True)
    return WriteReport(rows=count, files=(path.name,))


def _columns(given: pa.Schema, target: TableSource, mode: Mode) -> Schema:
    """The table's columns: declared, or those of its files on append, or as given."""
    offered = types.declared(given)
    wanted = target.schema if target.schema.fields else _stored(target, mode) or offered
    if len(wanted) != len(offered):
        raise SchemaError(
            "SR410",
            f"table {target.name!r} has {len(wanted)} columns ({', '.join(wanted.names)}), "
            f"the query gives {len(offered)} ({', '.join(offered.names)})",
        )
    for source, column in zip(offered, wanted, strict=True):
        if not widens(source.type, column.type):
            raise SchemaError(
                "SR410",
                f"table {target.name!r}: column {column.name!r} is {column.type}, "
                f"the query gives {source.type} ({source.name!r})",
                hint=f"write CAST({source.name} AS {column.type}); columns are matched by position",
            )
    return wanted


def _stored(target: TableSource, mode: Mode) -> Schema | None:
    """Columns of the parquet files that rows are appended to."""
    root = Path(target.path)
    if mode != "append" or target.partitions or target.format is TableFormat.CSV:
        return None
    if store.is_local(target.path):
        files = [str(file) for file in commit.listing(root, target.format)] if root.is_dir() else []
    else:
        files = list(remote.visible(target.path, store.files(target.path), target.format).values())
    if not files:
        return None
    with store.opened(files[0]) as file:
        return types.declared(pq.read_schema(file))


def _check_partitions(columns: Schema, target: TableSource) -> None:
    for name in target.partitions:
        if columns.get(name) is None:
            hint = suggest(name, columns.names) or f"columns: {', '.join(columns.names)}"
            raise NameNotFoundError(
                "SR402", f"table {target.name!r} is partitioned by {name!r}, which is no column", hint=hint
            )
    if len(columns) == len(target.partitions):
        raise SchemaError("SR410", f"table {target.name!r} has no columns besides those of its partitions")


def _conformed(
    reader: pa.RecordBatchReader, columns: Schema, target: TableSource
) -> Iterator[pa.RecordBatch]:
    """Batches in the table's names and types."""
    schema = types.arrow_schema(columns)
    seen = 0
    for batch in reader:
        arrays = []
        for array, field, column in zip(batch.columns, schema, columns, strict=True):
            if not column.nullable and array.null_count:
                row = seen + pc.index(array.is_null(), True).as_py() + 1
                raise DataError("SR412", f"table {target.name!r}: {_null(column)} NULL in row {row}")
            arrays.append(_widened(array, field.type))
        seen += batch.num_rows
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _null(column: Field) -> str:
    return f"column {column.name!r} is NOT NULL, the query gives"


def _widened(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if array.type.equals(wanted):
        return array
    try:
        if pa.types.is_integer(array.type) and pa.types.is_decimal(wanted):
            array = pc.cast(array, pa.decimal128(38, wanted.scale))
        return pc.cast(array, options=pc.CastOptions(target_type=wanted, allow_float_truncate=True))
    except pa.ArrowInvalid as error:
        raise DataError("SR404", f"a value does not fit {types.type_of_arrow('', wanted)}: {error}") from None
