"""IF and EXPLAIN: which statements may stand within another one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic
from sqlrec.models.lookup import model_type
from sqlrec.plan.checks.parts import inner
from sqlrec.plan.options import stored_options
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import CreateModel, Explain, If, Statement


def check_inner(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A statement within another one does something when the script runs."""
    outer = "a branch of IF" if isinstance(statement, If) else "EXPLAIN"
    for part in inner(statement):
        if not may_be_inner(part):
            first = scope.text[part.span.start : part.span.end].split(maxsplit=1)[0].upper()
            yield Diagnostic(
                code="SR229",
                message=f"{first} cannot stand in {outer}",
                span=part.span,
                hint="it acts when the script is compiled: let it stand on its own"
                if not isinstance(part, Acting)
                else "EXPLAIN takes one statement that does something",
            )
        elif isinstance(statement, If) and _takes_tasks(part, scope):
            yield Diagnostic(
                code="SR229",
                message="CREATE MODEL that trains or imports cannot stand in a branch of IF",
                span=part.span,
                hint="it takes several tasks: let it stand on its own, with IF NOT EXISTS",
            )


def _takes_tasks(statement: Statement, scope: ScriptScope) -> bool:
    """Whether a statement makes checkpoints besides a definition."""
    if not isinstance(statement, CreateModel):
        return False
    controller = scope.controller_of(model_type(stored_options(statement.options)))
    return statement.query is not None or bool(controller and controller.programs.bring)


def may_be_inner(statement: Statement) -> bool:
    """Whether a statement may stand within IF or EXPLAIN: one that is a step, and no EXPLAIN itself."""
    return isinstance(statement, Acting) and not isinstance(statement, Explain)
