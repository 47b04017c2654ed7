from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_payload import Payload, PayloadReader

STRICT = PayloadReader(("a", "b"), missing_as_null=False, max_rows=1000)
LENIENT = PayloadReader(("a", "b"), missing_as_null=True, max_rows=1000)


def read(document: Any, reader: PayloadReader = STRICT) -> Payload:
    return reader.read(json.dumps(document).encode())


def refused(document: Any, reader: PayloadReader = STRICT) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(document, reader)
    return caught.value


def cells(payload: Payload) -> list[list[Any]]:
    return [list(column) for column in payload.cells]


def test_rows_become_columns() -> None:
    payload = read([{"a": 1, "b": "x"}, {"b": "y", "a": None}])
    assert cells(payload) == [[1, None], ["x", "y"]]
    assert payload.rows == 2


def test_columns_of_length_one_hold_for_every_row() -> None:
    payload = read({"a": [1], "b": ["x", "y", "z"]})
    assert cells(payload) == [[1, 1, 1], ["x", "y", "z"]]


@pytest.mark.parametrize(
    ("document", "rows"),
    [([], 0), ({"a": [], "b": []}, 0), ({"a": [1], "b": []}, 0), ({"a": [1], "b": [2]}, 1)],
)
def test_number_of_rows(document: Any, rows: int) -> None:
    payload = read(document)
    assert payload.rows == rows
    assert [len(column) for column in payload.cells] == [rows, rows]


def test_a_single_input_is_read_like_several() -> None:
    reader = PayloadReader(("a",), missing_as_null=False, max_rows=10)
    assert cells(read([{"a": 1}, {"a": [2]}], reader)) == [[1, [2]]]


def test_values_of_no_input_are_counted_and_ignored() -> None:
    assert read([{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3, "d": 4}]).unknown == 3
    assert read({"a": [1], "b": [2], "c": 5}).unknown == 1
    assert read([{"a": 1, "c": 2}], LENIENT).unknown == 1


def test_a_missing_feature_is_named_with_its_row() -> None:
    error = refused([{"a": 1, "b": 2}, {"A": 1, "b": 2}])
    assert (error.code, error.row, error.column) == ("SR652", 1, "a")
    assert error.message == "row 1 lacks feature(s) a"
    assert "Did you mean 'a' by 'A'?" in error.hint
    assert "missing_features" in error.hint


def test_all_missing_features_are_named() -> None:
    error = refused({"c": [1]})
    assert error.message == "the columns lack feature(s) a, b"
    assert error.column is None


def test_missing_features_may_count_as_null() -> None:
    assert cells(read([{"a": 1}, {"b": 2}, {}], LENIENT)) == [[1, None, None], [None, 2, None]]
    assert cells(read({"b": [1, 2]}, LENIENT)) == [[None, None], [1, 2]]


def test_an_object_without_any_input_has_no_rows_to_fill() -> None:
    assert refused({"c": [1]}, LENIENT).code == "SR652"


def test_columns_of_different_lengths_are_named() -> None:
    error = refused({"a": [1, 2], "b": [1, 2, 3]})
    assert error.code == "SR654"
    assert error.message == "columns differ in length: a has 2, b has 3"


def test_a_single_row_object_is_refused_with_a_hint() -> None:
    error = refused({"a": 1, "b": "x"})
    assert (error.code, error.column) == ("SR651", "a")
    assert error.message == "column a is 1, not a list of values"
    assert "[{…}]" in error.hint


@pytest.mark.parametrize(
    ("row", "told"), [([1, 2], "a list"), ("x", '"x"'), (7, "7"), (None, "null"), ("y" * 99, '"yyy')]
)
def test_a_row_that_is_no_object_is_shown(row: Any, told: str) -> None:
    error = refused([{"a": 1, "b": 2}, row])
    assert (error.code, error.row) == ("SR651", 1)
    assert f"row 1 is {told}" in error.message
    assert len(error.message) < 100


@pytest.mark.parametrize("document", [1, "x", None, True, 1.5])
def test_a_body_that_is_neither_list_nor_object(document: Any) -> None:
    assert refused(document).code == "SR651"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1,]", b'{"a": NaN}', b"[Infinity]", b'["\xff"]', b'["\\ud800"]', b"[1e999]", b"{'a': 1}"],
)
def test_text_that_is_not_json(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        STRICT.read(body)
    assert caught.value.code == "SR650"
    assert "line 1" in caught.value.message


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises(RequestError, match="depth"):
        STRICT.read(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize("document", [[{"a": 1, "b": 2}] * 1001, {"a": [1] * 1001, "b": [1]}])
def test_too_many_rows(document: Any) -> None:
    error = refused(document)
    assert (error.code, error.status) == ("SR655", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    assert "1001 rows" in error.message


values = st.none() | st.integers(-5, 5) | st.text(max_size=2)
tables = st.lists(st.fixed_dictionaries({"a": values, "b": values}), min_size=1, max_size=5)


@given(tables)
def test_rows_and_columns_say_the_same(rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in ("b", "a")}
    assert cells(read(rows)) == cells(read(columns))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from((STRICT, LENIENT)))
def test_any_json_is_read_or_refused(document: Any, reader: PayloadReader) -> None:
    try:
        payload = read(document, reader)
    except RequestError:
        return
    assert [len(column) for column in payload.cells] == [payload.rows] * 2
    assert payload.unknown >= 0
