"""Columns of a table that declares none, from the first of its files, to find mistakes before a run.

Only a footer or a header line is read, no lock is taken and nothing is repaired: what cannot be read here
is judged when the step runs.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from sqlrec.data import commit
from sqlrec.data.header import has_header, header
from sqlrec.data.source import resolve
from sqlrec.errors import SqlRecError
from sqlrec.spec.schema import DataType, Field, Kind, Schema
from sqlrec.spec.table import TableFormat, TableSource


def read_columns(source: TableSource, *, project: Path, warehouse: Path) -> Schema | None:
    """The columns of a table, those of its partitions last; None when they are out of reach.

    They are out of reach for a cached table, a path with a template, a table without files, a CSV file
    without a header line and a file that cannot be read. A CSV file tells no types: its columns are VARIANT.
    """
    if source.format is TableFormat.CACHE or "{{" in source.path:
        return None
    try:
        found = resolve(source, project=project, warehouse=warehouse)
        file = next(_files(found), None)
        return _columns(found, file) if file else None
    except (SqlRecError, OSError):
        return None


def _files(source: TableSource) -> Iterator[Path]:
    """Files of a table: itself, those of its folder, or those a glob matches."""
    path = Path(source.path)
    if path.is_dir():
        yield from commit.walk(path, source.format)
    elif path.is_file():
        yield path
    else:
        matches = map(Path, sorted(glob.glob(source.path, recursive=True)))
        yield from (match for match in matches if match.is_file() and not commit.is_hidden(match.name))


def _columns(source: TableSource, file: Path) -> Schema | None:
    if source.format is TableFormat.CSV:
        if not has_header(source):
            return None
        fields = tuple(Field(name=name, type=DataType(Kind.VARIANT)) for name in header(source, str(file)))
    else:
        fields = tuple(_footer(file))
    stored = Schema(fields)
    outside = (name for name in _partitions(source, file) if stored.get(name) is None)
    return Schema((*fields, *(Field(name=name, type=DataType(Kind.STRING)) for name in outside)))


def _footer(file: Path) -> Schema:
    """Columns of a parquet file. Importing pyarrow takes 0.15 s, so only a script that needs it pays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from sqlrec.data import types

    try:
        return types.declared(pq.read_schema(file))
    except pa.ArrowException as error:
        raise OSError(f"{file}: {error}") from error


def _partitions(source: TableSource, file: Path) -> Iterator[str]:
    """Names of the folders between the table and the file, ``dt`` of ``dt=2026-01-01``."""
    root = Path(source.path)
    if glob.has_magic(source.path):
        root = next(parent for parent in root.parents if not glob.has_magic(str(parent)))
    folders = file.relative_to(root).parent.parts if file != root else ()
    return (unquote(part.partition("=")[0]) for part in folders if "=" in part)
