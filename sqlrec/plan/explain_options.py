"""Options in force for a step, with their origin, and the data that its job reads."""

from __future__ import annotations

from collections.abc import Mapping

from sqlrec.models.api_options import API_OPTIONS
from sqlrec.plan.changes import ServeCheckpoint, SetOptions
from sqlrec.plan.explanation import ExplainedData, ExplainedOption
from sqlrec.plan.plan import (
    AlterModelStep,
    AlterServiceStep,
    DefineApiStep,
    DefineModelStep,
    DeployStep,
    EvaluateStep,
    ExportStep,
    ImportStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.scoring.options import SCORE_OPTIONS
from sqlrec.spec.group import GROUP_OPTIONS, ROUTING_OF
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Effective, OptionSet, OptionValue, Scope
from sqlrec.spec.secret import PREFIX
from sqlrec.spec.table import Relation
from sqlrec.sql.conditions import conditions

_SCOPES: dict[type[Step], Scope] = {
    TrainStep: Scope.TRAIN,
    ExportStep: Scope.EXPORT,
    EvaluateStep: Scope.EVALUATE,
}


def options_of(step: Step, world: ScriptScope) -> tuple[ExplainedOption, ...]:
    """Options that concern the step, weak layers first: default, model, statement."""
    match step:
        case DefineModelStep(model=spec):
            of_type = world.controller_of(spec.type)
            return listed(_in_force(of_type.options, Scope.MODEL, model=spec.options)) if of_type else ()
        case ImportStep(model=name):
            return listed(_of_statement(name, {}, Scope.EXPORT, world))
        case TrainStep() | ExportStep() | EvaluateStep():
            return listed(_of_statement(step.model, step.options, _SCOPES[type(step)], world))
        case DeployStep():
            return listed(_of_statement(step.model, step.options, Scope.SERVICE, world) | _of_group(step))
        case DefineApiStep(api=api):
            return listed(_in_force(API_OPTIONS, Scope.API, statement=api.options))
        case AlterModelStep(change=SetOptions(options=options)):
            return listed(_written(options))
        case AlterServiceStep(change=ServeCheckpoint(options=options) | SetOptions(options=options)):
            return _of_service(step.service, options, world)
        case ScoreStep():
            return listed(SCORE_OPTIONS.effective(Scope.SCRIPT, script=step.options))
        case _:
            return ()


def _of_group(step: DeployStep) -> dict[str, Effective]:
    """How several models work together; nothing for one."""
    found = _in_force(GROUP_OPTIONS, Scope.SERVICE, statement=step.options) if step.others else {}
    routing = found["routing"].value if found else ""
    return {key: option for key, option in found.items() if ROUTING_OF.get(key, routing) == routing}


def _of_service(
    service: str, options: Mapping[str, OptionValue], world: ScriptScope
) -> tuple[ExplainedOption, ...]:
    """The service keeps the options it was created with, so that no default is said to be in force."""
    served = world.service(service)
    if served is None:
        return listed(_written(options))
    found = _of_statement(served.model, options, Scope.SERVICE, world)
    return listed({key: option for key, option in found.items() if option.origin != "default"})


def _of_statement(
    name: ModelName, options: Mapping[str, OptionValue], scope: Scope, world: ScriptScope
) -> dict[str, Effective]:
    model, controller = world.model(name), world.controller(name)
    if model is None or controller is None:
        return _written(options)
    return _in_force(controller.options, scope, model=model.options, statement=options)


def _written(options: Mapping[str, OptionValue]) -> dict[str, Effective]:
    return {key: Effective(value, "statement") for key, value in options.items()}


def _in_force(declared: OptionSet, scope: Scope, **layers: Mapping[str, OptionValue]) -> dict[str, Effective]:
    """Effective options that concern the statement; templates and secrets as their text."""
    fixed = {name: {k: v for k, v in layer.items() if not _late(v)} for name, layer in layers.items()}
    values = declared.effective(scope, **fixed)
    for origin, layer in layers.items():
        values |= {declared.canonical(key): Effective(str(v), origin) for key, v in layer.items() if _late(v)}
    return {key: v for key, v in values.items() if (o := declared.find(key)) and scope in o.scopes}


def _late(value: OptionValue) -> bool:
    """Whether a value is known only when the step runs."""
    return is_templated(value) or (isinstance(value, str) and value.startswith(PREFIX))


def listed(options: Mapping[str, Effective]) -> tuple[ExplainedOption, ...]:
    """Effective options as an explanation holds them."""
    return tuple(ExplainedOption(key=k, value=o.value, origin=o.origin) for k, o in options.items())


def data_of(step: Step) -> tuple[ExplainedData, ...]:
    """What a job reads: which conditions prune partitions, and which are tested row by row."""
    match step:
        case DefineModelStep(data=data):
            return (_read("columns", data),) if data else ()
        case TrainStep():
            parts: tuple[tuple[str, Relation | None], ...] = (
                ("data", step.data),
                ("validation", step.validation),
            )
        case EvaluateStep():
            parts = (("data", step.data),)
        case ExportStep():
            parts = (("sample", step.sample),)
        case _:
            return ()
    return tuple(_read(role, relation) for role, relation in parts if relation)


def _read(role: str, relation: Relation) -> ExplainedData:
    """Conditions over partition columns alone prune; the others are tested row by row."""
    partitions = {p.casefold() for source in relation.sources.values() for p in source.partitions}
    pruning: list[str] = []
    filters: list[str] = []
    for condition in conditions(relation.query, relation.parameters):
        prunes = bool(condition.columns) and all(c.casefold() in partitions for c in condition.columns)
        (pruning if prunes else filters).append(condition.text)
    return ExplainedData(
        role=role, tables=tuple(relation.sources), pruning=tuple(pruning), filters=tuple(filters)
    )
