"""TRAIN, EXPORT and EVALUATE MODEL → steps."""

from __future__ import annotations

from typing import assert_never

from sqlrec.plan.options import stored_options
from sqlrec.plan.plan import EvaluateStep, ExportStep, Step, TrainStep
from sqlrec.plan.refs import checkpoint_name, checkpoint_ref, evaluation_gate, model_ref, table_refs
from sqlrec.plan.resolve_models import known_name
from sqlrec.plan.resolve_queries import relation
from sqlrec.plan.scope import ALIAS, ScriptScope
from sqlrec.spec import codec
from sqlrec.spec.names import ModelName, export_name
from sqlrec.sql.statements import EvaluateModel, ExportModel, TrainModel

AboutTraining = TrainModel | ExportModel | EvaluateModel


def resolve_training(statement: AboutTraining, scope: ScriptScope) -> Step:
    """The step of a statement that runs a job on a model."""
    match statement:
        case TrainModel():
            return _train(statement, scope)
        case ExportModel():
            return _export(statement, scope)
        case EvaluateModel():
            return _evaluate(statement, scope)
        case _:
            assert_never(statement)


def _train(statement: TrainModel, scope: ScriptScope) -> TrainStep:
    name = scope.as_declared(scope.model_name(statement.name))
    data = relation(statement.data, scope)
    validation = relation(statement.validation, scope) if statement.validation else None
    checkpoint, base = checkpoint_name(statement.checkpoint), known_name(name, statement.base, scope)
    bases = (checkpoint_ref(name, base),) if base else ()
    return TrainStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=checkpoint,
        data=data,
        validation=validation,
        base=base,
        options=stored_options(statement.options),
        reads=(model_ref(name), *bases, *table_refs(data, validation)),
        writes=(checkpoint_ref(name, checkpoint),),
    )


def _export(statement: ExportModel, scope: ScriptScope) -> ExportStep:
    """An export is named after its checkpoint, so that an alias is followed here already."""
    name = scope.as_declared(scope.model_name(statement.name))
    written = known_name(name, statement.checkpoint, scope)
    checkpoint = followed(name, written, scope)
    controller = scope.controller(name)
    exports = controller.exports(checkpoint) if controller else (export_name(checkpoint),)
    sample = relation(statement.sample, scope) if statement.sample else None
    sources = tuple(checkpoint_ref(name, source) for source in dict.fromkeys((written, checkpoint)))
    return ExportStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=checkpoint,
        exports=exports,
        sample=sample,
        options=stored_options(statement.options),
        reads=(model_ref(name), *sources, *table_refs(sample)),
        writes=tuple(checkpoint_ref(name, made) for made in exports),
    )


def followed(model: ModelName, name: str, scope: ScriptScope) -> str:
    """The checkpoint of an alias that the script sets; any other name as it is."""
    alias = name.removeprefix(ALIAS).casefold()
    return scope.aliases.get((model.key, alias)) or name if name.startswith(ALIAS) else name


def _evaluate(statement: EvaluateModel, scope: ScriptScope) -> EvaluateStep:
    """Writes a gate, which what brings the model into service reads: a threshold may not be met."""
    name = scope.as_declared(scope.model_name(statement.name))
    data = relation(statement.data, scope)
    checkpoint = known_name(name, statement.checkpoint, scope)
    options = stored_options(statement.options)
    facts = codec.dumps(data) + codec.dumps(options)
    return EvaluateStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=checkpoint,
        data=data,
        options=options,
        reads=(model_ref(name), checkpoint_ref(name, checkpoint), *table_refs(data)),
        writes=(evaluation_gate(name, followed(name, checkpoint, scope), facts),),
    )
