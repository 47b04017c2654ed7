from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.serving.bounds import MATRIX_VALUES
from sqlrec.serving.errors import RequestError
from sqlrec.serving.json_payload import Payload
from sqlrec.serving.json_values import FLOAT32_MAX, Decoder, reader_of
from sqlrec.spec.schema import DataType, Kind
from sqlrec.spec.signature import MISSING_INT, InputColumn

INT64_MAX = 2**63 - 1


def column(sql: str, length: int = 0) -> InputColumn:
    declared = DataType.parse(sql)
    is_array = declared.kind is Kind.ARRAY
    element = declared.element if is_array else declared
    tensor = "float32" if element.is_float else "string" if element.kind is Kind.STRING else "int64"
    return InputColumn(name="c", type=declared, tensor=tensor, is_array=is_array, length=length)


def decode(sql: str, values: list[Any], length: int = 0) -> tuple[Any, int]:
    """The tensor and the number of nulls counted."""
    decoded = Decoder([column(sql, length)]).decode(Payload([values], len(values)))
    return decoded.tensors["c"], decoded.nulls.get("c", 0)


def refused(sql: str, values: list[Any], length: int = 0, code: str = "SR653") -> RequestError:
    with pytest.raises(RequestError) as caught:
        decode(sql, values, length)
    assert (caught.value.code, caught.value.column) == (code, "c")
    return caught.value


@pytest.mark.parametrize("sql", ["INT", "BIGINT", "TINYINT"])
def test_integers(sql: str) -> None:
    array, nulls = decode(sql, [1, -2, INT64_MAX, MISSING_INT])
    assert array.dtype == np.int64
    assert array.tolist() == [1, -2, INT64_MAX, MISSING_INT]
    assert nulls == 0


def test_whole_floats_are_integers() -> None:
    assert decode("INT", [1.0, 2, -3e5])[0].tolist() == [1, 2, -300000]


@pytest.mark.parametrize(
    ("sql", "values", "expected"),
    [
        ("INT", [None, 1], [MISSING_INT, 1]),
        ("INT", [None, 1.0], [MISSING_INT, 1]),
        ("BOOLEAN", [None, True], [MISSING_INT, 1]),
        ("STRING", [None, "x"], ["", "x"]),
        ("DATE", [None, "1970-01-02"], [MISSING_INT, 1]),
        ("INT", [None, None], [MISSING_INT, MISSING_INT]),
    ],
)
def test_null_is_the_missing_value(sql: str, values: list[Any], expected: list[Any]) -> None:
    array, nulls = decode(sql, values)
    assert array.tolist() == expected
    assert nulls == values.count(None)


def test_null_is_nan_among_floats() -> None:
    array, nulls = decode("DOUBLE", [None, 1, 2.5, None])
    assert array.dtype == np.float32
    assert np.isnan(array).tolist() == [True, False, False, True]
    assert nulls == 2


def test_numbers_beyond_float32_become_its_largest() -> None:
    assert decode("DOUBLE", [1e39, -1e300, 2**64 - 1, 0.1])[0].tolist() == [
        FLOAT32_MAX,
        -FLOAT32_MAX,
        float(np.float32(2**64)),
        float(np.float32(0.1)),
    ]


def test_booleans_may_be_written_as_zero_and_one() -> None:
    assert decode("BOOLEAN", [True, False])[0].tolist() == [1, 0]
    assert decode("BOOLEAN", [1, False, 0])[0].tolist() == [1, 0, 0]


def test_strings_keep_every_character() -> None:
    values = ["", "Zürich", "a\x00b", "\x00", "日本", " x "]
    array, _ = decode("STRING", values)
    assert array.dtype == np.object_
    assert array.tolist() == values


def test_dates_are_days_and_timestamps_microseconds() -> None:
    assert decode("DATE", ["1970-01-01", "2026-01-31", 5])[0].tolist() == [0, 20484, 5]
    hour = 3_600_000_000
    texts = ["1970-01-01T01:00:00Z", "1970-01-01 01:00:00", "1970-01-01T01:00:00+01:00", 7]
    assert decode("TIMESTAMP", texts)[0].tolist() == [hour, hour, 0, 7]


@pytest.mark.parametrize(
    ("sql", "value", "expected"),
    [
        ("INT", "x", 'expected an integer, found "x"'),
        ("INT", "5", 'expected an integer, found "5"'),
        ("INT", 1.5, "expected an integer, found 1.5"),
        ("INT", True, "expected an integer, found true"),
        ("BIGINT", 2**63, "expected an integer, found 9223372036854775808"),
        ("BIGINT", 1e300, "expected an integer, found 1e+300"),
        ("INT", [1], "expected an integer, found a list"),
        ("INT", {}, "expected an integer, found an object"),
        ("DOUBLE", "1.5", 'expected a number, found "1.5"'),
        ("FLOAT", False, "expected a number, found false"),
        ("STRING", 5, "expected a string, found 5"),
        ("BOOLEAN", "true", 'expected true or false, found "true"'),
        ("BOOLEAN", 2, "expected true or false, found 2"),
        ("BOOLEAN", 1.0, "expected true or false, found 1.0"),
        ("DATE", "31.01.2026", 'expected a date such as "2026-01-31", found "31.01.2026"'),
        ("TIMESTAMP", "later", 'expected a time such as "2026-01-31T08:30:00Z", found "later"'),
    ],
)
@pytest.mark.parametrize("before", [[], [None, None]])
def test_a_misfit_is_named_with_row_and_column(
    sql: str, value: Any, expected: str, before: list[Any]
) -> None:
    error = refused(sql, [*before, value, None])
    assert error.row == len(before)
    assert error.message == f"row {len(before)}, column c: {expected}"


