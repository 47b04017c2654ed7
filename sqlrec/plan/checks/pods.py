"""What a statement asks of its pods is possible, by the rules that speak again when it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlrec.errors import Diagnostic, OptionError
from sqlrec.models.pod_placement import pod_problems
from sqlrec.plan.checks.models import problem_finding
from sqlrec.plan.checks.parts import options_of
from sqlrec.plan.options import stored_value
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.options import OptionSet, OptionValue, Scope
from sqlrec.sql.statements import (
    AlterService,
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
    options = declared.effective(where, statement=given)
    if isinstance(statement, AlterService):
        options = {key: option for key, option in options.items() if option.origin != "default"}
    for problem in pod_problems(options):
        yield problem_finding(problem, items, name.span)


def _declared(statement: Acting, scope: ScriptScope) -> tuple[OptionSet, Scope, Ident] | None:
    """The options of the statement's model, where the statement runs pods."""
    match statement:
        case TrainModel(name=name):
            where = Scope.TRAIN
        case ExportModel(name=name):
            where = Scope.EXPORT
        case EvaluateModel(name=name):
            where = Scope.EVALUATE
        case CreateService(model=name):
            where = Scope.SERVICE
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
