"""What can be wrong with a statement in its scope: small functions, each about one thing.

A check gets the statement and the names in force before it, and yields findings at their places. It
never raises and changes nothing. The order of ``CHECKS`` does not matter: findings are sorted by place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlrec.errors import Diagnostic
from sqlrec.plan.checks.calls import called, check_call, check_call_features, well_formed
from sqlrec.plan.checks.checkpoints import check_base, check_exported, check_served
from sqlrec.plan.checks.columns import check_data_columns
from sqlrec.plan.checks.models import (
    check_definition,
    check_model_type,
    check_new_model,
    check_outputs,
    check_query,
    check_temporary,
)
from sqlrec.plan.checks.names import check_known_model, check_known_service, check_names, has_model_name
from sqlrec.plan.checks.options import check_statement_options, check_supported
from sqlrec.plan.checks.services import check_model_unused, check_new_service
from sqlrec.plan.checks.tables import check_cache_name, check_insert_target
from sqlrec.plan.checks.templates import check_templates
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope

Check = Callable[[Acting, ScriptScope], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    check_known_model,
    check_known_service,
    check_templates,
    check_temporary,
    check_new_model,
    check_model_type,
    check_query,
    check_definition,
    check_outputs,
    check_statement_options,
    check_supported,
    check_base,
    check_exported,
    check_served,
    check_new_service,
    check_model_unused,
    check_cache_name,
    check_insert_target,
    check_data_columns,
    check_call,
    check_call_features,
)


def run_checks(statement: Acting, scope: ScriptScope) -> list[Diagnostic]:
    """Everything that is wrong with a statement."""
    unusable = list(check_names(statement, scope))
    if not has_model_name(statement):
        return unusable
    return [*unusable, *(found for check in CHECKS for found in check(statement, scope))]


def is_resolvable(statement: Acting) -> bool:
    """Whether a statement says enough to become a step, be it right or wrong."""
    body = called(statement)
    return has_model_name(statement) and (body is None or well_formed(body))
