"""A service as a function of columns: several threads ask it at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from sqlrec.errors import NameNotFoundError, RemoteError, SchemaError
from sqlrec.scoring.client import ServiceClient
from sqlrec.scoring.request import bind_columns
from sqlrec.scoring.vectors import VectorScorer
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from tests.predict_server import Reply, Service, ok, running

MODEL = ModelSpec(
    name=ModelName.of("rank"),
    type="external",
    columns=Schema(tuple(Field(name=n, type=DataType.parse("BIGINT")) for n in ("user", "item"))),
    outputs=Schema((Field(name="probs", type=DataType.parse("DOUBLE")),)),
)
OUTPUTS = pa.schema([("probs", pa.float64()), ("name", pa.string())])


def answer(request: Any) -> Reply:
    probs = [(row["user"] or 0) * 1000 + row["item"] for row in request]
    return ok({"probs": probs, "name": [str(row["user"]) for row in request]})


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as started:
        started.answer = answer
        yield started


def scorer(service: Service, batch_size: int = 10, concurrency: int = 2) -> VectorScorer:
    client = ServiceClient("s", service.url, attempts=1)
    return VectorScorer(client, MODEL, OUTPUTS, batch_size=batch_size, concurrency=concurrency)


def test_columns_are_asked_about_in_parts_and_answered_in_order(service: Service) -> None:
    with scorer(service) as made:
        found = made.predict(pa.array([1, None] * 12 + [7]), pa.array(range(25)))
    assert [row["probs"] for row in found.to_pylist()] == [
        *((1000 if i % 2 == 0 else 0) + i for i in range(24)),
        7024.0,
    ]
    assert found.to_pylist()[1] == {"probs": 1.0, "name": "None"}
    assert sorted(map(len, service.requests)) == [5, 10, 10]
    assert (made.rows, made.outputs) == (25, OUTPUTS)


def test_no_rows_are_no_request(service: Service) -> None:
    with scorer(service) as made:
        found = made.predict(pa.array([], pa.int64()), pa.array([], pa.int64()))
    assert (len(found), service.requests) == (0, [])
    assert found.type == pa.struct(OUTPUTS)


def test_threads_ask_at_once(service: Service) -> None:
    with scorer(service) as made, ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda user: made.predict(pa.array([user] * 15), pa.array(range(15))), range(8))
        for user, found in enumerate(results):
            assert found.field(0).to_pylist() == [user * 1000 + i for i in range(15)]
    assert made.rows == 8 * 15


def test_a_failure_is_raised_where_it_was_asked(service: Service) -> None:
    service.script(Reply(status=400, body=b"bad"))
    with scorer(service) as made, pytest.raises(RemoteError, match=r"SR611.*400"):
        made.predict(pa.array([1] * 30), pa.array(range(30)))


# Columns by their order


def test_columns_are_bound_by_order() -> None:
    table = pa.schema([("a", pa.int64()), ("B", pa.int64())])
    request = bind_columns("s", MODEL, table, ["b", "a"])
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], schema=table)
    assert request.payload(batch) == b'[{"user":2,"item":1}]'


def test_columns_that_cannot_be_bound() -> None:
    table = pa.schema([("a", pa.int64()), ("m", pa.map_(pa.string(), pa.int64()))])
    with pytest.raises(SchemaError, match=r"SR430.*columns \(1\).*size \(2\).*given: a"):
        bind_columns("s", MODEL, table, ["a"])
    with pytest.raises(NameNotFoundError, match=r"SR402.*no column 'x'.*the input has a, m"):
        bind_columns("s", MODEL, table, ["a", "x"])
    with pytest.raises(SchemaError, match="SR618"):
        bind_columns("s", MODEL, table, ["a", "m"])
