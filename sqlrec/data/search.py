"""VECTOR_SEARCH as a query: the rows of a table whose vectors are nearest to one."""

from __future__ import annotations

import pyarrow as pa

from sqlrec.data import types
from sqlrec.data.functions import TableFunction
from sqlrec.spec.prediction import vector_column

SCORE = "score"
MEASURES = {
    "cosine": ("list_cosine_similarity", "DESC"),
    "dot": ("list_inner_product", "DESC"),
    "euclidean": ("list_distance", "ASC"),
}
"""The function of each metric, and whether the largest or the smallest value comes first."""


def search_function(
    name: str, query: str, table: pa.Schema, *, column: str, top_k: int, metric: str
) -> TableFunction:
    """``name(vector)``: all columns of ``query``, whose columns are ``table``, and a ``score`` DOUBLE.

    The column is called ``score0`` where there is a ``score``. A row without a vector is never found.
    Raises what :func:`vector_column` does.
    """
    searched = types.quote(vector_column(types.declared(table), column))
    function, order = MEASURES[metric]
    score = types.quote(_free(table))
    near = f"{function}(CAST(found.{searched} AS DOUBLE[]), CAST(vector AS DOUBLE[]))"
    words = (
        f"FROM ({query}) AS found SELECT found.*, {near} AS {score}",
        f"WHERE found.{searched} IS NOT NULL AND vector IS NOT NULL",
        f"ORDER BY {score} {order} NULLS LAST LIMIT {top_k}",
    )
    return TableFunction(name=name, parameters=("vector",), query=" ".join(words))


def _free(table: pa.Schema) -> str:
    taken, name, index = {n.casefold() for n in table.names}, SCORE, 0
    while name in taken:
        name, index = f"{SCORE}{index}", index + 1
    return name
