from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from sqlrec.serving.app import App
from sqlrec.serving.config import Limits, ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.site import Site
from sqlrec.spec.service import ServiceSpec

Serve = Callable[..., Any]
MakeSpec = Callable[..., ServiceSpec]


@pytest.fixture(scope="module")
def server(mixed_folder: Path, make_spec: MakeSpec, serve: Serve) -> Iterator[Any]:
    with serve(make_spec(mixed_folder), limits=Limits(rows=100)) as running:
        yield running


ROW = {"city": "Köln", "age": 3, "price": 1.5, "member": True, "tags": [1, 2, 3]}


def test_rows(server: Any) -> None:
    reply = server.predict([ROW, {**ROW, "city": None}])
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json == {"score": [105.5, -94.5], "tags_seen": [[1.0, 2.0, 3.0]] * 2}


def test_columns(server: Any) -> None:
    columns = {name: [value] for name, value in ROW.items()}
    reply = server.predict({**columns, "age": [1, 2, 3]})
    assert reply.json["score"] == [103.5, 104.5, 105.5]


def test_no_rows(server: Any) -> None:
    assert server.predict([]).json == {"score": [], "tags_seen": []}


@pytest.mark.parametrize(
    ("document", "status", "code", "row", "column"),
    [
        ([ROW, {**ROW, "age": "x"}], 422, "SR653", 1, "age"),
        ([{**ROW, "tags": [1.5]}], 422, "SR653", 0, "tags"),
        ([{"city": "x"}], 422, "SR652", 0, None),
        (ROW, 400, "SR651", None, "city"),
        (5, 400, "SR651", None, None),
        ({**{n: [v] for n, v in ROW.items()}, "age": [1, 2], "price": [1, 2, 3]}, 422, "SR654", None, None),
        ([ROW] * 101, 413, "SR655", None, None),
    ],
)
def test_errors_name_their_place(
    server: Any, document: Any, status: int, code: str, row: int | None, column: str | None
) -> None:
    reply = server.predict(document)
    error = reply.json["error"]
    assert (reply.status, error["code"], error.get("row"), error.get("column")) == (status, code, row, column)
    assert error["message"]


def test_text_that_is_not_json(server: Any) -> None:
    reply = server.call("POST", "/predict", b'[{"age": NaN}]')
    assert (reply.status, reply.json["error"]["code"]) == (400, "SR650")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Content_Type": "application/json; charset=utf-8"}, 200),
        ({"Content_Type": "APPLICATION/vnd.x+json"}, 200),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 200),
        ({"Content_Encoding": "identity"}, 200),
        ({"Content_Type": "application/vnd.apache.arrow.stream", "Content_Encoding": "gzip"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
    ],
)
def test_media_types(server: Any, headers: dict[str, str], status: int) -> None:
    reply = server.call("POST", "/predict", json.dumps([ROW]), **headers)
    assert reply.status == status
    if status == 415:
        assert reply.json["error"]["code"] == "SR656"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/health", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/predict", 405),
        ("DELETE", "/healthz", 405),
        ("POST", "/readyz", 405),
        ("GET", "/admin/activate", 405),
        ("GET", "/nothing", 404),
        ("POST", "/predict/", 404),
    ],
)
def test_paths_and_methods(server: Any, method: str, path: str, status: int) -> None:
    reply = server.call(method, path)
    assert reply.status == status
    if status == 405:
        assert reply.headers["Allow"] in ("POST", "GET, HEAD")


def test_health_says_who_answers(server: Any) -> None:
    state = server.call("GET", "/healthz").json
    assert state.pop("pid") > 0
    assert state.pop("handover").startswith("sqlrec-serving-")
    assert state == {"status": "ok", "service": "ranker", "checkpoint": "v1_export", "version": 3}


def test_the_signature_describes_inputs_and_outputs(server: Any) -> None:
    facts = server.call("GET", "/v1/signature").json
    assert facts["inputs"][4] == {"name": "tags", "type": "ARRAY<BIGINT>", "length": 3}
    assert [o["name"] for o in facts["outputs"]] == ["score", "tags_seen"]
    assert (facts["service"], facts["version"], facts["limits"]["rows"]) == ("ranker", 3, 100)


def test_a_request_id_is_given_back(server: Any) -> None:
    assert (
        server.call("POST", "/predict", json.dumps([ROW]), X_Request_Id="r-1").headers["X-Request-Id"]
        == "r-1"
    )
    assert server.call("POST", "/predict", b"no", X_Request_Id="r-2").headers["X-Request-Id"] == "r-2"


