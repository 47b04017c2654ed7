"""Calls of models inside queries: ML_PREDICT, ML_EVALUATE, ML_EMBED, VECTOR_SEARCH and their aliases.

A call is read from the query's own tokens (``inference_grammar``), because no parser of sqlglot's reads
``TABLE t``, ``MODEL m`` and ``name => value`` as arguments. Where it stood, the query that DuckDB gets has a
table, a table function or a scalar function (``inference_lowering``).

Many spellings become one node: positional or named arguments, TABLE and MODEL written or left out, a model
as a name or a string.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlrec.errors import Span
from sqlrec.sql.statements import Ident, QueryText, Text


class Function(StrEnum):
    """Functions that call a model or search vectors."""

    PREDICT = "ML_PREDICT"
    EVALUATE = "ML_EVALUATE"
    EMBED = "ML_EMBED"
    SEARCH = "VECTOR_SEARCH"
    COMPLETE = "AI_COMPLETE"
    EMBEDDING = "AI_EMBEDDING"


@dataclass(frozen=True, slots=True)
class ModelArgument:
    """The model. ``version`` is what follows the last ``$`` of its name: a number, ``all`` or nothing."""

    name: Ident
    version: str = ""

    @property
    def span(self) -> Span:
        """Its place."""
        return self.name.span


@dataclass(frozen=True, slots=True)
class InputTable:
    """``TABLE name [PARTITION BY …]``, or the name alone."""

    name: Ident
    span: Span
    partition_by: QueryText | None = None


@dataclass(frozen=True, slots=True)
class InputQuery:
    """``(query)``; or VALUES, with or without parentheses, whose columns DESCRIPTOR names."""

    query: QueryText
    span: Span

    @property
    def is_values(self) -> bool:
        """Whether it is VALUES."""
        return self.query.sql[:6].upper() == "VALUES"


Input = InputTable | InputQuery


@dataclass(frozen=True, slots=True)
class ConfigItem:
    """One entry of ``MAP['key', value, …]``; numbers and booleans as their text."""

    key: Text
    value: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBase:
    """What every call has. ``span`` runs from the function's name to its closing bracket."""

    span: Span
    config: tuple[ConfigItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictTable(CallBase):
    """``ML_PREDICT(INPUT => …, MODEL => …, ARGS => DESCRIPTOR(…))``: the input's columns and the outputs."""

    model: ModelArgument
    input: Input
    columns: tuple[Ident, ...]
    columns_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictValues(CallBase):
    """``ML_PREDICT(MODEL m, expression, …)``: the outputs as columns in FROM, else the one output's value."""

    function: Function
    model: ModelArgument
    values: tuple[QueryText, ...]
    in_from: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateTable(CallBase):
    """``ML_EVALUATE(INPUT => …, MODEL => …, LABEL => …, ARGS => …)``: one row of metrics.

    Without ``label`` or ``task`` those of the model count.
    """

    model: ModelArgument
    input: Input
    columns: tuple[Ident, ...]
    columns_span: Span
    label: Ident | None = None
    task: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRows(CallBase):
    """``ML_EVALUATE(MODEL m, label, feature, …)``: an aggregate over the rows of its query."""

    model: ModelArgument
    label: QueryText
    features: tuple[QueryText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSearch(CallBase):
    """``VECTOR_SEARCH``: the ``top_k`` rows of the input whose vector ``column`` is nearest to ``query``.

    Without ``column`` the table's only vector column is meant.
    """

    input: Input
    query: QueryText
    top_k: int
    column: Ident | None = None


InferenceCall = PredictTable | PredictValues | EvaluateTable | EvaluateRows | VectorSearch
