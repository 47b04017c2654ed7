"""An API over HTTP: what it takes, what it answers, and what it says when something is wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.serving.config import Limits
from sqlrec.spec.function import ProgramParam
from tests.predict_server import Reply, ok, running
from tests.programs.api_server import RunningApi
from tests.programs.programs import (
    assertion,
    callee,
    columns,
    program,
    query,
    score,
    stored,
)

TYPES = columns(
    flag="BOOLEAN",
    n="INT",
    big="BIGINT",
    x="DOUBLE",
    f="FLOAT",
    s="STRING",
    day="DATE",
    at="TIMESTAMP",
    list="ARRAY<BIGINT>",
    price="DECIMAL(10, 2)",
    map="MAP<STRING, INT>",
    row="ROW<a INT, b STRING>",
)
ROW: dict[str, Any] = {
    "flag": True,
    "n": 1,
    "big": 2**60,
    "x": 0.5,
    "f": 0.1,
    "s": "ü",
    "day": "2026-01-31",
    "at": "2026-01-31 04:05:06",
    "list": [1, None],
    "price": 1.25,
    "map": {"k": 1},
    "row": {"a": 1, "b": "x"},
}


def test_who_would_wait_too_long_for_a_turn_is_refused() -> None:
    """Two requests run at a time here; their service answers when the third was refused."""
    refused = threading.Event()

    def answer(rows: list[dict[str, Any]]) -> Reply:
        refused.wait(20)
        return ok({"probs": [0.5] * len(rows)})

    made = program(score("r", "rank", "u"), inputs={"u": columns(a="BIGINT", b="BIGINT")})
    with running() as service:
        service.answer = answer
        with RunningApi(made, callee("rank", service.url), limits=Limits(queue_timeout=0.05)) as api:
            replies: list[Any] = []
            threads = [
                threading.Thread(target=lambda: replies.append(api.ask(u=[{"a": 1, "b": 2}])))
                for _ in range(2)
            ]
            for thread in threads:
                thread.start()
            while len(service.requests) < 2:
                time.sleep(0.01)
            third = api.ask(u=[{"a": 1, "b": 2}])
            refused.set()
            for thread in threads:
                thread.join()
    assert (third.status, third.code, third.headers["Retry-After"]) == (429, "SR658", "1")
    assert [reply.status for reply in replies] == [200, 200]


def test_headers_of_a_callee_go_with_its_requests() -> None:
    made = program(score("r", "rank", "u"), inputs={"u": columns(a="BIGINT", b="BIGINT")})
    with running() as service:
        service.answer = lambda rows: ok({"probs": [0.5] * len(rows)})
        far = replace(callee("rank", service.url), headers={"authorization": "Bearer hush"})
        with RunningApi(made, far) as api:
            assert api.ask(u=[{"a": 1, "b": 2}]).rows[0]["probs"] == 0.5
        assert [headers["authorization"] for headers in service.headers] == ["Bearer hush"]


@pytest.fixture(scope="module")
def api() -> Iterator[RunningApi]:
    made = program(
        query("big", "SELECT id, name FROM u WHERE id > CAST($p1 AS INT)", "u", p1="param:least"),
        query(
            "r", "SELECT big.id, big.name, v.factor * big.id AS scaled FROM big, v ORDER BY id", "big", "v"
        ),
        inputs={"u": columns(id="BIGINT", name="STRING"), "v": columns(factor="DOUBLE")},
        params=(
            ProgramParam(name="least", type="INT", default=0),
            ProgramParam(name="day", type="DATE", default="2026-01-01"),
            ProgramParam(name="big", type="BOOLEAN", default=True),
            ProgramParam(name="share", type="DOUBLE", default=0.5),
        ),
    )
    with RunningApi(made, limits=Limits(rows=100, body_bytes=200_000)) as running_api:
        yield running_api


U: list[dict[str, Any]] = [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
V: list[dict[str, Any]] = [{"factor": 1.5}]
RESULT = [{"id": 1, "name": "a", "scaled": 1.5}, {"id": 2, "name": None, "scaled": 3.0}]


def test_rows_in_rows_out(api: RunningApi) -> None:
    reply = api.ask(u=U, v=V)
    assert (reply.status, reply.json) == (200, {"data": RESULT})
    assert reply.headers["Content-Type"] == "application/json"


def test_columns_and_other_cases_of_names(api: RunningApi) -> None:
    assert api.ask(U={"ID": [1, 2], "NAME": ["a", None]}, v=[{"Factor": 1.5}]).rows == RESULT


def test_more_than_is_asked_for_is_left_out(api: RunningApi) -> None:
    assert api.ask(u=[{**row, "more": 1} for row in U], v={"factor": [1.5], "more": [2]}).rows == RESULT


def test_no_rows(api: RunningApi) -> None:
    assert api.ask(u=[], v={"factor": []}).rows == []


def test_parameters(api: RunningApi) -> None:
    assert api.ask({"least": 1}, u=U, v=V).rows == RESULT[1:]
    assert api.ask({"least": None, "day": "2026-02-01", "big": False, "share": 1}, u=U, v=V).rows == RESULT


def test_the_path_without_a_version(api: RunningApi) -> None:
    body = json.dumps({"data": {"u": U, "v": V}, "metricTags": {"a": "b"}})
    assert api.call("POST", "/api/rec", body, X_Request_Id="7").headers["X-Request-Id"] == "7"


def test_it_tells_what_it_takes_and_gives(api: RunningApi) -> None:
    told = api.call("GET", "/api/v1/rec").json
    assert told == api.call("GET", "/").json
    assert told["inputs"] == {
        "u": [{"name": "id", "type": "BIGINT"}, {"name": "name", "type": "STRING"}],
        "v": [{"name": "factor", "type": "DOUBLE"}],
    }
    assert told["params"][0] == {"name": "least", "type": "INT", "default": 0}
    assert [column["type"] for column in told["returns"]] == ["BIGINT", "STRING", "DOUBLE"]
    assert (told["api"], told["function"], told["services"]) == ("rec", "f", [])


def test_its_openapi_document(api: RunningApi) -> None:
    told = api.call("GET", "/openapi.json").json
    request = {"$ref": "#/components/schemas/Request", "components": told["components"]}
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the document's own schemas")
    fits = jsonschema.Draft202012Validator(request).is_valid
    tables = ({"u": U, "v": V}, {"u": {"id": [1], "name": [None]}, "v": V}, {"u": U}, {"u": [{}], "v": V})
    for data in tables:
        assert fits({"data": data}) is (api.ask(**data).status == 200)
    assert not fits({"data": {"u": U, "v": V}, "other": 1})
    assert set(told["paths"]) >= {"/api/v1/rec", "/api/rec", "/readyz", "/openapi.json"}
    validator = pytest.importorskip("openapi_spec_validator", reason="it is in the extra dev")
    validator.validate(told)


def test_a_callers_time_is_kept(api: RunningApi) -> None:
    body = json.dumps({"data": {"u": U, "v": V}})
    late = api.call("POST", "/api/v1/rec", body, X_Request_Timeout_Ms="0")
    assert (late.status, late.code) == (504, "SR663")
    assert api.call("POST", "/api/v1/rec", body, X_Request_Timeout_Ms="x").code == "SR668"
    trace = "0af7651916cd43dd8448eb211c80319c"
    reply = api.call("POST", "/api/v1/rec", body, traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert (reply.status, reply.headers["traceparent"][3:35]) == (200, trace)


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ("{", 400, "SR650", "not JSON"),
        ("[1]", 400, "SR651", "the body is a list"),
        ('{"inputs": {}}', 400, "SR651", "unknown member 'inputs'"),
        ('{"data": 3}', 400, "SR651", "data is 3"),
        ('{"data": {}, "params": []}', 400, "SR651", "params is a list"),
        ({"u": 5, "v": V}, 400, "SR651", "table 'u' is 5"),
        ({"u": [5], "v": V}, 400, "SR651", "table 'u': row 0 is 5"),
        ({"u": {"id": 1, "name": []}, "v": V}, 400, "SR651", "column id is 1, not a list"),
        ({"u": {"id": [1], "name": []}, "v": V}, 422, "SR654", "id has 1, name has 0"),
        ({"u": U}, 422, "SR640", "input table 'v' is missing"),
        ({"u": U, "v": V, "w": []}, 422, "SR640", "no input table 'w'"),
        ({"u": [{"id": 1}], "v": V}, 422, "SR640", "row 0 lacks column 'name'"),
        ({"u": [{"id": 1, "nam": "x"}], "v": V}, 422, "SR640", "row 0 lacks column 'name'"),
        ({"u": {"id": [1]}, "v": V}, 422, "SR640", "table 'u' lacks column 'name'"),
        ({"u": [{"id": 1.5, "name": ""}], "v": V}, 422, "SR641", "row 0, column 'id': 1.5 is no int64"),
        ({"u": [U[0], {"id": "x", "name": ""}], "v": V}, 422, "SR641", "row 1, column 'id': \"x\""),
        ({"u": {"id": list(range(101)), "name": [""] * 101}, "v": []}, 413, "SR655", "101 rows"),
    ],
)
def test_bodies_that_do_not_fit(
    api: RunningApi, body: str | dict[str, Any], status: int, code: str, message: str
) -> None:
    text = body if isinstance(body, str) else json.dumps({"data": body})
    reply = api.call("POST", "/api/v1/rec", text)
    assert (reply.status, reply.code) == (status, code)
    assert message in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"leest": 1}, "no parameter 'leest'"),
        ({"least": "1"}, "'least' is INT, not \"1\""),
        ({"least": True}, "'least' is INT, not true"),
        ({"least": 1.5}, "'least' is INT, not 1.5"),
        ({"day": "31.1.2026"}, "'day' is DATE"),
        ({"big": 1}, "'big' is BOOLEAN"),
        ({"share": "x"}, "'share' is DOUBLE"),
    ],
)
def test_parameters_that_do_not_fit(api: RunningApi, params: dict[str, Any], message: str) -> None:
    reply = api.ask(params, u=U, v=V)
    assert (reply.status, reply.code) == (422, "SR642")
    assert message in reply.json["error"]["message"]


def test_a_parameter_without_a_default_must_be_given() -> None:
    made = program(
        query("r", "SELECT $p1 AS day", p1="param:day"), params=(ProgramParam(name="day", type="STRING"),)
    )
    with RunningApi(made) as api:
        assert api.ask(u=[]).code == "SR642"
        assert api.ask({"day": "x"}, u=[]).rows == [{"day": "x"}]


def test_other_requests(api: RunningApi) -> None:
    assert api.call("POST", "/api/v1/other", "{}").status == 404
    assert api.call("PUT", "/api/v1/rec", "{}").headers["Allow"] == "POST, GET, HEAD"
    assert api.call("POST", "/api/v1/rec", "{}", Content_Type="text/html").code == "SR656"
    assert api.call("POST", "/api/v1/rec", "x" * 300_000).status == 413
    assert api.call("GET", "/readyz").status == 200
    assert api.call("GET", "/healthz").json["service"] == "api.rec"


def test_large_bodies_are_read_like_small_ones(api: RunningApi) -> None:
    rows = [{"id": n, "name": "x" * 1000} for n in range(1, 99)]
    assert len(api.ask(u=rows, v=V).rows) == 98


def test_values_of_all_types() -> None:
    with RunningApi(program(returns="u", inputs={"u": TYPES})) as api:
        assert api.ask(u=[ROW, dict.fromkeys(ROW)]).rows == [
            {**ROW, "at": "2026-01-31T04:05:06"},
            dict.fromkeys(ROW),
        ]


def test_what_json_cannot_say() -> None:
    made = program(
        query(
            "r",
            "SELECT 'NaN'::DOUBLE AS nan, 'inf'::DOUBLE AS inf, '\\xAB'::BLOB AS bytes, "
            "[1.5::DECIMAL(4, 2)] AS list",
        )
    )
    with RunningApi(made) as api:
        assert api.ask(u=[]).rows == [{"nan": None, "inf": None, "bytes": "ab", "list": [1.5]}]


def test_a_function_that_returns_nothing() -> None:
    with RunningApi(program(assertion("SELECT true"), returns="")) as api:
        assert api.ask(u=[]).json == {"data": None}


class TestFailures:
    def test_an_assertion_is_the_callers_business(self) -> None:
        with RunningApi(program(assertion("SELECT count(*) = 1 AS one FROM u", "u"), returns="u")) as api:
            reply = api.ask(u=[{"id": 1}, {"id": 2}])
            assert (reply.status, reply.code) == (422, "SR266")
            assert "ASSERT SELECT count(*) = 1" in reply.json["error"]["message"]
            assert api.ask(u=[{"id": 1}]).rows == [{"id": 1}]

    def test_values_that_a_query_refuses(self) -> None:
        with RunningApi(program(query("r", "SELECT CAST(id AS TINYINT) AS id FROM u", "u"))) as api:
            assert (api.ask(u=[{"id": 1000}]).status, api.ask(u=[{"id": 1000}]).code) == (422, "SR404")

    @pytest.mark.parametrize(
        ("answer", "status", "code"), [(Reply(status=400), 502, "SR611"), (Reply(status=503), 503, "SR611")]
    )
    def test_a_service_that_fails(self, answer: Reply, status: int, code: str) -> None:
        made = program(query("x", "SELECT id AS a, id AS b FROM u", "u"), score("r", "ctr", "x", attempts=1))
        with running() as service, RunningApi(made, callee("ctr", service.url)) as api:
            service.script(answer)
            reply = api.ask(u=[{"id": 1}])
            assert (reply.status, reply.code) == (status, code)
            assert api.metrics()[f'sqlrec_api_requests_total{{api="rec",code="{status}",function="f"}}'] == 1

    def test_a_service_that_is_away(self) -> None:
        made = program(query("x", "SELECT id AS a, id AS b FROM u", "u"), score("r", "ctr", "x", attempts=1))
        with RunningApi(made, callee("ctr", "http://127.0.0.1:1/predict")) as api:
            assert (api.ask(u=[{"id": 1}]).status, api.ask(u=[]).status) == (503, 200)

    def test_a_request_takes_no_longer_than_it_may(self) -> None:
        slow = "SELECT count(*) AS n FROM range(1000000) x(i), range(1000000) y(j) WHERE (i * j) % 7 = 3"
        with RunningApi(program(query("r", slow)), limits=Limits(request_timeout=0.3)) as api:
            started = time.monotonic()
            reply = api.ask(u=[])
            assert (reply.status, reply.code) == (504, "SR643")
            assert time.monotonic() - started < 10

    def test_too_much_at_once(self) -> None:
        with RunningApi(program(returns="u"), limits=Limits(queue_bytes=100_000)) as api:
            body = json.dumps({"data": {"u": {"id": list(range(50_000))}}})
            assert api.call("POST", "/api/v1/rec", body).status in (429, 503)


class TestManyRequests:
    def test_each_has_tables_of_its_own(self) -> None:
        made = program(
            query("a", "SELECT id + 1 AS id FROM u", "u"),
            query("r", "SELECT sum(id)::BIGINT AS n FROM a", "a"),
        )
        with RunningApi(made) as api:
            found: dict[int, Any] = {}

            def ask(n: int) -> None:
                found[n] = api.ask(u=[{"id": n}]).rows[0]["n"]

            threads = [threading.Thread(target=ask, args=(n,)) for n in range(30)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert found == {n: n + 1 for n in range(30)}
            figures = api.metrics()
        assert figures['sqlrec_api_request_duration_seconds_count{api="rec"}'] == 30
        assert figures['sqlrec_api_input_rows_sum{api="rec"}'] == 30
        assert (
            figures['sqlrec_api_requests_in_flight{api="rec"}'],
            figures['sqlrec_api_ready{api="rec"}'],
        ) == (0, 1)


class TestChanges:
    def test_tables_are_loaded_again_when_they_change(self, tmp_path: Path) -> None:
        items = stored(tmp_path / "items", {"id": [1]})
        with RunningApi(program(query("r", "SELECT id FROM items", items)), interval=0.05) as api:
            assert api.ask(u=[]).rows == [{"id": 1}]
            stored(tmp_path / "items", {"id": [2, 3]})
            assert wait_for(lambda: api.ask(u=[]).rows == [{"id": 2}, {"id": 3}])
            assert api.metrics()['sqlrec_api_reloads_total{api="rec"}'] == 1

    def test_tables_that_cannot_be_loaded_leave_the_old_ones(self, tmp_path: Path) -> None:
        items = stored(tmp_path / "items", {"id": [1]})
        with RunningApi(program(query("r", "SELECT id FROM items", items)), interval=0.05) as api:
            (tmp_path / "items" / "part.parquet").write_bytes(b"broken")
            time.sleep(0.3)
            assert api.ask(u=[]).rows == [{"id": 1}]
            stored(tmp_path / "items", {"id": [4]})
            assert wait_for(lambda: api.ask(u=[]).rows == [{"id": 4}])

    def test_a_service_that_moves_is_found(self) -> None:
        made = program(query("x", "SELECT id AS a, id AS b FROM u", "u"), score("r", "ctr", "x", attempts=1))

        class Moving:
            url = ""

            def find(self, service: str) -> Any:
                return callee(service, self.url)

        finder = Moving()
        with running() as first, running() as second:
            first.script(ok({"probs": [0.25]}))
            second.script(ok({"probs": [0.75]}))
            finder.url = first.url
            with RunningApi(made, finder=finder) as api:
                assert api.ask(u=[{"id": 1}]).rows[0]["probs"] == 0.25
                finder.url = second.url
                assert api.ask(u=[{"id": 1}]).rows[0]["probs"] == 0.75


def wait_for(holds: Any) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False
