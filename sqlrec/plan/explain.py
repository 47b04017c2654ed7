"""Plan × catalog → explanation: what a script would do, with which options, and what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from sqlrec.errors import SqlRecError, position
from sqlrec.models.controller import ModelController
from sqlrec.models.lookup import get_controller
from sqlrec.plan.catalog import Catalog
from sqlrec.plan.explanation import (
    Change,
    ExplainedData,
    ExplainedOption,
    ExplainedStep,
    ExplainedTable,
    ExplainedWarning,
    Explanation,
    render_explanation,
)
from sqlrec.plan.plan import (
    DefineModelStep,
    DeployStep,
    DropModelStep,
    DropServiceStep,
    ExportStep,
    Plan,
    QueryMode,
    QueryStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.plan.scope import GetController
from sqlrec.plan.script_options import effective_settings
from sqlrec.plan.templates import is_templated
from sqlrec.scoring.options import SCORE_OPTIONS
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import Effective, OptionSet, OptionValue, Scope
from sqlrec.spec.table import Relation
from sqlrec.sql.conditions import conditions

__all__ = ["explain", "render_explanation"]

Fate = tuple[Change, str]
"""What becomes of a thing, and what is known of it already."""


def explain(plan: Plan, catalog: Catalog, controllers: GetController = get_controller) -> Explanation:
    """What running ``plan`` would do in the world that ``catalog`` shows."""
    world = _World(catalog, controllers)
    steps = []
    for step in plan.steps:
        steps.append(_explained(step, world))
        world.record(step)
    return Explanation(
        name=plan.name,
        path=plan.path,
        digest=plan.digest,
        steps=tuple(steps),
        settings=_listed(effective_settings(plan.settings)),
        params=plan.params,
        tables=tuple(
            ExplainedTable(
                name=table.name,
                format=table.format,
                path=table.path,
                columns=len(table.schema),
                partitions=table.partitions,
            )
            for table in plan.tables.values()
        ),
        warnings=tuple(
            ExplainedWarning(
                code=d.code, line=position(plan.source, d.span.start)[0], message=d.message, hint=d.hint
            )
            for d in plan.warnings
        ),
    )


@dataclass(slots=True)
class _World:
    """The catalog with what earlier steps of the plan change in it. None: dropped."""

    catalog: Catalog
    controllers: GetController
    models: dict[str, ModelSpec | None] = field(default_factory=dict)
    made: set[tuple[str, str]] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)

    def model(self, name: ModelName) -> ModelSpec | None:
        return self.models[name.key] if name.key in self.models else self.catalog.model(name)

    def controller(self, name: ModelName) -> ModelController | None:
        spec = self.model(name)
        return self.controller_of(spec.type) if spec else None

    def controller_of(self, model_type: str) -> ModelController | None:
        try:
            return self.controllers(model_type)
        except SqlRecError:
            return None

    def absent(self) -> Change:
        """The fate of a thing that the catalog does not show: new, if the catalog shows everything."""
        return Change.NEW if self.catalog.closed else Change.UNKNOWN

    def record(self, step: Step) -> None:
        if isinstance(step, DefineModelStep) and not (step.if_not_exists and self.model(step.model.name)):
            self.models[step.model.name.key] = step.model
        elif isinstance(step, DropModelStep):
            self.models[step.model.key] = None
            self.emptied.add(step.model.key)
        elif isinstance(step, ExportStep):
            self.made.update((step.model.key, name.casefold()) for name in step.exports)


def _explained(step: Step, world: _World) -> ExplainedStep:
    change, detail = _fate(step, world)
    return ExplainedStep(
        id=step.id,
        line=step.line,
        does=_does(step),
        change=change,
        detail=detail,
        reads=tuple(map(str, step.reads)),
        writes=tuple(map(str, step.writes)),
        upstream=step.upstream,
        options=_options(step, world),
        data=_data(step),
    )


# What a step does, in words


def _does(step: Step) -> str:
    match step:
        case DefineModelStep(model=model):
            return f"define model {model.name}: {_model_text(model)}"
        case TrainStep():
            base = f", continuing from {step.base}" if step.base else ""
            return f"train model {step.model} into checkpoint {step.checkpoint}{base}"
        case ExportStep():
            return f"export checkpoint {step.checkpoint} of model {step.model} as {', '.join(step.exports)}"
        case DeployStep():
            return f"serve {step.checkpoint or 'no checkpoint'} of model {step.model} as {step.service}"
        case DropModelStep():
            return f"drop model {step.model} with its checkpoints"
        case DropServiceStep():
            return f"stop service {step.service}"
        case QueryStep():
            return _query_text(step)
        case ScoreStep():
            target = f" into cache table {step.target.name}" if step.target else ", shown"
            return f"score {', '.join(step.inputs.sources)} with service {step.service}{target}"
        case _:
            assert_never(step)


def _model_text(model: ModelSpec) -> str:
    labels = f", label {', '.join(model.labels)}" if model.labels else ""
    answers = ", ".join(f"{f.name} {f.type}" for f in model.outputs)
    return f"{model.type}, {len(model.features)} features{labels}, answers {answers or 'nothing known'}"


def _query_text(step: QueryStep) -> str:
    name = step.target.name if step.target else ""
    return {
        QueryMode.SELECT: "run a query, shown",
        QueryMode.CACHE: f"run a query into cache table {name}",
        QueryMode.APPEND: f"add the rows of a query to {name}",
        QueryMode.OVERWRITE: f"replace {name}, or the partitions written, by the rows of a query",
    }[step.mode]


# What becomes of what it writes


def _fate(step: Step, world: _World) -> Fate:
    match step:
        case DefineModelStep():
            return _model_fate(step, world)
        case TrainStep():
            return _checkpoint_fate(step.model, (step.checkpoint,), world)
        case ExportStep():
            return _checkpoint_fate(step.model, step.exports, world)
        case DeployStep():
            return _service_fate(step, world)
        case DropModelStep():
            return _drop_fate(world.model(step.model) is not None, world)
        case DropServiceStep():
            return _drop_fate(world.catalog.service(step.service) is not None, world)
        case QueryStep(mode=QueryMode.APPEND | QueryMode.OVERWRITE):
            return Change.CHANGED, ""
        case QueryStep(target=target) | ScoreStep(target=target):
            return (Change.NEW if target else Change.UNCHANGED), ""
        case _:
            assert_never(step)


def _model_fate(step: DefineModelStep, world: _World) -> Fate:
    existing = world.model(step.model.name)
    if existing is None:
        dropped = step.model.name.key in world.models
        return (Change.NEW if dropped else world.absent()), ""
    if existing.digest == step.model.digest:
        return Change.UNCHANGED, "the same definition is registered"
    if step.if_not_exists:
        return Change.UNCHANGED, "another definition is registered and kept"
    return Change.CHANGED, "another definition is registered"


def _checkpoint_fate(model: ModelName, names: tuple[str, ...], world: _World) -> Fate:
    if any(map(is_templated, names)):
        return Change.NEW, "named when it runs"
    found = [c for name in names if (c := world.catalog.checkpoint(model, name))]
    if model.key in world.emptied or not found:
        return Change.NEW, ""
    return Change.NEW, f"version {max(c.version for c in found)} bears the name now"


def _service_fate(step: DeployStep, world: _World) -> Fate:
    served = world.catalog.service(step.service)
    if served is None:
        return world.absent(), ""
    now = f"serves {served.name}, version {served.version}, now"
    same = served.model == step.model and served.name.casefold() == step.checkpoint.casefold()
    renewed = (step.model.key, step.checkpoint.casefold()) in world.made
    if step.if_not_exists or (same and not renewed):
        return Change.UNCHANGED, now
    return Change.CHANGED, now


def _drop_fate(exists: bool, world: _World) -> Fate:
    if exists:
        return Change.DROPPED, ""
    return (Change.UNCHANGED, "does not exist") if world.catalog.closed else (Change.UNKNOWN, "")


# Options and data


def _options(step: Step, world: _World) -> tuple[ExplainedOption, ...]:
    match step:
        case TrainStep():
            scope = Scope.TRAIN
        case ExportStep():
            scope = Scope.EXPORT
        case DeployStep():
            scope = Scope.SERVICE
        case DefineModelStep(model=spec):
            of_type = world.controller_of(spec.type)
            return _listed(_in_force(of_type.options, Scope.MODEL, model=spec.options)) if of_type else ()
        case ScoreStep():
            return _listed(SCORE_OPTIONS.effective(Scope.SCRIPT, script=step.options))
        case _:
            return ()
    model, controller = world.model(step.model), world.controller(step.model)
    if model is None or controller is None:
        return _listed({key: Effective(value, "statement") for key, value in step.options.items()})
    return _listed(_in_force(controller.options, scope, model=model.options, statement=step.options))


def _in_force(declared: OptionSet, scope: Scope, **layers: Mapping[str, OptionValue]) -> dict[str, Effective]:
    """Effective options that concern the statement; templates and secrets as their text."""
    fixed = {name: {k: v for k, v in layer.items() if not _late(v)} for name, layer in layers.items()}
    values = declared.effective(scope, **fixed)
    for origin, layer in layers.items():
        values |= {key: Effective(str(v), origin) for key, v in layer.items() if _late(v)}
    return {key: v for key, v in values.items() if (o := declared.find(key)) and scope in o.scopes}


def _late(value: OptionValue) -> bool:
    """Whether a value is known only when the step runs."""
    return is_templated(value) or (isinstance(value, str) and value.startswith("secret:"))


def _listed(options: dict[str, Effective]) -> tuple[ExplainedOption, ...]:
    return tuple(ExplainedOption(key=k, value=o.value, origin=o.origin) for k, o in options.items())


def _data(step: Step) -> tuple[ExplainedData, ...]:
    match step:
        case TrainStep():
            parts: tuple[tuple[str, Relation | None], ...] = (
                ("data", step.data),
                ("validation", step.validation),
            )
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
