"""The tables outside that a program reads, in one database of this process.

A program is run many times a second, so what it reads is loaded once, unless it is large. Whether files
changed since then is asked from time to time; then a new store takes the place of this one, which is never
changed.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from sqlrec.data import views
from sqlrec.data.failure import translated
from sqlrec.data.querying import CONFIG, FAILURES, SESSION, create_view
from sqlrec.data.remote import stamp
from sqlrec.data.spill import spill_folder
from sqlrec.data.types import quote
from sqlrec.spec.table import TableSource

KEPT_BYTES = 256 * 1024 * 1024
"""Files of a table that is held in memory; the files of a larger one are read by each query."""

HOME = "sqlrec tables"
"""The schema of the loaded tables: no query names one of theirs so."""


class Store:
    """Loaded tables by number, and connections that see them. ``threads`` are DuckDB's, for all connections.

    Raises ``NameNotFoundError`` SR401, ``DataError`` SR405, SR407, SR408, ``SchemaError`` SR406 for a table
    that cannot be read.
    """

    def __init__(self, sources: Iterable[TableSource], *, threads: int) -> None:
        self._sources = list(sources)
        spill, self._remove_spill = spill_folder(self)
        config = {**CONFIG, "threads": threads, "temp_directory": str(spill)}
        try:
            self._database = duckdb.connect(":memory:", config=config)
        except duckdb.Error as error:
            raise translated(error) from None
        try:
            self._load()
        except FAILURES as error:
            self.close()
            raise translated(error) from None
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        self._files = self._stat()
        self._database.execute(f"{SESSION}; CREATE SCHEMA {quote(HOME)}")
        for number, source in enumerate(self._sources):
            select = views.select(self._database, source)
            size = sum(size for _, size, _ in self._files[number])
            kind = "TABLE" if size <= KEPT_BYTES else "VIEW"
            self._database.execute(f"CREATE {kind} {self._place(number)} AS {select}")

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection; its temporary tables and views are its own."""
        connection = self._database.cursor()
        connection.execute(SESSION)
        return connection

    def bind(self, connection: duckdb.DuckDBPyConnection, name: str, source: TableSource) -> None:
        """Let queries of a connection read a table under a name."""
        place = self._place(self._sources.index(source))
        if "." not in name:
            connection.execute(f"CREATE TEMP VIEW {quote(name)} AS FROM {place}")
        elif not self._knows(name):
            create_view(self._database, name, f"FROM {place}")

    def is_current(self) -> bool:
        """Whether the files are those that were loaded; one that is gone makes it another."""
        try:
            return self._stat() == self._files
        except Exception:  # whatever is wrong with them now, it was not when they were loaded
            return False

    def close(self) -> None:
        """Let go of the memory, and of what was spilled to disk."""
        self._database.close()
        self._remove_spill()

    def _stat(self) -> list[list[tuple[str, int, str]]]:
        return [[stamp(file) for file in views.find(source).files] for source in self._sources]

    def _knows(self, name: str) -> bool:
        """A dotted name is the same table in every query, so it is bound once for all."""
        try:
            self._database.table(".".join(map(quote, name.split("."))))
        except duckdb.Error:
            return False
        return True

    @staticmethod
    def _place(number: int) -> str:
        return f'memory.{quote(HOME)}."{number}"'
