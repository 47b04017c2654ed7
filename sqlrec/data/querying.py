"""One query on an open DuckDB connection: its columns in our types, its failures in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.data import types
from sqlrec.data.failure import translated
from sqlrec.errors import SchemaError
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.table import Relation

CONFIG: Mapping[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "true",
}
"""Of every database of ours: nothing is downloaded, and no Python variable can be read as a table."""

SESSION = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
FAILURES = (duckdb.Error, pa.ArrowException, OSError, OverflowError)


def bound(
    connection: duckdb.DuckDBPyConnection, relation: Relation
) -> tuple[duckdb.DuckDBPyRelation, pa.Schema]:
    """The query over the connection's tables, not run yet, and its columns.

    Raises ``SchemaError`` SR403 and what :func:`translating` translates.
    """
    used = parameters_of(relation)
    query = connection.sql(
        relation.query, params={k: v for k, v in relation.parameters.items() if k in used} or None
    )
    return query, columns_of(query)


def parameters_of(relation: Relation) -> frozenset[str]:
    """The parameters that the text uses; raises ``SchemaError`` SR403 when it is not one query."""
    statements = duckdb.extract_statements(relation.query)
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        raise SchemaError("SR403", "a relation is one query (SELECT, VALUES or WITH … SELECT)")
    return frozenset(statements[0].named_parameters)


@contextmanager
def translating(relation: Relation, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Failures inside become errors of our tree, with hints from the tables of the query."""
    try:
        yield
    except FAILURES as error:
        raise translated(error, relation.sources, _columns(connection)) from None


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch in the types of the dialect; nanoseconds are cut to microseconds."""
    if batch.schema.equals(schema):
        return batch
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        options = pc.CastOptions(target_type=field.type, allow_time_truncate=True)
        columns.append(column if column.type.equals(field.type) else pc.cast(column, options=options))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def create_view(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """A view under a plain, ``db.table`` or ``catalog.db.table`` name; also as one quoted word with dots."""
    *parents, table = name.split(".")
    if parents:
        connection.execute(f"CREATE VIEW {types.quote(name)} AS {select}")
    if len(parents) == 2:
        connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {types.quote(parents[0])}")
    if parents:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {'.'.join(map(types.quote, parents))}")
    connection.execute(f"CREATE VIEW {'.'.join(map(types.quote, (*parents, table)))} AS {select}")


def _columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of all tables of a query; none when the connection is closed."""
    try:
        found = connection.execute("FROM duckdb_columns() SELECT DISTINCT column_name WHERE NOT internal")
        return [row[0] for row in found.fetchall()]
    except duckdb.Error:
        return []


def columns_of(query: duckdb.DuckDBPyRelation) -> pa.Schema:
    """Columns of a query in the types of the dialect; raises ``SchemaError`` SR403, SR411."""
    folded = [name.casefold() for name in query.columns]
    twice = sorted({n for n, f in zip(query.columns, folded, strict=True) if folded.count(f) > 1})
    if twice:
        raise SchemaError(
            "SR403",
            f"the query returns two columns named {', '.join(map(repr, twice))}",
            hint="name one of them with AS",
        )
    columns = zip(query.columns, query.types, strict=True)
    return types.arrow_schema(
        Schema(tuple(Field(name=name, type=types.type_of_duckdb(name, duck)) for name, duck in columns))
    )
