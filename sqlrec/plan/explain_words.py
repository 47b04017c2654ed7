"""What a step does, in words."""

from __future__ import annotations

from typing import assert_never

from sqlrec.plan.changes import (
    DropAlias,
    DropCheckpoint,
    Member,
    Promote,
    RenameTo,
    ResetOptions,
    ServeCheckpoint,
    SetAlias,
    SetOptions,
)
from sqlrec.plan.plan import (
    AlterModelStep,
    AlterServiceStep,
    AssertStep,
    ChunkedCallStep,
    DefineApiStep,
    DefineFunctionStep,
    DefineModelStep,
    DeployStep,
    DropApiStep,
    DropFunctionStep,
    DropModelStep,
    DropServiceStep,
    EvaluateStep,
    ExplainStep,
    ExportStep,
    IfStep,
    ImportStep,
    Inspection,
    InspectStep,
    QueryMode,
    QueryStep,
    RollbackStep,
    ScoreStep,
    Step,
    TrainStep,
)
from sqlrec.spec.group import Routing
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.table import EvaluatedTable, PredictedTable, Relation, SearchedTable
from sqlrec.sql.statements import ObjectKind


def does(step: Step) -> str:
    """One sentence, without a full stop."""
    match step:
        case DefineModelStep() | AlterModelStep() | DropModelStep():
            return _model(step)
        case TrainStep() | ExportStep() | ImportStep() | EvaluateStep():
            return _training(step)
        case DeployStep() | AlterServiceStep() | RollbackStep() | DropServiceStep():
            return _service(step)
        case QueryStep() | ScoreStep() | ChunkedCallStep() | AssertStep():
            return _rows(step)
        case DefineFunctionStep() | DropFunctionStep() | DefineApiStep() | DropApiStep():
            return _function(step)
        case InspectStep():
            return _inspection(step)
        case ExplainStep(step=inner):
            return f"tell what this would do: {does(inner)}"
        case IfStep():
            return _branches(step)
        case _:
            assert_never(step)


def _model(step: DefineModelStep | AlterModelStep | DropModelStep) -> str:
    match step:
        case DefineModelStep(model=model):
            what = "temporary model" if step.temporary else "model"
            return f"define {what} {model.name}: {_definition(model)}"
        case DropModelStep(temporary=True):
            return f"forget temporary model {step.model}"
        case DropModelStep():
            return f"drop model {step.model} with its checkpoints"
        case AlterModelStep():
            return _change(step)
        case _:
            assert_never(step)


def _definition(model: ModelSpec) -> str:
    labels = f", label {', '.join(model.labels)}" if model.labels else ""
    answers = ", ".join(f"{f.name} {f.type}" for f in model.outputs)
    features = "the query's columns" if model.awaits_query else f"{len(model.features)} features"
    return f"{model.type}, {features}{labels}, answers {answers or 'nothing known'}"


def _change(step: AlterModelStep) -> str:
    match step.change:
        case RenameTo(name=new):
            return f"rename model {step.model} to {new}, with its checkpoints, aliases and services"
        case SetOptions(options=options):
            return f"set {', '.join(options)} of model {step.model}"
        case ResetOptions(keys=keys):
            return f"give {', '.join(keys)} of model {step.model} the default again"
        case DropCheckpoint(checkpoint=name):
            return f"drop checkpoint {name} of model {step.model}, all its versions"
        case SetAlias(alias=alias, checkpoint=name):
            return f"let @{alias} of model {step.model} name checkpoint {name}"
        case DropAlias(alias=alias):
            return f"drop alias @{alias} of model {step.model}"
        case _:
            assert_never(step.change)


def _training(step: TrainStep | ExportStep | ImportStep | EvaluateStep) -> str:
    match step:
        case TrainStep():
            base = f", continuing from {step.base}" if step.base else ""
            return f"train model {step.model} into checkpoint {step.checkpoint}{base}"
        case ExportStep():
            return f"export checkpoint {step.checkpoint} of model {step.model} as {', '.join(step.exports)}"
        case ImportStep():
            return f"import the file of model {step.model} as checkpoint {step.checkpoint}"
        case EvaluateStep():
            return f"evaluate checkpoint {step.checkpoint} of model {step.model}"
        case _:
            assert_never(step)


def _service(step: DeployStep | AlterServiceStep | RollbackStep | DropServiceStep) -> str:
    match step:
        case DeployStep():
            return _deployed(step)
        case AlterServiceStep():
            return _service_change(step)
        case RollbackStep(checkpoint=name):
            return f"let service {step.service} serve {name or 'what it served before'} again"
        case DropServiceStep():
            return f"stop service {step.service}"
        case _:
            assert_never(step)


