"""Relations that are nothing but a table of parquet files: their rows need no query engine."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.artifacts.store import is_local
from sqlrec.data.views import find
from sqlrec.spec.table import Relation, TableFormat

WHOLE_TABLE = re.compile(r'SELECT \* FROM ((?:"\w+"|\w+)(?:\.(?:"\w+"|\w+))*)')
NUMBERS = frozenset(
    (pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()),
)
"""Types that are the same in a file, in the engine and in Arrow, whoever wrote the file."""


@dataclass(frozen=True, slots=True)
class Plain:
    """``files`` with the same ``columns``, whose rows, in this order, are those of a relation.

    That holds if the engine gives the relation the same columns. It does where ``is_known``; otherwise it
    has to be asked.
    """

    files: tuple[str, ...]
    columns: pa.Schema
    is_known: bool


def plain_table(relation: Relation) -> Plain | None:
    """The files of a relation that only names a table of parquet files; None for any other.

    None also for a table in a store, and for one whose files differ or cannot be read.
    """
    named = WHOLE_TABLE.fullmatch(relation.query.strip())
    source = relation.sources.get(named[1].replace('"', "")) if named else None
    if source is None or source.format is not TableFormat.PARQUET or not is_local(source.path):
        return None
    found = find(source)
    if found.partitions or not found.files:
        return None
    try:
        columns, *others = [pq.read_schema(file).remove_metadata() for file in found.files]
    except (pa.ArrowException, OSError):
        return None
    if not all(columns.equals(other) for other in others):
        return None
    known = not source.schema.fields and all(map(_is_known, columns)) and _are_distinct(columns.names)
    return Plain(found.files, columns, known)


def _is_known(field: pa.Field) -> bool:
    return field.nullable and field.type in NUMBERS


def _are_distinct(names: list[str]) -> bool:
    return all(names) and len({name.casefold() for name in names}) == len(names)
