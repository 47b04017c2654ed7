"""The embedded query engine: a relation in, Arrow batches out.

Each call has an in-memory database of its own (25 ms), so that names of one relation never meet those
of another. Nothing is downloaded, no Python variable can be read as a table, and what is spilled to
disk goes when the engine is closed.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.data import types, views
from sqlrec.data.failure import translated
from sqlrec.errors import SchemaError, SqlRecError
from sqlrec.spec.schema import Field, Schema
from sqlrec.spec.table import Relation, TableSource

BATCH_ROWS = 65_536
FAILURES = (duckdb.Error, pa.ArrowException, OSError, OverflowError)


class Engine:
    """DuckDB in this process. ``threads`` 0 takes all cores; ``memory`` is a limit such as ``'2GB'``.

    All methods raise errors of our tree: ``NameNotFoundError`` (SR401 table, SR402 column),
    ``SchemaError`` (SR403 query, SR406 declared columns, SR411 types), ``DataError`` (SR404 value, SR405
    CSV, SR407 file, SR408 empty undeclared table), ``SetupError`` (SR704 memory, missing extension).
    """

    def __init__(self, *, threads: int = 0, memory: str = "") -> None:
        self._spill = Path(tempfile.gettempdir()) / f"sqlrec-{uuid.uuid4().hex}"
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "preserve_insertion_order": "true",
            "temp_directory": str(self._spill),
        }
        if threads:
            self._config["threads"] = threads
        if memory:
            self._config["memory_limit"] = memory
        self._connections: set[duckdb.DuckDBPyConnection] = set()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def interrupt(self) -> None:
        """End what runs in another thread now; its call raises. Waiting for DuckDB ignores signals."""
        for connection in tuple(self._connections):
            connection.interrupt()

    def close(self) -> None:
        """End all readers and remove what was spilled to disk."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        shutil.rmtree(self._spill, ignore_errors=True)

    def reader(self, relation: Relation, *, batch_rows: int = BATCH_ROWS) -> pa.RecordBatchReader:
        """The rows as a stream of batches of at most ``batch_rows`` rows, in a fixed order for a scan.

        Rows are computed while the reader is read, which must happen before the engine is closed.
        """
        connection = self._connect(relation.sources)
        try:
            with _translated(relation, connection):
                query, schema = self._query(connection, relation)
                stream = query.to_arrow_reader(batch_rows)
        except SqlRecError:
            self._drop(connection)
            raise
        return pa.RecordBatchReader.from_batches(schema, self._batches(connection, stream, schema, relation))

    def table(self, relation: Relation) -> pa.Table:
        """All rows at once."""
        return self.reader(relation).read_all()

    def schema(self, relation: Relation) -> pa.Schema:
        """Columns and types of the result, without computing it."""
        with self._connected(relation) as connection:
            return self._query(connection, relation)[1]

    def count(self, relation: Relation) -> int:
        """Number of rows."""
        with self._connected(relation) as connection:
            query, _ = self._query(connection, relation)
            return int(query.aggregate("count(*)").fetchall()[0][0])

    @contextmanager
    def _connected(self, relation: Relation) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._connect(relation.sources)
        try:
            with _translated(relation, connection):
                yield connection
        finally:
            self._drop(connection)

    def _batches(
        self,
        connection: duckdb.DuckDBPyConnection,
        stream: pa.RecordBatchReader,
        schema: pa.Schema,
        relation: Relation,
    ) -> Iterator[pa.RecordBatch]:
        try:
            with _translated(relation, connection):
                for batch in stream:
                    yield _cast(batch, schema)
        finally:
            self._drop(connection)

    def _connect(self, sources: Mapping[str, TableSource]) -> duckdb.DuckDBPyConnection:
        try:
            connection = duckdb.connect(":memory:", config=self._config)
        except duckdb.Error as error:
            raise translated(error) from None
        self._connections.add(connection)
        try:
            connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            for name, source in sources.items():
                _create_view(connection, name, views.select(connection, source))
        except FAILURES as error:
            self._drop(connection)
            raise translated(error) from None
        except SqlRecError:
            self._drop(connection)
            raise
        return connection

    def _drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.close()
        self._connections.discard(connection)

    @staticmethod
    def _query(
        connection: duckdb.DuckDBPyConnection, relation: Relation
    ) -> tuple[duckdb.DuckDBPyRelation, pa.Schema]:
        statements = duckdb.extract_statements(relation.query)
        if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
            raise SchemaError("SR403", "a relation is one query (SELECT, VALUES or WITH … SELECT)")
        used = statements[0].named_parameters
        query = connection.sql(
            relation.query, params={k: v for k, v in relation.parameters.items() if k in used} or None
        )
        return query, _schema(query)


@contextmanager
def _translated(relation: Relation, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise translated(error, relation.sources, _columns(connection)) from None


def _columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of all tables of a query; none when the connection is closed."""
    try:
        found = connection.execute("FROM duckdb_columns() SELECT DISTINCT column_name WHERE NOT internal")
        return [row[0] for row in found.fetchall()]
    except duckdb.Error:
        return []


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """A view under a plain, ``db.table`` or ``catalog.db.table`` name."""
    *parents, table = name.split(".")
    if len(parents) == 2:
        connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {types.quote(parents[0])}")
    if parents:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {'.'.join(map(types.quote, parents))}")
    connection.execute(f"CREATE VIEW {'.'.join(map(types.quote, (*parents, table)))} AS {select}")


def _schema(query: duckdb.DuckDBPyRelation) -> pa.Schema:
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


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch in the types of the dialect; nanoseconds are cut to microseconds."""
    if batch.schema.equals(schema):
        return batch
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        options = pc.CastOptions(target_type=field.type, allow_time_truncate=True)
        columns.append(column if column.type.equals(field.type) else pc.cast(column, options=options))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
