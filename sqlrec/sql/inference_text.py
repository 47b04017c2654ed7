"""Queries with their calls of models in canonical form: the one Flink accepts, arguments named.

All else of a query stays as it was written. Calls of values have no named form; they begin with the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlrec.sql.cursor import Cursor
from sqlrec.sql.inference import (
    ConfigItem,
    EvaluateRows,
    EvaluateTable,
    Function,
    InferenceCall,
    Input,
    InputTable,
    ModelArgument,
    PredictTable,
    PredictValues,
    VectorSearch,
)
from sqlrec.sql.inference_grammar import call
from sqlrec.sql.inference_sites import sites
from sqlrec.sql.lexer import tokens
from sqlrec.sql.quoting import name_text, part_text, string_text
from sqlrec.sql.statements import Ident, QueryText

NAMED_BY_STRING = (Function.COMPLETE, Function.EMBEDDING)
"""Functions that take the model's name as a string."""


def canonical(query: QueryText) -> str:
    """The text of a query with canonical calls; doing it again changes nothing.

    The query must be one that could be read.
    """
    found = tokens(query.sql)
    cursor = Cursor(query.sql, found)
    pieces, end = [], 0
    for site in sites(found):
        token = found[site.index]
        if token.start < end:
            continue
        cursor.index = site.index
        parsed = call(cursor, in_from=site.in_from)
        pieces += [query.sql[end : token.start], _call(parsed)]
        end = parsed.span.end
    return "".join([*pieces, query.sql[end:]])


def _call(parsed: InferenceCall) -> str:
    match parsed:
        case PredictTable():
            return _named(
                Function.PREDICT,
                INPUT=_input(parsed.input),
                MODEL=_model(parsed.model),
                ARGS=_descriptor(parsed.columns),
                CONFIG=_config(parsed.config),
            )
        case EvaluateTable():
            return _named(
                Function.EVALUATE,
                INPUT=_input(parsed.input),
                MODEL=_model(parsed.model),
                LABEL=_descriptor((parsed.label,)) if parsed.label else "",
                ARGS=_descriptor(parsed.columns),
                TASK=string_text(parsed.task.value) if parsed.task else "",
                CONFIG=_config(parsed.config),
            )
        case VectorSearch():
            return _named(
                Function.SEARCH,
                SEARCH_TABLE=_input(parsed.input),
                COLUMN_TO_SEARCH=_descriptor((parsed.column,)) if parsed.column else "",
                COLUMN_TO_QUERY=canonical(parsed.query),
                TOP_K=str(parsed.top_k),
                CONFIG=_config(parsed.config),
            )
        case PredictValues():
            return _positional(parsed.function, parsed.model, parsed.values, parsed.config)
        case EvaluateRows():
            values = (parsed.label, *parsed.features)
            return _positional(Function.EVALUATE, parsed.model, values, parsed.config)
        case _:
            assert_never(parsed)


def _named(function: Function, **arguments: str) -> str:
    given = [f"{name} => {text}" for name, text in arguments.items() if text]
    return f"{function}({', '.join(given)})"


def _positional(
    function: Function, model: ModelArgument, values: Sequence[QueryText], config: Sequence[ConfigItem]
) -> str:
    named = string_text(_dotted(model)) if function in NAMED_BY_STRING else _model(model)
    given = [named, *map(canonical, values), *([_config(config)] if config else [])]
    return f"{function}({', '.join(given)})"


def _input(source: Input) -> str:
    if not isinstance(source, InputTable):
        return f"({canonical(source.query)})"
    keys = f" PARTITION BY {source.partition_by.sql}" if source.partition_by else ""
    return f"TABLE {name_text(source.name)}{keys}"


def _dotted(model: ModelArgument) -> str:
    return ".".join(_versioned(model).parts)


def _model(model: ModelArgument) -> str:
    return f"MODEL {'.'.join(map(part_text, _versioned(model).parts))}"


def _versioned(model: ModelArgument) -> Ident:
    *parents, name = model.name.parts
    return Ident((*parents, f"{name}${model.version}" if model.version else name), model.name.span)


def _descriptor(columns: Sequence[Ident]) -> str:
    return f"DESCRIPTOR({', '.join(map(name_text, columns))})"


def _config(items: Sequence[ConfigItem]) -> str:
    entries = [string_text(text.value) for item in items for text in (item.key, item.value)]
    return f"MAP[{', '.join(entries)}]" if entries else ""
