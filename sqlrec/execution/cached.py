"""Which table a step caches for the run, and the same step with no rows in it."""

from __future__ import annotations

from dataclasses import replace

from sqlrec.plan.plan import ChunkedCallStep, IfStep, QueryStep, ScoreStep, Step
from sqlrec.spec.table import PredictedTable, Relation, TableFormat, TableSource

Caching = QueryStep | ScoreStep | ChunkedCallStep


def cached_table(step: Step) -> TableSource | None:
    """The table that CACHE TABLE, or an IF around it, makes; None for all other statements."""
    if isinstance(step, IfStep):
        return cached_table(step.then)
    target = step.target if isinstance(step, Caching) else None
    return target if target is not None and target.format is TableFormat.CACHE else None


def without_rows(step: Caching | IfStep) -> Caching:
    """A step that caches the same table, with its columns and no rows."""
    match step:
        case QueryStep():
            return replace(step, query=_none_of(step.query))
        case ScoreStep():
            return replace(step, inputs=_none_of(step.inputs))
        case ChunkedCallStep():
            return replace(step, without_rows=True)
        case IfStep(then=QueryStep() | ScoreStep() | ChunkedCallStep() | IfStep() as then):
            return without_rows(then)
        case _:
            raise TypeError(f"{type(step).__name__} caches nothing")


def _none_of(relation: Relation) -> Relation:
    """The relation's columns and none of its rows; models that it calls are asked for none."""
    calls = tuple(
        replace(made, inputs=_none_of(made.inputs)) if isinstance(made, PredictedTable) else made
        for made in relation.calls
    )
    return replace(relation, query=f"SELECT * FROM (\n{relation.query}\n) LIMIT 0", calls=calls)  # noqa: S608 - a query
