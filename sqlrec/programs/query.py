"""A query of a program: bound to the tables outside once, run over the tables of a request each time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from sqlrec.data.querying import bound, columns_of, conformed, parameters_of, translating
from sqlrec.data.types import quote
from sqlrec.programs.store import Store
from sqlrec.spec.table import Relation, TableFormat

PARAM = "param:"
"""What the text of a query's parameter begins with that the caller of a program gives."""

QUICK_SECONDS = 0.003
"""Runs up to so long are made where they are wanted, between two events of the loop."""

Tables = Mapping[str, pa.Table]
"""Tables of one run of a program, by name in lower case."""


class Query:
    """One relation on a connection of its own; used by one thread at a time."""

    def __init__(self, relation: Relation, store: Store) -> None:
        used = parameters_of(relation)
        parameters = {name: text for name, text in relation.parameters.items() if name in used}
        self._relation = replace(relation, parameters=parameters)
        self._connection = store.connect()
        self._given = self._columns = pa.schema([])
        self._quick_rows = -1
        self._own: dict[str, str] = {}
        for name, source in relation.sources.items():
            if source.format is TableFormat.CACHE:
                self._own[name] = source.name.casefold()
            else:
                store.bind(self._connection, name, source)
        self._whole = _whole_table(relation)

    def schema(self, tables: Tables, params: Mapping[str, str]) -> pa.Schema:
        """Columns of the result, which is not computed."""
        with self._ready(tables, params) as relation:
            return bound(self._connection, relation)[1]

    def run(self, tables: Tables, params: Mapping[str, str]) -> pa.Table:
        """All rows. Raises as ``data.engine.Engine`` does."""
        if self._whole:
            return tables[self._whole]
        started = time.perf_counter()
        found = self._run(tables, params)
        rows = self._rows(tables)
        if time.perf_counter() - started <= QUICK_SECONDS:
            self._quick_rows = max(self._quick_rows, rows)
        else:
            self._quick_rows = min(self._quick_rows, rows - 1)
        return found

    def is_quick(self, tables: Tables) -> bool:
        """Whether a run is expected to take no longer than handing it to a thread and back."""
        return bool(self._whole) or self._rows(tables) <= self._quick_rows

    def _rows(self, tables: Tables) -> int:
        return sum(tables[key].num_rows for key in self._own.values())

    def _run(self, tables: Tables, params: Mapping[str, str]) -> pa.Table:
        with self._ready(tables, params) as relation:
            query = self._connection.sql(relation.query, params=dict(relation.parameters) or None)
            table = query.to_arrow_table()
            if not table.schema.equals(self._given):
                self._given, self._columns = table.schema, columns_of(query)
        if table.schema.equals(self._columns):
            return table
        batches = [conformed(batch, self._columns) for batch in table.to_batches()]
        return pa.Table.from_batches(batches, self._columns)

    def interrupt(self) -> None:
        """End what runs in another thread now; its call raises."""
        self._connection.interrupt()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    @contextmanager
    def _ready(self, tables: Tables, params: Mapping[str, str]) -> Iterator[Relation]:
        relation = _with_params(self._relation, params)
        with translating(relation, self._connection):
            try:
                for name, key in self._own.items():
                    self._connection.register(name, tables[key])
                yield relation
            finally:
                for name in self._own:
                    self._connection.unregister(name)


def _with_params(relation: Relation, params: Mapping[str, str]) -> Relation:
    if not relation.parameters:
        return relation
    values = {
        name: params[text.removeprefix(PARAM)] if text.startswith(PARAM) else text
        for name, text in relation.parameters.items()
    }
    return replace(relation, parameters=values)


def _whole_table(relation: Relation) -> str:
    """The table of the program that is all the query reads and gives, if it is such a query."""
    for name, source in relation.sources.items():
        rest = relation.query.removeprefix("SELECT * FROM ")
        if source.format is TableFormat.CACHE and rest == quote(name):
            return source.name.casefold()
    return ""