def test_arrays_are_filled_and_cut_to_their_length() -> None:
    array, nulls = decode("ARRAY<BIGINT>", [[1], [], None, [1, 2, 3, 4], [None, 7]], length=3)
    missing = MISSING_INT
    assert array.tolist() == [
        [1, missing, missing],
        [missing] * 3,
        [missing] * 3,
        [1, 2, 3],
        [missing, 7, missing],
    ]
    assert nulls == 1


def test_an_array_of_any_length_is_as_long_as_the_longest() -> None:
    assert decode("ARRAY<STRING>", [["a"], ["b", "c"]])[0].tolist() == [["a", ""], ["b", "c"]]
    assert decode("ARRAY<STRING>", [[], None])[0].tolist() == [[""], [""]]
    floats, _ = decode("ARRAY<FLOAT>", [[1.5, None], [2]])
    assert floats.shape == (2, 2)
    assert np.isnan(floats).tolist() == [[False, True], [False, True]]


def test_one_long_list_does_not_fill_the_memory() -> None:
    long = [1] * (MATRIX_VALUES // 500)
    assert refused("ARRAY<BIGINT>", [long, *[[1]] * 999], code="SR655").status == 413
    assert decode("ARRAY<BIGINT>", [long, [1]])[0].shape == (2, len(long))


def test_misfits_in_arrays() -> None:
    error = refused("ARRAY<BIGINT>", [[1], [], [2, 3], ["x", 4]])
    assert error.message == 'row 3, column c: expected a list with an integer each, found "x"'
    assert error.row == 3
    assert refused("ARRAY<BIGINT>", [[1], 5]).message == "row 1, column c: expected a list, found 5"
    assert refused("ARRAY<STRING>", ["ab"]).message == 'row 0, column c: expected a list, found "ab"'


def test_an_unknown_tensor_type_is_refused() -> None:
    strange = InputColumn(name="c", type=DataType.parse("INT"), tensor="int128")
    with pytest.raises(ValueError, match="int128"):
        reader_of(strange)


@given(st.lists(st.none() | st.integers(MISSING_INT, INT64_MAX)))
def test_any_integers(values: list[int | None]) -> None:
    expected = [MISSING_INT if v is None else v for v in values]
    assert decode("BIGINT", values)[0].tolist() == expected


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64)))
def test_any_numbers_give_finite_floats_or_nan_for_null(values: list[Any]) -> None:
    array, nulls = decode("DOUBLE", values)
    assert np.isnan(array).tolist() == [v is None for v in values]
    assert not np.isinf(array).any()
    assert nulls == values.count(None)
    assert all(
        float(np.float32(v)) == a
        for v, a in zip(values, array, strict=True)
        if v is not None and abs(v) < 1e38
    )


@given(st.lists(st.none() | st.dates()))
def test_any_dates(values: list[date | None]) -> None:
    array, _ = decode("DATE", [v and v.isoformat() for v in values])
    epoch = date(1970, 1, 1)
    assert array.tolist() == [MISSING_INT if v is None else (v - epoch).days for v in values]


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_timestamp(moment: datetime) -> None:
    array, _ = decode("TIMESTAMP", [moment.isoformat()])
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(array[0])) == moment


cell = st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=5)


@given(st.lists(cell), st.integers(0, 4))
def test_any_arrays(cells: list[list[int | None] | None], length: int) -> None:
    array, _ = decode("ARRAY<INT>", cells, length)
    width = length or max(1, *(len(c or ()) for c in cells), 1)
    assert array.shape == (len(cells), width)
    for row, values in zip(array.tolist(), cells, strict=True):
        kept = [MISSING_INT if v is None else v for v in (values or [])[:width]]
        assert row == kept + [MISSING_INT] * (width - len(kept))


integers = st.integers(-(2**63), 2**64 - 1)  # what a JSON reader gives as integers
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | st.text()
SQL_TYPES = ["INT", "DOUBLE", "STRING", "BOOLEAN", "DATE", "TIMESTAMP", "ARRAY<INT>", "ARRAY<STRING>"]


@given(st.lists(scalars | st.lists(scalars, max_size=2), max_size=4), st.sampled_from(SQL_TYPES))
def test_any_values_are_decoded_or_a_misfit_is_named(values: list[Any], sql: str) -> None:
    try:
        array, _ = decode(sql, values)
    except RequestError as error:
        misfit = values[error.row or 0]
    else:
        assert len(array) == len(values)
        return
    assert refused(sql, [misfit]).row == 0