def test_metrics(mixed_folder: Path, make_spec: MakeSpec, serve: Serve) -> None:
    with serve(make_spec(mixed_folder)) as server:
        server.predict([ROW, {**ROW, "age": None, "extra": 1}])
        server.predict([{**ROW, "age": "x"}])
        server.call("POST", "/predict", b"{", Content_Type="image/png")
        found = server.metrics()
    common = 'model="m",protocol="sqlrec",service="ranker",version="3"'
    expected = {
        f'sqlrec_requests_total{{code="200",{common}}}': 1,
        f'sqlrec_requests_total{{code="422",{common}}}': 1,
        f'sqlrec_requests_total{{code="415",{common}}}': 1,
        'sqlrec_request_duration_seconds_count{service="ranker"}': 3,
        'sqlrec_request_rows_sum{service="ranker"}': 2,
        'sqlrec_requests_in_flight{service="ranker"}': 0,
        'sqlrec_batch_rows_sum{service="ranker"}': 2,
        'sqlrec_batch_rows_bucket{le="1.0",service="ranker"}': 0,
        'sqlrec_batch_rows_bucket{le="2.0",service="ranker"}': 1,
        'sqlrec_decode_seconds_count{service="ranker"}': 1,
        'sqlrec_predict_seconds_count{service="ranker"}': 1,
        'sqlrec_encode_seconds_count{service="ranker"}': 1,
        'sqlrec_input_missing_total{column="age",model="m",service="ranker",version="3"}': 1,
        'sqlrec_input_unknown_total{model="m",service="ranker",version="3"}': 1,
        'sqlrec_prediction_count{model="m",output="score",service="ranker",version="3"}': 2,
        'sqlrec_ready{service="ranker"}': 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert any(name.startswith("sqlrec_model_info{") and 'digest="' in name for name in found)
    assert any(name.startswith("process_resident_memory") for name in found)


def test_many_clients_at_once_each_get_their_own_answer(
    add_folder: Path, make_spec: MakeSpec, serve: Serve
) -> None:
    """Requests of one tick share model calls; every answer must be that of a call alone."""
    with serve(make_spec(add_folder)) as server:
        alone = {n: server.predict([{"a": n, "b": 1}, {"a": 0, "b": n}]).json for n in range(-20, 20)}
        before = server.metrics()
        url = f"http://127.0.0.1:{server.port}/predict"

        def ask(start: int) -> int:
            with httpx.Client() as client:
                for step in range(60):
                    n = (start * 7 + step) % 40 - 20
                    answer = client.post(url, json=[{"a": n, "b": 1}, {"a": 0, "b": n}])
                    assert answer.json() == alone[n]
            return 60

        with ThreadPoolExecutor(8) as pool:
            asked = sum(pool.map(ask, range(8)))
        after = server.metrics()
    rows = 'sqlrec_batch_rows_sum{service="ranker"}'
    assert after[rows] - before[rows] == 2 * asked


def test_requests_that_arrive_in_one_tick_share_a_call(
    add_folder: Path, make_spec: MakeSpec, serve: Serve, pipelined: Callable[..., list[Any]]
) -> None:
    with serve(make_spec(add_folder)) as server:
        bodies = [json.dumps([{"a": n, "b": 0}]).encode() for n in range(20)]
        before = server.metrics()
        answers = pipelined(server.port, bodies)
        after = server.metrics()
        assert answers == [server.predict([{"a": n, "b": 0}]).json for n in range(20)]
    calls, rows = (f'sqlrec_batch_rows_{kind}{{service="ranker"}}' for kind in ("count", "sum"))
    assert after[rows] - before[rows] == 20
    assert after[calls] - before[calls] <= 2


class Recorded:
    """A request whose answer is kept."""

    def __init__(self, method: str, path: str, *, private: bool = True) -> None:
        self.method, self.path, self.private, self.body = method, path, private, b"[]"
        self.abandoned = self.usual = False
        self.client = self.request_id = ""
        self.started = 0.0
        self.status = 0
        self.json: Any = None

    def header(self, name: bytes) -> str:
        return ""

    def respond(self, status: int, body: bytes, **_: object) -> None:
        self.status, self.json = int(status), json.loads(body)

    def refuse(self, error: Any) -> None:
        self.respond(error.status, error.body())


@pytest.fixture
def loading_app(mixed_folder: Path, make_spec: MakeSpec) -> Site:
    """An app whose model is not there yet."""

    async def activate() -> str:
        raise AssertionError

    config = ServeConfig(spec=make_spec(mixed_folder))
    return Site(App(config, Metrics(config.spec)), activate, door="")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/predict"), ("GET", "/readyz"), ("GET", "/v1/signature"), ("POST", "/admin/activate")],
)
def test_before_the_model_is_there(loading_app: Site, method: str, path: str) -> None:
    request = Recorded(method, path)
    loading_app.handle(cast(Request, request))
    assert (request.status, request.json["error"]["code"]) == (503, "SR659")
    alive = Recorded("GET", "/healthz")
    loading_app.handle(cast(Request, alive))
    assert alive.status == 200


def test_a_draining_app_is_not_ready(loading_app: Site) -> None:
    loading_app.drain()
    ready, alive = Recorded("GET", "/readyz"), Recorded("GET", "/healthz")
    loading_app.handle(cast(Request, ready))
    loading_app.handle(cast(Request, alive))
    assert ready.status == 503
    assert (alive.status, alive.json["status"]) == (200, "draining")


def test_a_fault_of_ours_is_a_500_with_its_traceback_in_the_log(
    loading_app: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Recorded):
        def respond(self, status: int, body: bytes, **more: object) -> None:
            if status == 200:
                raise ZeroDivisionError
            super().respond(status, body, **more)

    request = Broken("GET", "/healthz")
    loading_app.handle(cast(Request, request))
    assert (request.status, request.json["error"]["code"]) == (500, "SR660")
    line = json.loads(capsys.readouterr().err)
    assert line["path"] == "/healthz"
    assert "ZeroDivisionError" in line["traceback"]
