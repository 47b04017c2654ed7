"""What TRAIN and EXPORT ask is something that the trainer can do."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, OptionError
from sqlrec.models.beside import job_problems
from sqlrec.plan.checks.models import problem_finding
from sqlrec.plan.checks.parts import options_of
from sqlrec.plan.options import stored_value
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.options import OptionValue, Scope
from sqlrec.sql.statements import ExportModel, TrainModel


def check_trainer(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """By the options in force, as far as they can be read now; the others are told elsewhere."""
    if not isinstance(statement, TrainModel | ExportModel):
        return
    model = scope.model(scope.model_name(statement.name))
    controller = scope.controller_of(model.type) if model else None
    if model is None or controller is None or not controller.programs.problems or model.awaits_query:
        return
    where = Scope.TRAIN if isinstance(statement, TrainModel) else Scope.EXPORT
    given: dict[str, OptionValue] = {}
    for item in options_of(statement):
        try:
            if not is_templated(item.value):
                controller.options.check(item.key.value, item.value, where)
                given[item.key.value] = stored_value(item.value)
        except OptionError:
            continue
    try:
        effective = controller.options.effective(where, model=model.options, statement=given)
        options = {key: option.value for key, option in effective.items()}
        for problem in job_problems(model, where, options):
            yield problem_finding(problem, options_of(statement), statement.name.span)
    except OptionError:
        return
