"""Services: created once, changed as their model's type allows, and not left without their model."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic
from sqlrec.models.external.controller import URL, URL_HINT, runs_elsewhere, url_problem
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope, Served
from sqlrec.plan.templates import is_templated
from sqlrec.spec.options import canonical_key
from sqlrec.sql.statements import CreateService, DropModel, RollbackService


def check_new_service(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A service is created once, unless the statement says what to do with the one that is there.

    One that is registered with the same checkpoint is what the statement asks for, as after a run of the
    same script.
    """
    if not isinstance(statement, CreateService) or statement.replace or statement.if_not_exists:
        return
    served = scope.service(statement.name.text)
    if served is None or (not served.line and _same(statement, served, scope)):
        return
    where = f"line {served.line} creates it" if served.line else f"it serves {served.checkpoint}"
    yield Diagnostic(
        code="SR201",
        message=f"service {statement.name.text!r} exists already",
        span=statement.name.span,
        hint=f"{where}; write CREATE OR REPLACE SERVICE to change it",
    )


def _same(statement: CreateService, served: Served, scope: ScriptScope) -> bool:
    model, checkpoint = scope.model_name(statement.model), checkpoint_name(statement.checkpoint)
    made = scope.checkpoint(model, checkpoint) if checkpoint else None
    name = made.name if made else checkpoint or served.checkpoint
    return served.model == model and served.checkpoint.casefold() == name.casefold()


def check_service_url(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A service that somebody else runs has a URL: its own, or that of the model."""
    if not isinstance(statement, CreateService):
        return
    model = scope.model(scope.model_name(statement.model))
    controller = scope.controller_of(model.type) if model else None
    if model is None or controller is None or not runs_elsewhere(controller):
        return
    own = next((item for item in statement.options if canonical_key(item.key.value) == URL), None)
    if statement.checkpoint is not None:
        yield Diagnostic(
            code="SR213",
            message=f"a service of an {controller.type} model serves no checkpoint",
            span=statement.checkpoint.span,
            hint="leave CHECKPOINT out",
        )
    if own is None and URL not in model.options:
        yield Diagnostic(
            code="SR465",
            message=f"service {statement.name.text} has no URL",
            span=statement.name.span,
            hint=URL_HINT,
        )
    elif own is not None and not is_templated(own.value) and (problem := url_problem(str(own.value))):
        yield Diagnostic(code="SR465", message=problem, span=own.value_span, hint=URL_HINT)


def check_rollback(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Without TO, a service goes back to what it served before, which the script may know is nothing."""
    if not isinstance(statement, RollbackService) or statement.checkpoint is not None:
        return
    served = scope.service(statement.name.text)
    if served is not None and served.before is None:
        yield Diagnostic(
            code="SR233",
            message=f"service {served.name!r} has nothing to roll back to: it never served anything but "
            f"{served.checkpoint}",
            span=statement.name.span,
            hint=f"ALTER SERVICE {served.name} SET CHECKPOINT = '…' gives it another checkpoint",
        )


def check_model_unused(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A model that a service uses is not dropped."""
    if not isinstance(statement, DropModel) or statement.temporary:
        return
    name = scope.model_name(statement.name)
    users = scope.users(name)
    if users:
        yield Diagnostic(
            code="SR203",
            message=f"Cannot delete model {name} because it is being used by {len(users)} service(s): "
            f"{', '.join(users)}",
            span=statement.name.span,
            hint=f"DROP SERVICE {users[0]} first",
        )
