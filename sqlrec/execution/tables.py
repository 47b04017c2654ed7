"""Tables of a step made concrete: cached tables get their folder in the run, paths become absolute."""

from __future__ import annotations

from dataclasses import replace

from sqlrec.artifacts.store import exists
from sqlrec.errors import NameNotFoundError
from sqlrec.execution.call import Call
from sqlrec.spec.table import Relation, TableFormat, TableSource


def concrete(relation: Relation, call: Call) -> Relation:
    """The relation over tables that any process of this machine can open; raises SR401 for a missing one.

    Calls of models in it are made now. It must not be done in the thread of a query: only the main thread
    can be interrupted.
    """
    if relation.calls:
        from sqlrec.execution.inference import without_calls

        return without_calls(relation, call)
    return replace(relation, sources={n: source(s, call) for n, s in relation.sources.items()})


def source(table: TableSource, call: Call) -> TableSource:
    """A table to read, with its absolute path; raises SR401 when it is not there."""
    from sqlrec.data.source import resolve

    if table.format is TableFormat.CACHE:
        cached = target(table, call)
        if not exists(call.table(table.name)):
            raise NameNotFoundError(
                "SR401",
                f"table {table.name!r} is not cached in this run",
                hint="run the script from the step that caches it",
            )
        return cached
    settings = call.env.settings
    return resolve(table, project=settings.project, warehouse=settings.warehouse)


def target(table: TableSource, call: Call) -> TableSource:
    """A table to write, with its absolute path; one that exists nowhere goes to the warehouse."""
    from sqlrec.data.source import resolve

    if table.format is TableFormat.CACHE:
        return replace(table, format=TableFormat.PARQUET, path=call.table(table.name))
    settings = call.env.settings
    try:
        return resolve(table, project=settings.project, warehouse=settings.warehouse)
    except NameNotFoundError:
        path = settings.warehouse.joinpath(*table.name.split("."))
        return replace(table, format=TableFormat.PARQUET, path=str(path))
