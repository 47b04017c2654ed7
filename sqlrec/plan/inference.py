"""Calls of models in a query → what the plan says of them, and what a step with such a query reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.script_options import score_settings
from sqlrec.spec.options import OptionValue
from sqlrec.spec.table import (
    EvaluatedRows,
    EvaluatedTable,
    ModelCall,
    PredictedRow,
    PredictedTable,
    PredictedValue,
    Relation,
    SearchedTable,
    TableSource,
    UsedModel,
)
from sqlrec.sql.inference import (
    EvaluateRows,
    EvaluateTable,
    InputQuery,
    ModelArgument,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_config import config_of
from sqlrec.sql.queries import LoweredCall
from sqlrec.sql.statements import Ident

Sources = Callable[[Iterable[Ident]], Mapping[str, TableSource]]
"""Tables by name as written."""


def model_calls(
    calls: Iterable[LoweredCall], parameters: Mapping[str, str], scope: ScriptScope, sources: Sources
) -> tuple[ModelCall, ...]:
    """The calls of a lowered query; ``parameters`` are the query's."""
    return tuple(_call(call, parameters, scope, sources) for call in calls)


def _call(
    lowered: LoweredCall, parameters: Mapping[str, str], scope: ScriptScope, sources: Sources
) -> ModelCall:
    call, name = lowered.call, lowered.name
    inputs = Relation(query=lowered.query, sources=sources(lowered.tables), parameters=parameters)
    config = config_of(call)
    match call:
        case PredictTable(input=InputQuery(is_values=True)):
            return PredictedRow(
                name=name,
                model=_used(call.model, config, scope),
                arity=len(call.columns),
                columns=tuple(column.text for column in call.columns),
            )
        case PredictTable():
            return PredictedTable(
                name=name,
                model=_used(call.model, config, scope),
                inputs=inputs,
                columns=tuple(column.text for column in call.columns),
            )
        case PredictValues():
            kind = PredictedRow if call.in_from else PredictedValue
            return kind(name=name, model=_used(call.model, config, scope), arity=len(call.values))
        case EvaluateTable():
            return EvaluatedTable(
                name=name,
                model=_used(call.model, config, scope),
                inputs=inputs,
                columns=tuple(column.text for column in call.columns),
                label=call.label.text if call.label else "",
                task=call.task.value if call.task else "",
            )
        case EvaluateRows():
            return EvaluatedRows(name=name, model=_used(call.model, config, scope), arity=len(call.features))
        case VectorSearch():
            return SearchedTable(
                name=name,
                inputs=inputs,
                top_k=call.top_k,
                column=call.column.text if call.column else "",
                metric=str(config.get("metric", "cosine")),
            )
        case _:
            assert_never(call)


def _used(model: ModelArgument, config: Mapping[str, OptionValue], scope: ScriptScope) -> UsedModel:
    """The model with the services of it that the script makes, for which the step has to wait."""
    name = scope.model_name(model.name)
    service = str(config.get("service", ""))
    made = [served.name for served in scope.services.values() if served and served.model == name]
    return UsedModel(
        name=scope.as_declared(name),
        version=model.version,
        service=service,
        awaited=(service,) if service else tuple(made),
        options={**score_settings(scope.settings), **_score_options(config)},
    )


def _score_options(config: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """The configuration of a call as options of batch scoring."""
    found: dict[str, OptionValue] = {}
    if config.get("async") is False:
        found["concurrency"] = 1
    elif "max-concurrent-operations" in config:
        found["concurrency"] = config["max-concurrent-operations"]
    if "timeout" in config:
        found["timeout"] = config["timeout"]
    if "retry_count" in config:
        found["attempts"] = int(config["retry_count"]) + 1
    return found
