"""Tables and queries as data: what a job is told to read or write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlrec.spec.schema import Schema


class TableFormat(StrEnum):
    """Where a table's rows are.

    ``CACHE`` is a table of the running script (its path is filled in when a step runs); ``WAREHOUSE``
    is a name without a declaration, looked up below the warehouse folder when a step runs.
    """

    PARQUET = "parquet"
    CSV = "csv"
    CACHE = "cache"
    WAREHOUSE = "warehouse"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A named table. ``schema`` is empty when it was not declared. ``path``: file, folder or glob."""

    name: str
    format: TableFormat
    path: str = ""
    schema: Schema = Schema()
    partitions: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A query over named tables, in DuckDB's dialect.

    Template values (``'{{ ds }}'``) are not spliced into the text: each becomes a named parameter
    ``$p1`` of the query and its template an entry of ``parameters``, rendered when the step runs. So a
    rendered value can never change what the query means.
    """

    query: str
    sources: Mapping[str, TableSource] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
