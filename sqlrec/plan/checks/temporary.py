"""Temporary models: known to the script alone, so that no job, alias or service can keep them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic
from sqlrec.plan.checks.names import model_ident
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import (
    AlterModel,
    CreateService,
    DropModel,
    EvaluateModel,
    ExportModel,
    Ident,
    TrainModel,
)

NEEDS_A_REGISTERED_ONE = AlterModel | TrainModel | ExportModel | EvaluateModel | CreateService


def check_temporary(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """What changes, trains or serves a model needs one that is registered."""
    named = model_ident(statement)
    others = statement.others if isinstance(statement, CreateService) else ()
    for name in (*filter(None, [named]), *(other.name for other in others)):
        if scope.model_name(name).key in scope.temporary:
            yield from _refused(statement, name, scope)


def _refused(statement: Acting, name: Ident, scope: ScriptScope) -> Iterator[Diagnostic]:
    model = scope.model_name(name)
    if isinstance(statement, NEEDS_A_REGISTERED_ONE):
        yield Diagnostic(
            code="SR225",
            message=f"Model {model} is a temporary model.",
            span=name.span,
            hint="it is known to this script alone: create it without TEMPORARY",
        )
    elif isinstance(statement, DropModel) and not statement.temporary:
        yield Diagnostic(
            code="SR225",
            message=f"Model {model} is a temporary model.",
            span=name.span,
            hint=f"write DROP TEMPORARY MODEL {model}",
        )
