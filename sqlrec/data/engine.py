"""The embedded query engine: a relation in, Arrow batches out.

Each call has an in-memory database of its own (25 ms), so that names of one relation never meet those
of another. Nothing is downloaded, no Python variable can be read as a table, and what is spilled to
disk goes when the engine is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType

import duckdb
import pyarrow as pa

from sqlrec.data import views
from sqlrec.data.failure import translated
from sqlrec.data.functions import Function, define
from sqlrec.data.querying import CONFIG, FAILURES, SESSION, bound, conformed, create_view, translating
from sqlrec.data.spill import spill_folder
from sqlrec.errors import SqlRecError
from sqlrec.spec.table import Relation, TableSource

BATCH_ROWS = 65_536


class Engine:
    """DuckDB in this process. ``threads`` 0 takes all cores; ``memory`` is a limit such as ``'2GB'``.

    Queries may use ``functions``, each of which may use the tables of the query and the functions before it.
    All methods raise what the functions raise, and errors of our tree: ``NameNotFoundError`` (SR401 table,
    SR402 column), ``SchemaError`` (SR403 query, SR406 declared columns, SR411 types), ``DataError`` (SR404
    value, SR405 CSV, SR407 file, SR408 empty undeclared table), ``SetupError`` (SR704 memory, missing
    extension).
    """

    def __init__(self, *, threads: int = 0, memory: str = "", functions: Iterable[Function] = ()) -> None:
        spill, self._remove_spill = spill_folder(self)
        self._config: dict[str, str | bool | int | float | list[str]] = {
            **CONFIG,
            "temp_directory": str(spill),
        }
        if threads:
            self._config["threads"] = threads
        if memory:
            self._config["memory_limit"] = memory
        self._connections: set[duckdb.DuckDBPyConnection] = set()
        self._functions = tuple(functions)
        self._failures: list[Exception] = []

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def interrupt(self) -> None:
        """End what runs in another thread now; its call raises. Waiting for DuckDB ignores signals."""
        for connection in tuple(self._connections):
            with suppress(duckdb.ConnectionException):  # it has just come to its end
                connection.interrupt()

    def close(self) -> None:
        """End all readers and remove what was spilled to disk."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._remove_spill()

    def reader(self, relation: Relation, *, batch_rows: int = BATCH_ROWS) -> pa.RecordBatchReader:
        """The rows as a stream of batches of at most ``batch_rows`` rows, in a fixed order for a scan.

        Rows are computed while the reader is read, which must happen before the engine is closed.
        """
        connection = self._connect(relation.sources)
        try:
            with self._translating(relation, connection):
                query, schema = bound(connection, relation)
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
            return bound(connection, relation)[1]

    def count(self, relation: Relation) -> int:
        """Number of rows."""
        with self._connected(relation) as connection:
            query, _ = bound(connection, relation)
            return int(query.aggregate("count(*)").fetchall()[0][0])

    @contextmanager
    def _connected(self, relation: Relation) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._connect(relation.sources)
        try:
            with self._translating(relation, connection):
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
            with self._translating(relation, connection):
                for batch in stream:
                    yield conformed(batch, schema)
        finally:
            self._drop(connection)

    def _connect(self, sources: Mapping[str, TableSource]) -> duckdb.DuckDBPyConnection:
        try:
            connection = duckdb.connect(":memory:", config=self._config)
        except duckdb.Error as error:
            raise translated(error) from None
        self._connections.add(connection)
        try:
            connection.execute(SESSION)
            for name, source in sources.items():
                create_view(connection, name, views.select(connection, source))
            for function in self._functions:
                define(connection, function, self._failures.append)
        except FAILURES as error:
            self._drop(connection)
            raise translated(error) from None
        except SqlRecError:
            self._drop(connection)
            raise
        return connection

    @contextmanager
    def _translating(self, relation: Relation, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """As :func:`translating`; what a function raised is raised as it was."""
        try:
            with translating(relation, connection):
                yield
        except SqlRecError:
            if self._failures:
                raise self._failures[0] from None
            raise

    def _drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.close()
        self._connections.discard(connection)
