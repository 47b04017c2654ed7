"""VECTOR_SEARCH as a query: the rows of a table whose vectors are nearest to one."""

from __future__ import annotations

import pyarrow as pa

from sqlrec.data import types
from sqlrec.data.functions import TableFunction
from sqlrec.errors import NameNotFoundError, SchemaError, suggest
from sqlrec.spec.schema import DataType, Kind

SCORE = "score"
MEASURES = {
    "cosine": ("list_cosine_similarity", "DESC"),
    "dot": ("list_inner_product", "DESC"),
    "euclidean": ("list_distance", "ASC"),
}
"""The function of each metric, and whether the largest or the smallest value comes first."""
VECTORS = (Kind.FLOAT, Kind.DOUBLE)


def search_function(
    name: str, query: str, table: pa.Schema, *, column: str, top_k: int, metric: str
) -> TableFunction:
    """``name(vector)``: all columns of ``query``, whose columns are ``table``, and a ``score`` DOUBLE.

    The column is called ``score0`` where there is a ``score``. A row without a vector is never found.
    Raises ``NameNotFoundError`` SR402 and ``SchemaError`` SR433, SR434.
    """
    searched = types.quote(_vector_column(table, column))
    function, order = MEASURES[metric]
    score = types.quote(_free(table))
    near = f"{function}(CAST(found.{searched} AS DOUBLE[]), CAST(vector AS DOUBLE[]))"
    words = (
        f"FROM ({query}) AS found SELECT found.*, {near} AS {score}",
        f"WHERE found.{searched} IS NOT NULL AND vector IS NOT NULL",
        f"ORDER BY {score} {order} NULLS LAST LIMIT {top_k}",
    )
    return TableFunction(name=name, parameters=("vector",), query=" ".join(words))


def _vector_column(table: pa.Schema, column: str) -> str:
    """The column to search; without a name the only one that holds vectors."""
    vectors: list[str] = [
        field.name for field in table if _is_vector(types.type_of_arrow(field.name, field.type))
    ]
    if not column:
        if len(vectors) == 1:
            return vectors[0]
        which = f"columns {', '.join(vectors)} hold vectors" if vectors else "no column holds vectors"
        raise SchemaError(
            "SR434", f"VECTOR_SEARCH does not say where to search: {which}", hint="add DESCRIPTOR(column)"
        )
    name: str | None = next((n for n in table.names if n.casefold() == column.casefold()), None)
    if name is None:
        hint = suggest(column, table.names) or f"columns: {', '.join(table.names)}"
        raise NameNotFoundError("SR402", f"column {column!r} to search does not exist", hint=hint)
    if name not in vectors:
        given = types.type_of_arrow(name, table.field(name).type)
        raise SchemaError("SR433", wrong_type(name, given))
    return name


def wrong_type(column: str, given: DataType) -> str:
    """What is said of a column that holds no vectors."""
    return f"Expect search column `{column}` type is ARRAY<FLOAT> or ARRAY<DOUBLE>, but its type is {given}"


def _is_vector(kind: DataType) -> bool:
    return kind.kind is Kind.ARRAY and kind.element.kind in VECTORS


def _free(table: pa.Schema) -> str:
    taken, name, index = {n.casefold() for n in table.names}, SCORE, 0
    while name in taken:
        name, index = f"{SCORE}{index}", index + 1
    return name
