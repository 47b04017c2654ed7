"""Services of our own are sent Arrow, and know their callers: clients with access."""

from __future__ import annotations

import asyncio
import datetime
import math
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sqlrec.errors import DataError, RemoteError, SetupError
from sqlrec.scoring.arrow_form import MEDIA_TYPE, stream
from sqlrec.scoring.call import Scorer
from sqlrec.scoring.client import ServiceClient
from sqlrec.scoring.credentials import trusted
from sqlrec.spec.access import Access, access_of
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from tests.certificates import certificate
from tests.predict_server import Reply, Service, ok, running

MODEL = ModelSpec(
    name=ModelName.of("rank"),
    type="external",
    columns=Schema(tuple(Field(name=n, type=DataType.parse("BIGINT")) for n in ("user", "item"))),
    outputs=Schema((Field(name="probs", type=DataType.parse("FLOAT")),)),
)
OUTPUTS = pa.schema([("probs", pa.float32())])
ROWS = pa.RecordBatch.from_pydict({"ITEM": [50, None], "user": [1, 2]})


def arrow(**columns: Any) -> Reply:
    arrays = [pa.array(values) if isinstance(values, list) else values for values in columns.values()]
    return Reply(body=stream(pa.RecordBatch.from_arrays(arrays, names=list(columns))))


def answer(request: Any) -> Reply:
    if isinstance(request, bytes):
        batch = pa.ipc.open_stream(request).read_all()
        return arrow(PROBS=pa.array(batch.column("user").to_pylist(), pa.float64()))
    rows = request if isinstance(request, list) else [{"user": 7}] * len(request["item"])
    return ok({"probs": [row["user"] for row in rows]})


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as started:
        started.answer = answer
        yield started


def score(service: Service, *batches: pa.RecordBatch, access: Access | None = None, **more: Any) -> list[Any]:
    async def calls() -> list[Any]:
        client = ServiceClient("s", service.url, backoff=0.01, access=access or Access(), attempts=2)
        async with client:
            scorer = Scorer(client, MODEL, OUTPUTS, **more)
            return [(await scorer.score(batch)).column("probs").to_pylist() for batch in batches]

    return asyncio.run(calls())


def test_rows_go_as_arrow_under_the_models_names(service: Service) -> None:
    assert score(service, ROWS, ROWS) == [[1.0, 2.0]] * 2
    sent = pa.ipc.open_stream(service.requests[0]).read_all()
    assert sent.to_pydict() == {"user": [1, 2], "item": [50, None]}
    assert service.headers[0]["content-type"] == service.headers[0]["accept"] == MEDIA_TYPE


def test_a_query_row_goes_as_json(service: Service) -> None:
    assert score(service, ROWS, query=pa.table({"user": [7]})) == [[7.0, 7.0]]
    assert service.requests == [{"user": [7], "item": [50, None]}]


@pytest.mark.parametrize("status", [404, 415])
def test_a_service_without_arrow_is_sent_json_from_then_on(service: Service, status: int) -> None:
    service.answer = lambda request: Reply(status=status) if isinstance(request, bytes) else answer(request)
    assert score(service, ROWS, ROWS) == [[1.0, 2.0]] * 2
    assert [isinstance(request, bytes) for request in service.requests] == [True, False, False]


def test_others_are_never_sent_arrow(service: Service) -> None:
    async def call() -> None:
        async with ServiceClient("s", service.url) as client:
            await Scorer(client, MODEL, OUTPUTS).score(ROWS)

    asyncio.run(call())
    assert isinstance(service.requests[0], list)


