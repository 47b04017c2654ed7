"""The branches of an IF cache one table: whoever reads it finds the same columns, whichever was taken."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import SchemaError, SqlRecError
from sqlrec.execution.cached import cached_table
from sqlrec.execution.call import Call
from sqlrec.execution.interruptible import interruptible
from sqlrec.execution.tables import concrete
from sqlrec.plan.plan import IfStep, QueryStep, Step
from sqlrec.spec.schema import DataType, Kind, Schema
from sqlrec.spec.widening import widens


def require_same_columns(step: IfStep, call: Call) -> None:
    """Compare what the branches cache, with all branches of an IF within them; nothing is computed.

    Columns go together in their order: the same name but for case, and types of which one casts to the
    other implicitly. Raises ``SchemaError`` SR645. A branch whose columns cannot be told without doing it
    (a call), or at all (a table that is not there), is not compared: it says so itself if it is taken.
    """
    table = cached_table(step)
    if table is None or step.otherwise is None:
        return
    known = [schema for query in _queries(step) if (schema := _columns(query, call)) is not None]
    for other in known[1:]:
        if not _fit(known[0], other):
            raise SchemaError(
                "SR645",
                f"the branches of IF give table {table.name!r} different columns:"
                f" {_shown(known[0])}, and {_shown(other)}",
                hint="select the same columns in the same order in both branches; CAST where types differ",
            )


def _queries(step: Step | None) -> Iterator[QueryStep]:
    if isinstance(step, IfStep):
        yield from _queries(step.then)
        yield from _queries(step.otherwise)
    elif isinstance(step, QueryStep):
        yield step


def _columns(step: QueryStep, call: Call) -> Schema | None:
    from sqlrec.data.engine import Engine
    from sqlrec.data.types import declared

    if step.query.calls:
        return None
    try:
        query = concrete(step.query, call)
        with Engine() as engine:
            return declared(interruptible(lambda: engine.schema(query), engine.interrupt))
    except SqlRecError:
        return None


def _fit(one: Schema, other: Schema) -> bool:
    return len(one) == len(other) and all(
        a.name.casefold() == b.name.casefold() and _casts(a.type, b.type)
        for a, b in zip(one, other, strict=True)
    )


def _casts(one: DataType, other: DataType) -> bool:
    """In either direction; two DECIMAL always have a type that holds both."""
    both_decimal = one.kind is Kind.DECIMAL and other.kind is Kind.DECIMAL
    return both_decimal or widens(one, other) or widens(other, one)


def _shown(columns: Schema) -> str:
    return ", ".join(f"{column.name} {column.type}" for column in columns)
