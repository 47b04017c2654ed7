"""The two calls from end to end over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from sqlrec.errors import RemoteError, SchemaError
from sqlrec.scoring.call import Scorer
from sqlrec.scoring.client import ServiceClient
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from tests.predict_server import Reply, Service, ok, running

MODEL = ModelSpec(
    name=ModelName.of("rank"),
    type="external",
    columns=Schema(tuple(Field(name=n, type=DataType.parse("BIGINT")) for n in ("user", "item"))),
    outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
)
OUTPUTS = pa.schema([("probs", pa.float32())])


def answer(request: Any) -> Reply:
    """``probs`` = user + item / 100, with columns of one value repeated."""
    if isinstance(request, list):
        return ok({"probs": [(row["user"] or 0) + (row["item"] or 0) / 100 for row in request]})
    rows = max(map(len, request.values()))
    columns = {name: values * rows if len(values) == 1 else values for name, values in request.items()}
    return ok({"probs": [u + (i or 0) / 100 for u, i in zip(columns["user"], columns["item"], strict=True)]})


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as started:
        started.answer = answer
        yield started


def score(
    url: str, *batches: pa.RecordBatch, query: pa.Table | None = None, outputs: pa.Schema = OUTPUTS
) -> tuple[list[pa.RecordBatch], tuple[str, ...]]:
    async def calls() -> tuple[list[pa.RecordBatch], tuple[str, ...]]:
        async with ServiceClient("s", url, backoff=0.01) as client:
            scorer = Scorer(client, MODEL, outputs, query=query)
            results = [await scorer.score(batch) for batch in batches]
            assert all(
                r.schema.equals(scorer.schema(b.schema)) for r, b in zip(results, batches, strict=True)
            )
            return results, scorer.warnings

    return asyncio.run(calls())


def rows(**columns: list[object]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def test_call_service(service: Service) -> None:
    ((got,), warnings) = score(service.url, rows(item=[50, None], user=[1, 2], probs=["x", "y"]))
    assert got.to_pylist() == [
        {"item": 50, "user": 1, "probs": "x", "probs0": 1.5},
        {"item": None, "user": 2, "probs": "y", "probs0": 2.0},
    ]
    assert warnings == ()
    assert service.requests == [[{"user": 1, "item": 50}, {"user": 2, "item": None}]]


def test_call_service_with_qv(service: Service) -> None:
    query = pa.table({"user": [7], "city": ["x"]})
    ((got,), _) = score(service.url, rows(item=[50, 25], user=[1, 2]), query=query)
    assert got.schema.names == ["item", "user", "probs"]
    assert got.column("probs").to_pylist() == [7.5, 7.25]
    assert service.requests == [{"user": [7], "item": [50, 25]}]


def test_all_features_from_the_query(service: Service) -> None:
    query = pa.table({"user": [7], "item": [50]})
    ((got,), _) = score(service.url, rows(name=["a", "b", "c"]), query=query)
    assert got.column("probs").to_pylist() == [7.5] * 3


def test_an_empty_table_is_not_sent(service: Service) -> None:
    empty = rows(item=[1], user=[1]).slice(0, 0)
    ((got,), _) = score(service.url, empty)
    assert got.num_rows == 0
    assert got.schema.names == ["item", "user", "probs"]
    score(service.url, empty, query=pa.table({"user": [1]}))
    assert service.requests == []
    with pytest.raises(SchemaError, match="exactly one row"):
        score(service.url, empty, query=pa.table({"user": [1, 2]}))


def test_an_output_that_is_not_answered_is_null_with_a_warning(service: Service) -> None:
    outputs = pa.schema([*OUTPUTS, ("emb", pa.list_(pa.float32()))])
    ((got,), warnings) = score(service.url, rows(item=[1], user=[1]), outputs=outputs)
    assert got.column("emb").to_pylist() == [None]
    assert warnings == ("service s does not answer output 'emb': NULL",)


def test_a_refusal_says_which_rows_were_asked_about(service: Service) -> None:
    service.script(Reply(status=400, body=b'{"error": "row 1, column user: expected an integer"}'))
    with pytest.raises(RemoteError) as caught:
        score(service.url, rows(item=[1, 2], user=[1, 2]))
    assert "row 1, column user" in caught.value.message
    assert caught.value.hint == "the request held rows 0 to 1"
