"""Payloads of both calls: which columns go, under which names, and how values are written."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import DataError, SchemaError
from sqlrec.scoring.request import QueryRequest, RowRequest, bind
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema


def model(**columns: str) -> ModelSpec:
    fields = tuple(Field(name=n, type=DataType.parse(t)) for n, t in columns.items())
    return ModelSpec(
        name=ModelName.of("rank"),
        type="external",
        columns=Schema(fields),
        outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
        options={"label_columns": "clicked"},
    )


RANK = model(user_id="BIGINT", Age="INT", tags="ARRAY<STRING>", clicked="INT")


def batch(**columns: object) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def sent(
    rows: pa.RecordBatch, query: pa.Table | None = None, of: ModelSpec = RANK, missing: str = "error"
) -> Any:
    request = bind("s", of, rows.schema, query, missing)
    assert isinstance(request, RowRequest if query is None else QueryRequest)
    return json.loads(request.payload(rows))


def test_rows_go_in_the_models_spelling_without_labels_and_with_nulls() -> None:
    rows = batch(USER_ID=[1, 2], age=[30, None], tags=[["a"], None], clicked=[0, 1], other=["x", "y"])
    assert sent(rows) == [{"user_id": 1, "Age": 30, "tags": ["a"]}, {"user_id": 2, "Age": None, "tags": None}]


def test_the_same_spelling_goes_before_another_case() -> None:
    rows = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["age", "Age"])
    assert sent(rows, of=model(Age="INT")) == [{"Age": 2}]


def test_query_wins_and_goes_once() -> None:
    query = pa.table({"user_id": [7], "tags": [[None, "b"]], "extra": [1]})
    rows = batch(user_id=[1, 2], age=[30, None])
    assert sent(rows, query) == {"user_id": [7], "tags": [[None, "b"]], "Age": [30, None]}


def test_a_null_of_the_query_is_sent() -> None:
    query = pa.table(
        {"user_id": pa.array([None], pa.int64()), "tags": pa.array([None], pa.list_(pa.string()))}
    )
    assert sent(batch(age=[1]), query) == {"user_id": [None], "tags": [None], "Age": [1]}


@pytest.mark.parametrize("count", [0, 2])
def test_query_must_have_one_row(count: int) -> None:
    query = pa.table({"user_id": [1] * count})
    with pytest.raises(SchemaError, match="Query table must have exactly one row") as caught:
        bind("s", RANK, batch(age=[]).schema, query)
    assert caught.value.code == "SR619"


def test_missing_features_are_named() -> None:
    rows = batch(user_id=[1], city=["x"])
    with pytest.raises(SchemaError) as caught:
        bind("s", RANK, rows.schema)
    assert caught.value.code == "SR615"
    words = "service s of model rank needs features Age, tags; the table has user_id, city"
    assert caught.value.message == words
    near = pa.table({"user_id": [1], "age": [30], "tag": ["a"]})
    with pytest.raises(SchemaError, match="Did you mean 'tags' by 'tag'\\? add the columns") as misspelt:
        bind("s", RANK, near.schema)
    assert "needs feature tags; the table has" in misspelt.value.message
    with pytest.raises(SchemaError, match="the query table has age, the value table has user_id, city"):
        bind("s", RANK, rows.schema, pa.table({"age": [1]}))
    assert sent(rows, missing="null") == [{"user_id": 1, "Age": None, "tags": None}]
    query = pa.table({"AGE": [30]})
    assert sent(rows, query, missing="null") == {"user_id": [1], "Age": [30], "tags": [None]}
    with pytest.raises(SchemaError):
        bind("s", RANK, batch(city=["x"]).schema, missing="null")


def test_values_of_all_types() -> None:
    rows = pa.RecordBatch.from_pydict(
        {
            "b": [True],
            "f": pa.array([0.5], pa.float32()),
            "n": [float("nan")],
            "d": [Decimal("1.25")],
            "day": [datetime.date(2026, 1, 31)],
            "at": [datetime.datetime(2026, 1, 31, 8, 30)],
            "utc": [datetime.datetime(2026, 1, 31, 8, 30, tzinfo=datetime.UTC)],
            "days": [[datetime.date(2026, 1, 31)]],
            "xs": [[0.5, None]],
            "big": [2**63 - 1],
        }
    )
    of = model(**dict.fromkeys(rows.schema.names, "STRING"))
    got = sent(rows, of=of)[0]
    assert datetime.datetime.fromisoformat(got.pop("at")) == datetime.datetime(2026, 1, 31, 8, 30)
    utc = datetime.datetime.fromisoformat(got.pop("utc"))
    assert utc == datetime.datetime(2026, 1, 31, 8, 30, tzinfo=datetime.UTC)
    assert got == {
        "b": True,
        "f": 0.5,
        "n": None,
        "d": 1.25,
        "day": "2026-01-31",
        "days": ["2026-01-31"],
        "xs": [0.5, None],
        "big": 2**63 - 1,
    }


@pytest.mark.parametrize("values", [[1.0, float("inf")], [[0.0], [1.0, float("-inf")]]])
def test_infinity_is_refused_with_its_row(values: list[object]) -> None:
    rows = batch(x=values)
    request = bind("s", model(x="DOUBLE"), rows.schema)
    with pytest.raises(DataError, match="row 101, feature 'x'") as caught:
        request.payload(rows, first_row=100)
    assert caught.value.code == "SR617"


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.map_(pa.string(), pa.int32()), pa.struct([("a", pa.int32())])]
)
def test_types_that_json_cannot_carry(kind: pa.DataType) -> None:
    with pytest.raises(SchemaError) as caught:
        bind("s", model(x="STRING"), pa.schema([("x", kind)]))
    assert caught.value.code == "SR618"


SCALARS = {
    "i": st.none() | st.integers(-(2**63), 2**63 - 1),
    "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "s": st.none() | st.text(st.characters(codec="utf-8")),
    "b": st.none() | st.booleans(),
    "a": st.none() | st.lists(st.none() | st.integers(-5, 5), max_size=3),
}
TYPES = {
    "i": pa.int64(),
    "f": pa.float64(),
    "s": pa.string(),
    "b": pa.bool_(),
    "a": pa.list_(pa.int64()),
}


@given(st.lists(st.fixed_dictionaries(SCALARS), max_size=8))
def test_both_payloads_carry_every_row(rows: list[dict[str, Any]]) -> None:
    table = pa.RecordBatch.from_pydict({n: pa.array([r[n] for r in rows], t) for n, t in TYPES.items()})
    of = model(**dict.fromkeys(TYPES, "STRING"))
    assert sent(table, of=of) == rows
    query = pa.table({"i": [3]})
    columns = {n: [row[n] for row in rows] for n in TYPES if n != "i"}
    assert sent(table, query, of=of) == {"i": [3], **columns}
