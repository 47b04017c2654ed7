"""A named table as a DuckDB query with exactly the declared columns.

Files are listed here, not by DuckDB's globs: hidden ones are left out, the order is fixed, and a write
that was cut off is finished first. Partition columns get their declared types (STRING when nothing is
declared), because DuckDB's guess makes a number of ``dt=1`` and a string of ``dt=1a``.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb

from sqlrec.artifacts.store import is_local
from sqlrec.data import commit, remote, types
from sqlrec.data.failure import translated
from sqlrec.data.header import delimiter, has_header, header
from sqlrec.errors import DataError, NameNotFoundError, SchemaError, suggest
from sqlrec.spec.schema import DataType, Kind
from sqlrec.spec.table import TableFormat, TableSource


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a table, and its partition columns as the folders below the table spell them."""

    files: tuple[str, ...]
    partitions: tuple[str, ...] = ()


def select(connection: duckdb.DuckDBPyConnection, source: TableSource) -> str:
    """Query text that gives the table's rows.

    Raises ``NameNotFoundError`` SR401 (nothing at the path), ``DataError`` SR405, SR407 (unreadable
    file), SR408 (no files and no declared columns), ``SchemaError`` SR406 (declared columns missing, or
    of a type that cannot become the declared one).
    """
    found = find(source)
    if not found.files:
        return _empty(source)
    remote.register(connection, found.files)
    scan = _csv(source, found) if source.format is TableFormat.CSV else _parquet(source, found)
    try:
        relation = connection.sql(f"FROM {scan}")
    except (duckdb.Error, OSError) as error:
        raise _diagnosed(connection, source, found, error) from None
    columns = dict(zip(relation.columns, relation.types, strict=True))
    if not source.schema.fields:
        outside = _partition_names(found.files[0], "") - set(found.partitions)
        shown = [types.quote(name) for name in columns if name not in outside]
        return f"FROM {scan} SELECT {', '.join(shown)}"
    return f"FROM {scan} SELECT {', '.join(_declared(source, columns, found.files[0]))}"


def find(source: TableSource) -> Found:
    """The data files of a table: one file, those of a folder, or those a glob matches."""
    if not source.path:
        raise NameNotFoundError(
            "SR401", f"table {source.name!r} has no place yet", hint="the step that makes it has not run"
        )
    if not is_local(source.path):
        files = tuple(remote.find(source))
        return Found(files, _partitions(files, source.path.partition("*")[0]))
    path = Path(source.path)
    if path.is_file():
        return Found((str(path),))
    if path.is_dir():
        files = tuple(map(str, commit.listing(path, source.format)))
        return Found(files, _partitions(files, str(path)))
    if not glob.has_magic(source.path):
        raise NameNotFoundError(
            "SR401",
            f"table {source.name!r}: there is nothing at {source.path}",
            hint="correct the table's path",
        )
    matches = sorted(glob.glob(source.path, recursive=True))
    files = tuple(m for m in matches if Path(m).is_file() and not commit.is_hidden(Path(m).name))
    if not files:
        raise NameNotFoundError("SR401", f"table {source.name!r}: no file matches {source.path}")
    fixed = next(p for p in path.parents if not glob.has_magic(str(p)))
    return Found(files, _partitions(files, str(fixed)))


def _partitions(files: tuple[str, ...], root: str) -> tuple[str, ...]:
    names = _partition_names(files[0], root) if files else set()
    return tuple(sorted(names))


def _partition_names(file: str, root: str) -> set[str]:
    folders = file.removeprefix(root).split("/")[:-1]
    return {unquote(part.partition("=")[0]) for part in folders if "=" in part}


def _empty(source: TableSource) -> str:
    if not source.schema.fields:
        raise DataError(
            "SR408",
            f"table {source.name!r} is empty: no data files in {source.path}",
            hint="declare its columns with CREATE TABLE, or fill it first",
        )
    nulls = [f"CAST(NULL AS {types.duckdb_type(f.type)}) AS {types.quote(f.name)}" for f in source.schema]
    return f"SELECT {', '.join(nulls)} WHERE false"


