"""Arrow columns → raw tensors: one missing value each, the same values whatever Arrow type holds them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sqlrec.errors import DataError, SchemaError
from sqlrec.features.raw import raw_inputs, tensor_of
from sqlrec.spec.schema import DataType
from sqlrec.spec.signature import MISSING_INT, InputColumn

MAX = 3.4028234663852886e38


def column(name: str, text: str, length: int = 0) -> InputColumn:
    declared = DataType.parse(text)
    return InputColumn(
        name=name,
        type=declared,
        tensor=tensor_of(name, declared),
        is_array=text.startswith("ARRAY"),
        length=length,
    )


def read(values: pa.Array, text: str, length: int = 0) -> np.ndarray[Any, Any]:
    return raw_inputs(pa.table({"x": values}), [column("x", text, length)])["x"]


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (pa.array([1, None, 3], pa.int32()), "INT", [1, MISSING_INT, 3]),
        (pa.array([2**63 - 1, -(2**63)]), "BIGINT", [2**63 - 1, MISSING_INT]),
        (pa.array([5.0, None]), "BIGINT", [5, MISSING_INT]),
        (pa.array([True, None, False]), "BOOLEAN", [1, MISSING_INT, 0]),
        (pa.array([0, 1, None]), "BOOLEAN", [0, 1, MISSING_INT]),
        (pa.array(["a", None, ""]), "STRING", ["a", "", ""]),
        (pa.array(["a", None, "b"]).dictionary_encode(), "STRING", ["a", "", "b"]),
        (pa.array(["ü", None], pa.large_string()), "STRING", ["ü", ""]),
        (pa.array([7, None]), "STRING", ["7", ""]),
        (pa.nulls(2), "STRING", ["", ""]),
        (pa.array([date(1970, 1, 2), None]), "DATE", [1, MISSING_INT]),
        (pa.array([datetime(1970, 1, 2)], pa.timestamp("us")), "DATE", [1]),
        (
            pa.array([datetime(1970, 1, 1, 0, 0, 1), None], pa.timestamp("ms")),
            "TIMESTAMP",
            [10**6, MISSING_INT],
        ),
        (pa.array([10**6], pa.timestamp("us", tz="Asia/Tokyo")), "TIMESTAMP_LTZ", [10**6]),
        (pa.array(["1970-01-01 00:00:01"]), "TIMESTAMP", [10**6]),
    ],
)
def test_scalar_columns(values: pa.Array, text: str, expected: list[Any]) -> None:
    found = read(values, text)
    assert found.tolist() == expected
    assert found.dtype == (np.object_ if isinstance(expected[0], str) else np.int64)


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (pa.array([1.5, None, float("nan")]), "DOUBLE", [1.5, np.nan, np.nan]),
        (pa.array([1e300, -1e300, np.inf, -np.inf]), "DOUBLE", [MAX, -MAX, np.inf, -np.inf]),
        (pa.array([Decimal("1.25"), None]), "DECIMAL(10,2)", [1.25, np.nan]),
        (pa.array([3, None]), "FLOAT", [3.0, np.nan]),
        (pa.nulls(1), "DOUBLE", [np.nan]),
    ],
)
def test_float_columns(values: pa.Array, text: str, expected: list[float]) -> None:
    found = read(values, text)
    np.testing.assert_array_equal(found, np.array(expected, np.float32))
    assert found.dtype == np.float32


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list])
def test_arrays_are_filled_and_cut(kind: Any) -> None:
    lists = pa.array([[1, None], None, [], [1, 2, 3]], kind(pa.int64()))
    nothing = MISSING_INT
    full = [[1, nothing, nothing], [nothing] * 3, [nothing] * 3, [1, 2, 3]]
    assert read(lists, "ARRAY<BIGINT>").tolist() == full
    assert read(lists, "ARRAY<BIGINT>", length=2).tolist() == [row[:2] for row in full]
    assert read(lists.slice(2), "ARRAY<BIGINT>").tolist() == full[2:]
    assert read(lists.slice(1, 2), "ARRAY<BIGINT>").tolist() == [[nothing], [nothing]]


def test_arrays_of_text_floats_and_fixed_size() -> None:
    assert read(pa.array([["a", None], None]), "ARRAY<STRING>").tolist() == [["a", ""], ["", ""]]
    fixed = pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2))
    np.testing.assert_array_equal(
        read(fixed, "ARRAY<FLOAT>", length=3), np.array([[1, 2, np.nan], [np.nan] * 3], np.float32)
    )
    assert read(pa.nulls(2), "ARRAY<STRING>").tolist() == [[""], [""]]


def test_chunked_tables_and_record_batches_are_read_alike() -> None:
    whole = pa.table({"x": [1, 2, None, 4], "t": [["a"], ["b", "c"], None, ["d"]]})
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    columns = [column("x", "INT"), column("t", "ARRAY<STRING>")]
    expected = raw_inputs(whole, columns)
    for table in (chunked, whole.to_batches()[0]):
        found = raw_inputs(table, columns)
        assert all(found[name].tolist() == expected[name].tolist() for name in expected)
    assert raw_inputs(whole.slice(0, 0), columns)["t"].shape == (0, 1)
    assert raw_inputs(whole.schema.empty_table(), columns)["x"].shape == (0,)


def test_columns_are_found_without_regard_to_case() -> None:
    assert raw_inputs(pa.table({"Price": [1]}), [column("price", "INT")])["price"].tolist() == [1]
    exact = pa.table({"Price": [1], "price": [2]})
    assert raw_inputs(exact, [column("price", "INT")])["price"].tolist() == [2]
    with pytest.raises(SchemaError, match="'PRICE' is ambiguous"):
        raw_inputs(exact, [column("PRICE", "INT")])


def test_a_missing_column_is_named_with_a_suggestion() -> None:
    with pytest.raises(SchemaError, match="'user_id' is not among") as caught:
        raw_inputs(pa.table({"userid": [1]}), [column("user_id", "INT")])
    assert caught.value.code == "SR440"
    assert "userid" in caught.value.hint


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array(["x"]), "INT"),
        (pa.array([1.5]), "INT"),
        (pa.array([2**64 - 1], pa.uint64()), "BIGINT"),
        (pa.array([["x"]]), "ARRAY<INT>"),
        (pa.array([1]), "ARRAY<INT>"),
        (pa.array([[1]]), "INT"),
        (pa.array(["x"]), "DOUBLE"),
        (pa.array(["yes"]), "TIMESTAMP"),
    ],
)
def test_values_of_another_type_are_an_error_that_names_the_column(values: pa.Array, text: str) -> None:
    with pytest.raises(DataError, match="column 'x'") as caught:
        read(values, text)
    assert caught.value.code == "SR442"
    assert text in caught.value.message


@pytest.mark.parametrize(
    "text", ["MAP<STRING, INT>", "ROW<a INT>", "BYTES", "TIME", "ARRAY<DATE>", "ARRAY<ARRAY<INT>>", "VARIANT"]
)
def test_types_that_cannot_be_features(text: str) -> None:
    with pytest.raises(SchemaError, match="'payload'") as caught:
        tensor_of("payload", DataType.parse(text))
    assert caught.value.code == "SR441"
