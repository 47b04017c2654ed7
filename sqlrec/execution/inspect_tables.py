"""DESCRIBE TABLE and SHOW CREATE TABLE: declared columns, or those of the files."""

from __future__ import annotations

from dataclasses import replace

from sqlrec.errors import NameNotFoundError
from sqlrec.execution.call import Call
from sqlrec.execution.ddl import table_ddl
from sqlrec.execution.inspect_describe import COLUMNS, SECTIONS, section
from sqlrec.execution.inspect_rows import table
from sqlrec.execution.outcome import Preview
from sqlrec.execution.tables import source
from sqlrec.plan.plan import InspectStep
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import Relation, TableFormat, TableSource
from sqlrec.sql.statements import ObjectKind


def describe_table(step: InspectStep, call: Call) -> Preview:
    """The columns of a table; with FORMATTED, its place and its files too."""
    declared = _named(step)
    found = _with_partitions(source(declared, call))
    columns = _columns(found)
    parted = {name.casefold() for name in found.partitions}
    if not step.formatted:
        rows = (
            (
                f.name,
                str(f.type),
                str(f.nullable).upper(),
                "partition" if f.name.casefold() in parted else "",
                f.comment,
            )
            for f in columns
        )
        return table(COLUMNS, rows)
    facts = [("Name", declared.name), ("Format", found.format.value), ("Path", found.path)]
    if declared.format is TableFormat.CACHE:
        facts.append(("Kind", "cached by this run"))
    fields = [(f.name, str(f.type)) for f in columns if f.name.casefold() not in parted]
    partitions = [(f.name, str(f.type)) for f in columns if f.name.casefold() in parted]
    sections = [
        *section("Table Information", [*facts, ("Files", str(_files(found)))]),
        *section("Columns", fields),
        *section("Partition Columns", partitions),
        *section("Table Parameters", found.options.items()),
    ]
    return table(SECTIONS, sections)


def table_ddl_of(step: InspectStep, call: Call) -> str:
    """CREATE TABLE for a declared table, or for one of the warehouse.

    Raises SR401 for one that is not there, and for a view or cached table, whose text is not kept.
    """
    declared = _named(step)
    if declared.format is TableFormat.CACHE:
        raise NameNotFoundError(
            "SR401",
            f"{step.kind.lower()} {declared.name} is cached by the script; its text is not kept",
            hint=f"see the statement that makes it; DESCRIBE TABLE {declared.name} shows its columns",
        )
    if declared.format is not TableFormat.WAREHOUSE:
        return table_ddl(declared, declared.schema)
    found = _with_partitions(source(declared, call))
    return table_ddl(found, _columns(found))


def _named(step: InspectStep) -> TableSource:
    """The table that a statement names. A view is one that the script caches; raises SR401 for any other."""
    found = step.tables[step.name]
    if step.kind is ObjectKind.VIEW and found.format is not TableFormat.CACHE:
        raise NameNotFoundError(
            "SR401", f"view {step.name} does not exist", hint="CREATE VIEW keeps what a query gives"
        )
    return found


def _with_partitions(found: TableSource) -> TableSource:
    from sqlrec.data.views import find

    return found if found.partitions else replace(found, partitions=find(found).partitions)


def _files(found: TableSource) -> int:
    from sqlrec.data.views import find

    return len(find(found).files)


def _columns(found: TableSource) -> Schema:
    """Declared columns, else those that the files have."""
    from sqlrec.data.engine import Engine
    from sqlrec.data.types import declared

    if len(found.schema):
        return found.schema
    with Engine() as engine:
        relation = Relation(query="SELECT * FROM described", sources={"described": found})
        return declared(engine.schema(relation))
