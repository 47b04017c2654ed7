"""From a table's name to the place of its rows: names without a declaration are looked up on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sqlrec.artifacts.store import is_local
from sqlrec.data.commit import is_hidden
from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.spec.table import TableFormat, TableSource

ENDINGS = {"": TableFormat.PARQUET, ".parquet": TableFormat.PARQUET, ".csv": TableFormat.CSV}
"""What a warehouse entry may be called after the table's name, in the order it is looked up."""


def resolve(source: TableSource, *, project: Path, warehouse: Path) -> TableSource:
    """The table with an absolute path and a format that can be read.

    A relative path is one of the project; a URI of a store stays as it is. A WAREHOUSE table ``db.t`` is the
    folder ``<warehouse>/db/t`` of parquet files, or of CSV files when it holds no parquet, or ``t.parquet``
    or ``t.csv``; case does not count where only one entry fits. ``NameNotFoundError`` SR401 says where it
    was looked for.
    """
    if source.format is not TableFormat.WAREHOUSE:
        if not is_local(source.path):
            return source
        return replace(source, path=str(project / Path(source.path).expanduser()) if source.path else "")
    *folders, name = source.name.split(".")
    parent = warehouse
    for folder in folders:
        parent = next(
            (p for p in _entries(parent) if p.name.casefold() == folder.casefold()), parent / folder
        )
    for ending, format in ENDINGS.items():
        path = _entry(parent, name + ending)
        if path is not None and path.is_dir() == (ending == ""):
            return replace(source, path=str(path), format=_folder_format(path) if ending == "" else format)
    looked = ", ".join(str(parent / (name + ending)) for ending in ENDINGS)
    known = sorted(known_tables(warehouse))
    near = suggest(source.name, known)
    hint = near or ("create it with CREATE TABLE, CACHE TABLE or INSERT" if not known else _some(known))
    raise NameNotFoundError("SR401", f"table {source.name!r} does not exist: looked for {looked}", hint=hint)


def known_tables(warehouse: Path) -> Iterator[str]:
    """Names of the warehouse's tables, with their database when they are in one.

    A folder ``key=value`` is a partition: the table is the folder that it lies in, here the warehouse itself.
    """
    for path in _entries(warehouse):
        if path.is_dir() and "=" in path.name:
            continue
        if path.is_file() or not _is_database(path):
            yield from _name(path)
            continue
        for inner in _entries(path):
            yield from (f"{path.name}.{name}" for name in _name(inner))


def _is_database(folder: Path) -> bool:
    """A folder with folders or tables in it, none of them a partition, and no data file of its own name."""
    inner = _entries(folder)
    return any(p.is_dir() for p in inner) and not any("=" in p.name for p in inner)


def _name(path: Path) -> Iterator[str]:
    if path.is_dir():
        yield path.name
    elif path.suffix in ENDINGS and path.suffix:
        yield path.stem


def _entries(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not is_hidden(p.name)) if folder.is_dir() else []


def _entry(folder: Path, name: str) -> Path | None:
    if (folder / name).exists():
        return folder / name
    fits = [p for p in _entries(folder) if p.name.casefold() == name.casefold()]
    return fits[0] if len(fits) == 1 else None


def _folder_format(folder: Path) -> TableFormat:
    has_parquet = next(folder.rglob("*.parquet"), None) is not None
    has_csv = next(folder.rglob("*.csv*"), None) is not None
    return TableFormat.CSV if has_csv and not has_parquet else TableFormat.PARQUET


def _some(names: list[str]) -> str:
    return f"tables there: {', '.join(names[:20])}"