def _deployed(step: DeployStep) -> str:
    if not step.others:
        what = f"{step.checkpoint} of model" if step.checkpoint else "model"
        return f"serve {what} {step.model} as {step.service}"
    members = (Member(model=step.model, checkpoint=step.checkpoint), *step.others)
    shown = ", ".join(f"{m.model} {m.checkpoint}".rstrip() for m in members)
    routing = step.options.get("routing", Routing.SPECULATIVE)
    return f"serve models {shown} together ({routing}) as {step.service}"


def _service_change(step: AlterServiceStep) -> str:
    match step.change:
        case ServeCheckpoint(checkpoint=name):
            return f"let service {step.service} serve {name}"
        case SetOptions(options=options):
            return f"set {', '.join(options)} of service {step.service}"
        case ResetOptions(keys=keys):
            return f"give {', '.join(keys)} of service {step.service} the default again"
        case Promote():
            return f"let service {step.service} serve what its canary serves"
        case _:
            assert_never(step.change)


def _rows(step: QueryStep | ScoreStep | ChunkedCallStep | AssertStep) -> str:
    match step:
        case QueryStep():
            return _query(step)
        case ScoreStep():
            return f"score {_tables(step.inputs)} with service {step.service}{_into(step)}"
        case ChunkedCallStep():
            rows = f"{step.size} rows of {step.chunked} at a time"
            return f"call function {step.program.name}, {rows}{_into(step)}"
        case AssertStep():
            return f"stop unless the query over {_tables(step.query)} gives true alone"
        case _:
            assert_never(step)


def _into(step: ScoreStep | ChunkedCallStep) -> str:
    return f" into cache table {step.target.name}" if step.target else ", shown"


def _tables(relation: Relation) -> str:
    """The tables that a query and the inputs of its calls of models read."""
    inputs = [
        call.inputs.sources
        for call in relation.calls
        if isinstance(call, PredictedTable | EvaluatedTable | SearchedTable)
    ]
    names = dict.fromkeys(name for sources in (relation.sources, *inputs) for name in sources)
    return ", ".join(names) or "no table"


def _models(relation: Relation) -> str:
    """The models that a query calls."""
    used = (call.model for call in relation.calls if not isinstance(call, SearchedTable))
    names = dict.fromkeys(f"{model.name}{'$' * bool(model.version)}{model.version}" for model in used)
    return f"; it calls {'models' if len(names) > 1 else 'model'} {', '.join(names)}" if names else ""


def _query(step: QueryStep) -> str:
    name = step.target.name if step.target else ""
    words = {
        QueryMode.SELECT: "run a query, shown",
        QueryMode.CACHE: f"run a query into cache table {name}",
        QueryMode.APPEND: f"add the rows of a query to {name}",
        QueryMode.OVERWRITE: f"replace {name}, or the partitions written, by the rows of a query",
    }
    return words[step.mode] + _models(step.query)


def _function(step: DefineFunctionStep | DropFunctionStep | DefineApiStep | DropApiStep) -> str:
    match step:
        case DefineFunctionStep(function=function):
            inputs = ", ".join(given.name for given in function.inputs)
            return f"define function {function.name}({inputs}), which returns {function.returns or 'nothing'}"
        case DropFunctionStep(function=name):
            return f"drop function {name}"
        case DefineApiStep(api=api):
            return f"expose function {api.function} as API {api.name}"
        case DropApiStep(api=name):
            return f"drop API {name}"
        case _:
            assert_never(step)


def _inspection(step: InspectStep) -> str:
    what = step.kind.value if step.kind is ObjectKind.API else step.kind.value.lower()
    about_model = step.kind in (ObjectKind.MODEL, ObjectKind.CHECKPOINT)
    is_model = about_model and step.name.count(".") == 2
    name = str(ModelName.parse(step.name)) if is_model else step.name
    if step.action is not Inspection.SHOW:
        return f"{step.action} {what} {name}"
    like = f" {'not ' if step.negated else ''}like {step.like!r}" if step.like else ""
    return f"show {what}s{f' of {name}' if name else ''}{like}"


def _branches(step: IfStep) -> str:
    condition = f"query over {_tables(step.condition)}"
    if step.timein:
        otherwise = f"; if it takes longer, {does(step.otherwise)}" if step.otherwise else ""
        return f"within the milliseconds that a {condition} gives, {does(step.then)}{otherwise}"
    otherwise = f"; otherwise {does(step.otherwise)}" if step.otherwise else ""
    return f"if a {condition} holds, {does(step.then)}{otherwise}"
