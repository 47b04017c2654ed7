"""What can be wrong with a statement in its scope: small functions, each about one thing.

A check gets the statement and the names in force before it, and yields findings at their places. It
never raises and changes nothing. The order of ``CHECKS`` does not matter: findings are sorted by place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlrec.errors import Diagnostic
from sqlrec.plan.checks.alter import check_alter_model
from sqlrec.plan.checks.calls import check_call, check_call_features, well_formed
from sqlrec.plan.checks.checkpoints import check_asked_for, check_exported, check_served, check_trained
from sqlrec.plan.checks.columns import check_data_columns
from sqlrec.plan.checks.control import check_inner, may_be_inner
from sqlrec.plan.checks.following import check_following
from sqlrec.plan.checks.functions import check_function_unused, check_known_function
from sqlrec.plan.checks.groups import check_group
from sqlrec.plan.checks.inference import check_model_calls
from sqlrec.plan.checks.inspection import check_database
from sqlrec.plan.checks.models import (
    check_definition,
    check_made,
    check_model_type,
    check_new_model,
    check_outputs,
    check_query,
)
from sqlrec.plan.checks.names import (
    check_known_model,
    check_known_service,
    check_names,
    has_model_names,
)
from sqlrec.plan.checks.options import check_service_options, check_statement_options, check_supported
from sqlrec.plan.checks.parts import called, inner
from sqlrec.plan.checks.pods import check_pods
from sqlrec.plan.checks.services import (
    check_model_unused,
    check_new_service,
    check_rollback,
    check_service_url,
)
from sqlrec.plan.checks.tables import (
    check_cache_name,
    check_insert_columns,
    check_insert_target,
    check_reads,
)
from sqlrec.plan.checks.templates import check_templates
from sqlrec.plan.checks.temporary import check_temporary
from sqlrec.plan.checks.trainers import check_trainer
from sqlrec.plan.functions_apis import check_api
from sqlrec.plan.functions_calls import find_block
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.sql.statements import CreateApi

Check = Callable[[Acting, ScriptScope], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    check_known_model,
    check_known_service,
    check_known_function,
    check_templates,
    check_temporary,
    check_new_model,
    check_model_type,
    check_query,
    check_made,
    check_definition,
    check_outputs,
    check_alter_model,
    check_statement_options,
    check_service_options,
    check_supported,
    check_pods,
    check_trainer,
    check_trained,
    check_exported,
    check_asked_for,
    check_served,
    check_following,
    check_group,
    check_new_service,
    check_service_url,
    check_rollback,
    check_model_unused,
    check_function_unused,
    check_api,
    check_cache_name,
    check_reads,
    check_insert_target,
    check_insert_columns,
    check_data_columns,
    check_call,
    check_call_features,
    check_model_calls,
    check_inner,
    check_database,
)


def run_checks(statement: Acting, scope: ScriptScope) -> list[Diagnostic]:
    """Everything that is wrong with a statement, and with those within it."""
    found = list(check_names(statement, scope))
    if has_model_names(statement):
        found += (finding for check in CHECKS for finding in check(statement, scope))
    for part in inner(statement):
        if isinstance(part, Acting):
            found += run_checks(part, scope)
    return found


def is_resolvable(statement: Acting, scope: ScriptScope) -> bool:
    """Whether a statement says enough to become a step, be it right or wrong."""
    body = called(statement)
    if not has_model_names(statement) or (body is not None and not well_formed(body, scope)):
        return False
    if isinstance(statement, CreateApi):
        return find_block(statement.function.text, scope) is not None
    parts = inner(statement)
    return all(may_be_inner(p) and isinstance(p, Acting) and is_resolvable(p, scope) for p in parts)
