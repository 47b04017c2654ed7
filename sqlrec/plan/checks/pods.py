"""What a statement asks of its pods is possible, by the rules that speak again when it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlrec.errors import Diagnostic, OptionError
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.models.pod_placement import ENV, pod_problems
from sqlrec.plan.checks.models import problem_finding
from sqlrec.plan.checks.parts import options_of
from sqlrec.plan.options import stored_value
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated, secret_reference
from sqlrec.spec.options import OptionSet, OptionValue, Scope, canonical_key
from sqlrec.spec.sensitive import is_sensitive_key, looks_secret
from sqlrec.sql.statements import (
    AlterService,
    CreateApi,
    CreateService,
    EvaluateModel,
    ExportModel,
    Ident,
    OptionItem,
    TrainModel,
)


def check_pods(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """Names, amounts and mounts are ones that Kubernetes takes; what a run renders is left to the run."""
    found = _declared(statement, scope)
    if found is None:
        return
    declared, where, name = found
    items = options_of(statement)
    given = dict(_readable(items, declared, where))
    yield from (_bare_secret(item) for item in items if _is_bare_secret(item))
    options = declared.effective(where, statement=given)
    if isinstance(statement, AlterService):
        options = {key: option for key, option in options.items() if option.origin != "default"}
    for problem in pod_problems(options):
        yield problem_finding(problem, items, name.span)


def _is_bare_secret(item: OptionItem) -> bool:
    """Whether the value of a variable is a secret by its name or shape; a number, switch or path is none."""
    key, text = canonical_key(item.key.value), str(item.value)
    if not key.startswith(ENV) or is_templated(item.value) or secret_reference(text):
        return False
    harmless = re.fullmatch(r"[0-9.]*|true|false|/.*", text, re.IGNORECASE) is not None
    return looks_secret(text) or (is_sensitive_key(key.removeprefix(ENV)) and not harmless)


def _bare_secret(item: OptionItem) -> Diagnostic:
    return Diagnostic(
        code="SR306",
        message=f"option {item.key.value!r} is a secret and may not stand in a script",
        span=item.value_span,
        hint="name it: '{{ secret.NAME }}', and put the value into the Secret of the cluster",
    )


def _declared(statement: Acting, scope: ScriptScope) -> tuple[OptionSet, Scope, Ident] | None:
    """The options of the statement or of its model, where the statement runs pods."""
    match statement:
        case TrainModel(name=name):
            where = Scope.TRAIN
        case ExportModel(name=name):
            where = Scope.EXPORT
        case EvaluateModel(name=name):
            where = Scope.EVALUATE
        case CreateService(model=name):
            where = Scope.SERVICE
        case CreateApi(name=name):
            return API_OPTIONS, Scope.API, name
        case AlterService(name=name):
            served = scope.service(name.text)
            controller = scope.controller(served.model) if served else None
            return (controller.options, Scope.SERVICE, name) if controller else None
        case _:
            return None
    controller = scope.controller(scope.model_name(name))
    return (controller.options, where, name) if controller else None


def _readable(
    items: Iterable[OptionItem], declared: OptionSet, where: Scope
) -> Iterator[tuple[str, OptionValue]]:
    """Options whose values are known and can be read; others are reported elsewhere."""
    for item in items:
        try:
            if not is_templated(item.value):
                declared.check(item.key.value, item.value, where)
                yield item.key.value, stored_value(item.value)
        except OptionError:
            continue
