"""Plan × catalog → explanation: what a script would do, with which options, and what is there already."""

from __future__ import annotations

from sqlrec.errors import position
from sqlrec.models.lookup import get_controller
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.effects import record
from sqlrec.plan.explain_fate import fate
from sqlrec.plan.explain_options import data_of, listed, options_of
from sqlrec.plan.explain_words import does
from sqlrec.plan.explanation import (
    ExplainedStep,
    ExplainedTable,
    ExplainedWarning,
    Explanation,
    render_explanation,
)
from sqlrec.plan.plan import ExplainStep, Plan, Step
from sqlrec.plan.scope import GetController, ScriptScope
from sqlrec.plan.script_options import effective_settings

__all__ = ["explain", "explain_step", "render_explanation"]


def explain(plan: Plan, catalog: Catalog, controllers: GetController = get_controller) -> Explanation:
    """What running ``plan`` would do in the world that ``catalog`` shows."""
    world = _world(catalog, controllers)
    steps = []
    for step in plan.steps:
        steps.append(_explained(step, world))
        record(step, world)
    return Explanation(
        name=plan.name,
        path=plan.path,
        digest=plan.digest,
        steps=tuple(steps),
        settings=listed(effective_settings(plan.settings)),
        params=plan.params,
        tables=tuple(
            ExplainedTable(
                name=table.name,
                format=table.format,
                path=table.path,
                columns=len(table.schema),
                partitions=table.partitions,
            )
            for table in plan.tables.values()
        ),
        warnings=tuple(
            ExplainedWarning(
                code=d.code, line=position(plan.source, d.span.start)[0], message=d.message, hint=d.hint
            )
            for d in plan.warnings
        ),
    )


def explain_step(step: Step, catalog: Catalog, controllers: GetController = get_controller) -> ExplainedStep:
    """What one step would do in the world that ``catalog`` shows, as EXPLAIN tells it."""
    return _explained(step, _world(catalog, controllers))


def _world(catalog: Catalog, controllers: GetController) -> ScriptScope:
    """The catalog with what the steps of a plan change in it, one after another."""
    return ScriptScope(text="", catalog=catalog, controllers=controllers)


def _explained(step: Step, world: ScriptScope) -> ExplainedStep:
    """EXPLAIN changes nothing; the options and data are those of the statement it is about."""
    change, detail = fate(step, world)
    about = step.step if isinstance(step, ExplainStep) else step
    return ExplainedStep(
        id=step.id,
        line=step.line,
        does=does(step),
        change=change,
        detail=detail,
        reads=tuple(map(str, step.reads)),
        writes=tuple(map(str, step.writes)),
        upstream=step.upstream,
        options=options_of(about, world),
        data=data_of(about),
    )
