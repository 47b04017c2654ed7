"""What ASSERT and IF make of the rows of a query, in a task of a run and in a function."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError, PolicyError, SchemaError


def require_true(table: pa.Table) -> None:
    """Every value, of at least one row, is true.

    Raises ``SchemaError`` SR267 for a column that is not BOOLEAN, ``PolicyError`` SR266 for no row, or a
    row with another value.
    """
    for column in table.schema:
        require_boolean(column)
    if not table.num_rows:
        raise PolicyError("SR266", "the assertion does not hold: the query has no rows")
    if wrong := first_untrue(table):
        raise PolicyError("SR266", f"the assertion does not hold: {wrong}")


def first_untrue(rows: pa.Table | pa.RecordBatch, before: int = 0) -> str:
    """The first row with a value that is not true, such as ``row 3 has a = false``; empty: there is none.

    ``before`` rows of the same query came before these.
    """
    failed = [pc.index(column.fill_null(False), False).as_py() for column in rows.columns]
    wrong = [row for row in failed if row >= 0]
    if not wrong:
        return ""
    row = rows.slice(min(wrong), 1).to_pylist()[0]
    values = ", ".join(f"{name} = {_sql(value)}" for name, value in row.items())
    return f"row {before + min(wrong) + 1:,} has {values}"


def require_boolean(column: pa.Field, what: str = "") -> None:
    """The column, of what is named, holds truth values; ``SchemaError`` SR267."""
    if not pa.types.is_boolean(column.type):
        raise SchemaError(
            "SR267",
            f"{what}{': ' if what else ''}column {column.name!r} is {column.type}, not BOOLEAN",
            hint="compare it with something, such as n > 0",
        )


def truth(table: pa.Table) -> bool:
    """The one value of the condition of IF; raises SR267 and SR268."""
    value = _one_value(table)
    require_boolean(table.schema.field(0))
    return bool(value)


def milliseconds(table: pa.Table) -> float:
    """The one value of the condition of IF TIMEIN, 0 or less for no limit; raises SR267 and SR268."""
    return as_milliseconds(_one_value(table))


def as_milliseconds(value: object) -> float:
    """The value of the condition of IF TIMEIN as a number; raises ``SchemaError`` SR267."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise SchemaError(
            "SR267",
            f"IF TIMEIN takes a number of milliseconds, not {value!r}",
            hint="write a query that gives one number, such as SELECT 500",
        )
    return float(value)


def _one_value(table: pa.Table) -> object:
    if (table.num_rows, table.num_columns) != (1, 1):
        raise DataError(
            "SR268",
            f"the condition gives {table.num_rows} rows and {table.num_columns} columns, not one value",
        )
    value: object = table.column(0)[0].as_py()
    if value is None:
        raise DataError("SR268", "the condition is NULL", hint="write coalesce(…, false)")
    return value


def _sql(value: bool | None) -> str:
    return "NULL" if value is None else str(value).lower()
