"""Several models behind one service: they fit each other, and the options fit them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, OptionError, Span
from sqlrec.models.external.controller import runs_elsewhere
from sqlrec.plan.checks.options import has_services
from sqlrec.plan.options import stored_options
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.group import group_of, is_group_option
from sqlrec.spec.group_rules import GroupProblem, Member, member_problems, option_problems
from sqlrec.spec.options import canonical_key
from sqlrec.spec.schema import Schema
from sqlrec.sql.statements import AlterService, CreateService, Ident, ServeCheckpoint, SetOptions


def check_group(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """CREATE SERVICE … ON MODELS: members that can stand together, under a routing that fits them."""
    if isinstance(statement, AlterService):
        yield from _altered(statement, scope)
    if not isinstance(statement, CreateService):
        return
    if not statement.others:
        yield from _no_group_options(statement)
        return
    yield from _twice(statement, scope)
    yield from _not_ours(statement, scope)
    written = stored_options(statement.options)
    if any(is_templated(value) for key, value in written.items() if is_group_option(key)):
        return
    try:
        group = group_of(written)
    except OptionError:
        return  # said where the option stands
    members = [_member(model.name, checkpoint_name(model.checkpoint), scope) for model in statement.models]
    own = {key: value for key, value in written.items() if is_group_option(key)}
    problems = (*option_problems(own, group, len(members)), *member_problems(members, group))
    for problem in problems:
        yield _finding(problem, statement)


def _member(name: Ident, checkpoint: str, scope: ScriptScope) -> Member:
    """What is known of a model; nothing of the columns of one whose export gives only some of them."""
    model = scope.model(scope.model_name(name))
    if model is None:
        return Member(name=name.text, inputs=Schema(), outputs=Schema())
    objective = str(model.options.get("objective", "")).casefold()
    whole = "/" not in checkpoint
    return Member(
        name=name.text,
        inputs=model.features if whole else Schema(),
        outputs=model.outputs if whole else Schema(),
        objective=objective,
    )


def _finding(problem: GroupProblem, statement: CreateService) -> Diagnostic:
    """A problem where its option or model is written, else at the service's name."""
    span = statement.name.span
    if problem.member is not None:
        span = statement.models[problem.member].name.span
    for item in statement.options:
        if canonical_key(item.key.value) == problem.key:
            span = item.key.span
    return Diagnostic(code=problem.code, message=problem.message, span=span, hint=problem.hint)


def _no_group_options(statement: CreateService) -> Iterator[Diagnostic]:
    for item in statement.options:
        if is_group_option(item.key.value):
            yield _of_several(item.key.value, item.key.span, statement.model.text)


def _of_several(key: str, span: Span, model: str) -> Diagnostic:
    return Diagnostic(
        code="SR362",
        message=f"option {key!r} is about several models, and the service has one",
        span=span,
        hint=f"write ON MODELS ({model}, …), or leave it out",
    )


def _altered(statement: AlterService, scope: ScriptScope) -> Iterator[Diagnostic]:
    """What the script knows of the service: one that is registered is judged when the step runs."""
    served = scope.service(statement.name.text)
    if served is None or not served.line:
        return
    change = statement.change
    if isinstance(change, ServeCheckpoint) and served.others:
        yield Diagnostic(
            code="SR247",
            message=f"service {served.name!r} has {len(served.members)} models: SET CHECKPOINT does not say "
            "of which",
            span=change.checkpoint.span,
            hint=f"write CREATE OR REPLACE SERVICE {served.name} ON MODELS (…) with all of them",
        )
    if isinstance(change, SetOptions) and not served.others:
        for item in change.options:
            if is_group_option(item.key.value):
                yield _of_several(item.key.value, item.key.span, str(served.model))


def _twice(statement: CreateService, scope: ScriptScope) -> Iterator[Diagnostic]:
    """A model may stand there twice with different checkpoints."""
    seen: set[tuple[str, str]] = set()
    for model in statement.models:
        key = (scope.model_name(model.name).key, checkpoint_name(model.checkpoint).casefold())
        if key in seen:
            yield Diagnostic(
                code="SR247",
                message=f"ON MODELS names {model.name.text} twice with the same checkpoint",
                span=model.name.span,
                hint="name another checkpoint of it, or leave one of them out",
            )
        seen.add(key)


def _not_ours(statement: CreateService, scope: ScriptScope) -> Iterator[Diagnostic]:
    for model in statement.models:
        controller = scope.controller(scope.model_name(model.name))
        if controller is not None and (runs_elsewhere(controller) or not has_services(controller)):
            yield Diagnostic(
                code="SR247",
                message=f"{model.name.text} is a model of type {controller.type}, which this service cannot "
                "load",
                span=model.name.span,
                hint="ON MODELS takes models whose exports sqlrec serves itself",
            )