def test_dates_are_text_features_without_column_null_and_infinity_is_refused(service: Service) -> None:
    dated = pa.RecordBatch.from_pydict({"user": [1], "item": [datetime.date(2024, 2, 29)]})
    score(service, dated)
    assert pa.ipc.open_stream(service.requests[0]).read_all().column("item").to_pylist() == ["2024-02-29"]
    score(service, ROWS.select(["user"]), missing_features="null")
    assert pa.ipc.open_stream(service.requests[1]).read_all().column("item").to_pylist() == [None, None]
    with pytest.raises(DataError, match="row 1, feature 'item'"):
        score(service, pa.RecordBatch.from_pydict({"user": [1, 2], "item": [0.5, math.inf]}))


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (Reply(body=b"nonsense"), "SR612", "no valid Arrow stream"),
        (Reply(body=b""), "SR612", "no valid Arrow stream"),
        (arrow(probs=[0.5]), "SR613", "1 values for 2 rows"),
        (arrow(probs=["a", "b"]), "SR614", "rows 0 to 1, field 'probs'"),
        (Reply(status=422, body=b"row 1, column item"), "SR611", "row 1, column item"),
    ],
)
def test_answers_that_are_wrong(service: Service, reply: Reply, code: str, words: str) -> None:
    service.script(reply)
    with pytest.raises(RemoteError, match=words) as caught:
        score(service, ROWS)
    assert caught.value.code == code
    assert len(service.requests) == 1


def test_an_output_that_is_left_out_is_null(service: Service) -> None:
    service.script(arrow(other=[1, 2]))
    assert score(service, ROWS) == [[None, None]]


def test_the_token_of_a_file_is_sent_and_read_again_when_refused(service: Service, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("\nold\nother\n")

    def guarded(request: Any) -> Reply:
        given = service.headers[-1].get("authorization")
        if len(service.requests) == 1:
            assert given == "Bearer old"
            token.write_text("new")
        return answer(request) if given == "Bearer new" else Reply(status=401, body=b"unknown")

    service.answer = guarded
    assert score(service, ROWS, access=Access(token_file=str(token))) == [[1.0, 2.0]]
    assert len(service.requests) == 2
    service.answer = lambda request: Reply(status=401, body=b"unknown")
    with pytest.raises(RemoteError, match="401") as caught:
        score(service, ROWS, access=Access(token_file=str(token)))
    assert "new" not in str(caught.value)
    assert len(service.requests) == 3


def test_the_token_of_a_variable(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK_TOKEN", "secret")
    score(service, ROWS, access=Access(token_env="RANK_TOKEN"))
    assert service.headers[0]["authorization"] == "Bearer secret"
    monkeypatch.delenv("RANK_TOKEN")
    with pytest.raises(SetupError, match="none in the variable RANK_TOKEN") as caught:
        score(service, ROWS, access=Access(token_env="RANK_TOKEN"))
    assert caught.value.code == "SR621"


def test_tokens_that_cannot_be_sent(service: Service, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read: No such file"):
        score(service, ROWS, access=Access(token_file=str(tmp_path / "none")))
    (tmp_path / "odd").write_bytes(b"sch\xc3\xb6n")
    with pytest.raises(SetupError, match="cannot be read: not ASCII"):
        score(service, ROWS, access=Access(token_file=str(tmp_path / "odd")))


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    for name, reason in (("cert.pem", ""), ("none.pem", "No such file")):
        with pytest.raises(SetupError, match=f"cannot be read: {reason}") as caught:
            trusted("s", Access(cert_file=str(tmp_path / name)))
        assert caught.value.code == "SR622"


def test_only_the_services_own_certificate_is_trusted(tmp_path: Path) -> None:
    """Whatever name it has; the address is one of this machine."""
    own, other = certificate(tmp_path, "own.pem"), certificate(tmp_path, "other.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length is not None
        await reader.readexactly(int(length[1]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async def ask(port: int, access: Access | None) -> object:
        url = f"https://127.0.0.1:{port}/predict"
        async with ServiceClient("s", url, attempts=1, access=access) as client:
            return await client.predict(b"[]")

    async def work() -> None:
        async with await asyncio.start_server(reply, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            assert await ask(port, access_of({"tls_cert_file": str(own), "auth_token_env": None})) == {}
            for access in (Access(cert_file=str(other)), Access(), None):
                with pytest.raises(RemoteError, match="certificate verify failed"):
                    await ask(port, access)

    asyncio.run(work())
