"""Functions that a query may use besides DuckDB's own: computed here, or written as a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from sqlrec.data import types
from sqlrec.spec.schema import DataType


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarFunction:
    """``name(value, …)``: columns of some rows in, a column of as many values out.

    ``compute`` gets an Arrow array for each parameter, of its type, NULLs included. It is called for the
    rows that need it, from several threads at once, and at most once for each place in the query.
    """

    name: str
    parameters: tuple[DataType, ...]
    returns: DataType
    compute: Callable[..., pa.Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFunction:
    """``name(parameter, …)`` in FROM: a query that may use the parameters."""

    name: str
    parameters: tuple[str, ...]
    query: str


Function = ScalarFunction | TableFunction


def define(
    connection: duckdb.DuckDBPyConnection, function: Function, failed: Callable[[Exception], None]
) -> None:
    """Make a function known to a connection; ``failed`` gets what a computation raises.

    DuckDB passes on the text of an exception only. A computed function counts as volatile: its value is
    neither reused nor computed ahead.
    """
    if isinstance(function, TableFunction):
        parameters = ", ".join(map(types.quote, function.parameters))
        name = types.quote(function.name)
        connection.execute(f"CREATE MACRO {name}({parameters}) AS TABLE {function.query}")
        return
    returns = types.arrow_type(function.returns)

    def compute(*columns: pa.ChunkedArray) -> pa.Array:
        try:
            found = function.compute(*(column.combine_chunks() for column in columns))
            return found.cast(returns)
        except Exception as error:
            failed(error)
            raise

    # DuckDB counts the parameters of a function by its signature.
    named = [Parameter(f"column_{i}", Parameter.POSITIONAL_ONLY) for i in range(len(function.parameters))]
    compute.__signature__ = Signature(named)  # type: ignore[attr-defined]
    connection.create_function(
        function.name,
        compute,
        [duckdb.sqltype(types.duckdb_type(parameter)) for parameter in function.parameters],
        duckdb.sqltype(types.duckdb_type(function.returns)),
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
        side_effects=True,
    )
