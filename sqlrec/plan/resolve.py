"""Statement × scope → step.

Resolution assumes that the checks found no error; where one did, it goes on as well as it can, so that
the statements after it are judged as if it had been right.
"""

from __future__ import annotations

from dataclasses import replace

from sqlrec.plan.plan import Step
from sqlrec.plan.resolve_models import AboutModels, resolve_models
from sqlrec.plan.resolve_queries import AboutRows, resolve_queries
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import without_secrets
from sqlrec.sql.render import render
from sqlrec.sql.statements import CacheTable, Call, Insert, Select

Acting = AboutModels | AboutRows
"""Statements that become steps; the others declare something."""


def resolve(statement: Acting, scope: ScriptScope) -> Step:
    """The step of a statement, without id and upstream, which depend on the other steps.

    ``sql`` is its canonical text, with secrets by reference.
    """
    if isinstance(statement, Call | CacheTable | Select | Insert):
        step = resolve_queries(statement, scope)
    else:
        step = resolve_models(statement, scope)
    return replace(step, line=scope.line(statement.span.start), sql=without_secrets(render(statement)))
