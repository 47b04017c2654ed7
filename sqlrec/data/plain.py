"""Relations that are nothing but a table of parquet files: their rows need no query engine."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.artifacts.store import is_local
from sqlrec.data.views import find
from sqlrec.spec.table import Relation, TableFormat

WHOLE_TABLE = re.compile(r'SELECT \* FROM ((?:"\w+"|\w+)(?:\.(?:"\w+"|\w+))*)')


def plain_files(relation: Relation, schema: pa.Schema) -> tuple[str, ...] | None:
    """The files whose rows, in this order, are those of a relation with columns ``schema``.

    None for a query that does more than name a table, for a table in a store, and for one whose files have
    other columns or types than the engine gives.
    """
    named = WHOLE_TABLE.fullmatch(relation.query.strip())
    source = relation.sources.get(named[1].replace('"', "")) if named else None
    if source is None or source.format is not TableFormat.PARQUET or not is_local(source.path):
        return None
    found = find(source)
    if found.partitions or not found.files:
        return None
    same = (pq.read_schema(file).equals(schema) for file in found.files)
    return found.files if all(same) else None
