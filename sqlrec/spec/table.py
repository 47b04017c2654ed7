"""Tables and queries as data: what a job is told to read or write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import Schema


class TableFormat(StrEnum):
    """Where a table's rows are.

    ``CACHE`` is a table of the running script (its path is filled in when a step runs); ``WAREHOUSE``
    is a name without a declaration, looked up below the warehouse folder when a step runs.
    """

    PARQUET = "parquet"
    CSV = "csv"
    CACHE = "cache"
    WAREHOUSE = "warehouse"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A named table. ``schema`` is empty when it was not declared. ``path``: file, folder or glob."""

    name: str
    format: TableFormat
    path: str = ""
    schema: Schema = Schema()
    partitions: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A query over named tables, in DuckDB's dialect.

    Template values (``'{{ ds }}'``) are not spliced into the text: each becomes a named parameter
    ``$p1`` of the query and its template an entry of ``parameters``, rendered when the step runs. So a
    rendered value can never change what the query means.

    Names of ``calls`` are tables and functions of the query; each call may use those before it.
    """

    query: str
    sources: Mapping[str, TableSource] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[ModelCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedModel:
    """A model that a query calls through a service of it.

    ``service`` is the one that the query names; empty: the only one of the model, or of its ``version``.
    ``awaited`` are services of the model that the script makes. ``options`` are those of batch scoring.
    """

    name: ModelName
    version: str = ""
    service: str = ""
    awaited: tuple[str, ...] = ()
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedTable:
    """A table ``name``: the rows of ``inputs`` and the model's outputs for ``columns``, by their order."""

    name: str
    model: UsedModel
    inputs: Relation
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedRow:
    """A table function of ``arity`` values: a row of the outputs, after the values under ``columns``."""

    name: str
    model: UsedModel
    arity: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedValue:
    """A scalar function of ``arity`` values: the value of the model's one output."""

    name: str
    model: UsedModel
    arity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedTable:
    """A table ``name`` with one row and the column ``result``: metrics of the model over ``inputs``.

    Without ``label`` or ``task`` those of the model count.
    """

    name: str
    model: UsedModel
    inputs: Relation
    columns: tuple[str, ...]
    label: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRows:
    """A scalar function of a list of rows, each a label and ``arity`` features: metrics over them."""

    name: str
    model: UsedModel
    arity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedTable:
    """A table function ``name(vector)``: the ``top_k`` rows of ``inputs`` nearest to it, with their score.

    Without ``column`` the only column of vectors is searched.
    """

    name: str
    inputs: Relation
    top_k: int
    column: str = ""
    metric: str = "cosine"


ModelCall = PredictedTable | PredictedRow | PredictedValue | EvaluatedTable | EvaluatedRows | SearchedTable
"""What a call of a model in a query gives, and what it is called there."""
