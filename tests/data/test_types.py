"""Types in three spellings, and which widen into which."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from sqlrec.data.types import arrow_type, duckdb_type, type_of_arrow, type_of_duckdb
from sqlrec.errors import SchemaError
from sqlrec.spec.schema import DataType

STORED = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(12, 3)",
    "STRING",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "ARRAY<ARRAY<FLOAT>>",
    "MAP<STRING, BIGINT>",
    "ROW<a INT, b ARRAY<STRING>>",
]


@pytest.mark.parametrize("text", STORED)
def test_a_type_comes_back_from_duckdb_and_arrow(text: str) -> None:
    declared = DataType.parse(text)
    with duckdb.connect() as connection:
        (duck,) = connection.sql(f"SELECT CAST(NULL AS {duckdb_type(declared)})").types
    assert type_of_duckdb("x", duck) == declared
    assert type_of_arrow("x", arrow_type(declared)) == declared


def test_decimal_without_a_size() -> None:
    assert duckdb_type(DataType.parse("DECIMAL")) == "DECIMAL(10, 0)"
    assert arrow_type(DataType.parse("DECIMAL(5)")) == pa.decimal128(5, 0)


@pytest.mark.parametrize("text", ["VARIANT", "MULTISET<INT>", "ARRAY<VARIANT>"])
def test_types_that_no_table_holds(text: str) -> None:
    for spelling in (duckdb_type, arrow_type):
        with pytest.raises(SchemaError, match="cannot be stored") as caught:
            spelling(DataType.parse(text))
        assert caught.value.code == "SR411"
    with pytest.raises(SchemaError, match="'x'"):
        type_of_arrow("x", pa.duration("s"))