def _declared(source: TableSource, columns: Mapping[str, object], file: str) -> list[str]:
    by_folded = {name.casefold(): name for name in columns}
    missing = [f.name for f in source.schema if f.name.casefold() not in by_folded]
    if missing:
        hints = [hint for name in missing if (hint := suggest(name, columns))]
        raise SchemaError(
            "SR406",
            f"table {source.name!r} declares {_listed(missing)}, not found in {file}",
            hint=" ".join(hints) or f"the file has: {', '.join(columns)}",
        )
    shown = []
    for field in source.schema:
        name = by_folded[field.name.casefold()]
        _check_type(source, field.name, types.type_of_duckdb(name, columns[name]), field.type)
        cast = f"CAST({types.quote(name)} AS {types.duckdb_type(field.type)})"
        shown.append(f"{cast} AS {types.quote(field.name)}")
    return shown


def _check_type(source: TableSource, column: str, stored: DataType, declared: DataType) -> None:
    """DuckDB would round 2.7 to 3 without a word, so fractions never become whole numbers here."""
    if stored.is_float and (declared.is_integer or declared.kind is Kind.BOOLEAN):
        raise SchemaError(
            "SR406",
            f"table {source.name!r}: column {column!r} is declared {declared}, but the file holds {stored}",
            hint=f"declare it {stored} and CAST it in the query",
        )


def _listed(names: Iterable[str]) -> str:
    quoted = [repr(name) for name in names]
    return f"column{'s' if len(quoted) > 1 else ''} {', '.join(quoted)}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _struct(types_by_name: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_text(n)}: {_text(t)}" for n, t in types_by_name.items()) + "}"


def _files(found: Found) -> str:
    names = (glob.escape(f) if glob.has_magic(f) else f for f in found.files)
    return f"[{', '.join(map(_text, names))}]"


def _hive(source: TableSource, found: Found) -> str:
    if not found.partitions:
        return ", hive_partitioning = false"
    wanted = {n: source.schema.get(n) for n in found.partitions}
    hive = {n: types.duckdb_type(f.type) if f else "VARCHAR" for n, f in wanted.items()}
    return f", hive_partitioning = true, hive_types_autocast = false, hive_types = {_struct(hive)}"


def _parquet(source: TableSource, found: Found) -> str:
    return f"read_parquet({_files(found)}{_hive(source, found)})"


def _csv(source: TableSource, found: Found, *, as_text: bool = False) -> str:
    """``read_csv`` with the whole dialect given, so that only types (of undeclared columns) are guessed."""
    names = header(source, found.files[0]) if source.schema.fields or as_text else ()
    wanted = {n: None if as_text else source.schema.get(n) for n in names}
    given = {n: types.duckdb_type(f.type) if f else "VARCHAR" for n, f in wanted.items()}
    columns = f", auto_detect = false, columns = {_struct(given)}" if given else ""
    null = source.options.get("null_value", "")
    return (
        f"read_csv({_files(found)}, header = {str(has_header(source)).lower()}, "
        f"delim = {_text(delimiter(source))}, quote = '\"', escape = '\"', nullstr = {_text(null)}, "
        f"allow_quoted_nulls = false, strict_mode = true, null_padding = false, skip = 0, comment = ''"
        f"{columns}{_hive(source, found)})"
    )


def _diagnosed(
    connection: duckdb.DuckDBPyConnection, source: TableSource, found: Found, error: Exception
) -> Exception:
    """DuckDB names no line when it cannot guess a CSV's types: reading it as text finds the bad line."""
    if "Error when sniffing file" in str(error):
        try:
            connection.sql(f"FROM {_csv(source, found, as_text=True)} SELECT count(COLUMNS(*))").fetchall()
        except (duckdb.Error, OSError) as precise:
            return translated(precise)
    return translated(error)
