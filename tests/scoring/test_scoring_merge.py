"""Answers of services → columns: lengths, types, broadcasting, names."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import RemoteError
from sqlrec.scoring.merge import merge, output_schema


def column(
    value: object, kind: pa.DataType, *, rows: int, asked: int | None = None, first_row: int = 0
) -> Any:
    """The merged output ``x``, as Python values."""
    fields = pa.schema([("x", kind)])
    asked = rows if asked is None else asked
    (array,) = merge("s", {"x": value}, fields, rows=rows, asked=asked, first_row=first_row)
    assert array is not None
    assert array.type.equals(kind)
    return array.to_pylist()


FLOATS = pa.list_(pa.float32())


@pytest.mark.parametrize(
    ("value", "kind", "rows", "expected"),
    [
        ([1, 2.5, None], pa.float32(), 3, [1.0, 2.5, None]),
        ([3.0, 4], pa.int32(), 2, [3, 4]),
        (["a", None], pa.string(), 2, ["a", None]),
        ([True, False], pa.bool_(), 2, [True, False]),
        ([None, None], pa.int64(), 2, [None, None]),
        ([[1, 2], None, []], FLOATS, 3, [[1.0, 2.0], None, []]),
        ([[[1], []]], pa.list_(FLOATS), 1, [[[1.0], []]]),
        (0.25, pa.float64(), 3, [0.25, 0.25, 0.25]),
        (None, pa.float64(), 2, [None, None]),
        ("v1", pa.string(), 2, ["v1", "v1"]),
        ([0.5], pa.float64(), 1, [0.5]),
    ],
)
def test_values(value: object, kind: pa.DataType, rows: int, expected: list[object]) -> None:
    assert column(value, kind, rows=rows) == expected


def test_an_array_of_one_row_may_come_flat() -> None:
    assert column([0.5, 1], FLOATS, rows=1) == [[0.5, 1.0]]
    assert column([[0.5, 1]], FLOATS, rows=1) == [[0.5, 1.0]]
    assert column([[1], [2, 3]], pa.list_(FLOATS), rows=1) == [[[1.0], [2.0, 3.0]]]


def test_one_answer_for_one_asked_row_holds_for_all() -> None:
    assert column([0.5], pa.float64(), rows=3, asked=1) == [0.5] * 3
    assert column([[1, 2]], FLOATS, rows=2, asked=1) == [[1.0, 2.0]] * 2


@pytest.mark.parametrize("length", [0, 1, 2, 4])
def test_lists_of_another_length_are_errors(length: int) -> None:
    with pytest.raises(RemoteError, match=f"field 'x' has {length} values for 3 rows") as caught:
        column([0.5] * length, pa.float64(), rows=3)
    assert (caught.value.code, caught.value.retriable) == ("SR613", False)


@pytest.mark.parametrize(
    ("value", "kind", "row"),
    [
        ([1.0, "x", 2.0], pa.float32(), 1),
        ([1.0, True, 2.0], pa.float32(), 1),
        ([1, 2, 2.5], pa.int64(), 2),
        ([1, 2, True], pa.int64(), 2),
        ([1, 2**40, 3], pa.int32(), 1),
        ([1.0, 1e300, 3.0], pa.float32(), 1),
        (["a", 7, "b"], pa.string(), 1),
        ([True, 1, False], pa.bool_(), 1),
        ([[1.0], 2.0, [3.0]], FLOATS, 1),
        ([[1.0], [2.0, "x"], [3.0]], FLOATS, 1),
        ([{}, 1.0, 2.0], pa.float64(), 0),
        ([1, 2**70, 2], pa.int64(), 1),
    ],
)
def test_a_value_of_another_type_is_named(value: list[object], kind: pa.DataType, row: int) -> None:
    with pytest.raises(RemoteError) as caught:
        column(value, kind, rows=3, first_row=5000)
    assert caught.value.code == "SR614"
    assert f"row {5000 + row}, field 'x': {value[row]!r} is no {kind}" in caught.value.message


def test_a_scalar_for_an_array_is_an_error() -> None:
    with pytest.raises(RemoteError, match=r"field 'x': 0\.5 is no list"):
        column(0.5, FLOATS, rows=2)


@pytest.mark.parametrize("answer", [[1, 2], "text", 3, None])
def test_an_answer_must_be_an_object(answer: object) -> None:
    with pytest.raises(RemoteError, match="an object of output columns was expected") as caught:
        merge("s", answer, pa.schema([("x", pa.float64())]), rows=1, asked=1)
    assert caught.value.code == "SR613"


def test_absent_and_other_keys_and_case() -> None:
    fields = pa.schema([("Probs", pa.float64()), ("gone", pa.string())])
    answer = {"probs": [0.5], "more": [1, 2, 3]}
    found, absent = merge("s", answer, fields, rows=1, asked=1)
    assert found is not None
    assert (found.to_pylist(), absent) == ([0.5], None)


def test_names_that_are_taken_get_an_index() -> None:
    table = pa.schema([("probs", pa.int32()), ("PROBS0", pa.int32()), ("x", pa.int32())])
    outputs = pa.schema([("Probs", pa.float32()), ("emb", FLOATS)])
    assert output_schema(table, outputs).names == ["probs", "PROBS0", "x", "Probs1", "emb"]
    assert output_schema(pa.schema([("probs", pa.int32())]), outputs).names == ["probs", "Probs0", "emb"]


JSON_VALUES = {
    "f": (
        pa.float64(),
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    ),
    "i": (pa.int64(), st.none() | st.integers(-(2**63), 2**63 - 1)),
    "s": (pa.string(), st.none() | st.text(st.characters(codec="utf-8"))),
    "b": (pa.bool_(), st.none() | st.booleans()),
    "a": (pa.list_(pa.float64()), st.none() | st.lists(st.none() | st.floats(-1, 1), max_size=4)),
}


@given(st.data(), st.sampled_from(sorted(JSON_VALUES)), st.integers(2, 6))
def test_values_that_fit_come_back(data: st.DataObject, name: str, rows: int) -> None:
    kind, values = JSON_VALUES[name]
    answer = data.draw(st.lists(values, min_size=rows, max_size=rows))
    assert column(answer, kind, rows=rows) == answer
