"""Deadlines, waiting and what is written down of a prediction request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import pytest

from sqlrec.serving.batching import Call
from sqlrec.serving.config import Limits, ServeConfig
from sqlrec.serving.connection import Request
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.prediction import SQLREC, Desk, Prediction
from sqlrec.spec.service import ServiceSpec

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MakeDesk = Callable[..., Desk]


class Asked:
    """A request that keeps its answer."""

    def __init__(self, body: bytes = b"[]", *, age: float = 0.0, **headers: str) -> None:
        self.method, self.path, self.client, self.body = "POST", "/predict", "10.0.0.9", body
        self.started = time.monotonic() - age
        self.abandoned = False
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.sent = b""
        self._given = {name.replace("_", "-").encode(): value for name, value in headers.items()}
        self.request_id = self._given.get(b"x-request-id", "")

    def header(self, name: bytes) -> str:
        return self._given.get(name, "")

    def respond(
        self, status: HTTPStatus, body: bytes, *, content_type: bytes = b"", headers: Any = ()
    ) -> None:
        assert self.status is None, "answered twice"
        self.status, self.sent, self.headers = status.value, body, dict(headers)

    @property
    def code(self) -> str:
        return str(json.loads(self.sent)["error"]["code"])


class Held:
    """A target that keeps its calls."""

    def __init__(self) -> None:
        self.calls: list[Prediction] = []

    def submit(self, call: Call) -> None:
        self.calls.append(cast(Prediction, call))


@pytest.fixture
def make_desk(add_folder: Path, make_spec: Callable[..., ServiceSpec]) -> MakeDesk:
    def make(**settings: Any) -> Desk:
        config = ServeConfig(spec=make_spec(add_folder), **settings)
        return Desk(config, Metrics(config.spec))

    return make


def take(desk: Desk, target: Any, request: Asked) -> Asked:
    desk.take(cast(Request, request), SQLREC, target)
    return request


def answered(call: Prediction, body: bytes = b"{}") -> None:
    call.answer((body, b"application/json", ()), 1)


def test_a_request_in_time_is_scored(make_desk: MakeDesk) -> None:
    target = Held()
    request = take(make_desk(), target, Asked(x_request_timeout_ms="60000"))
    (call,) = target.calls
    assert not call.abandoned
    answered(call)
    assert (request.status, request.sent) == (200, b"{}")


def test_a_request_that_came_too_late_is_not_scored(make_desk: MakeDesk) -> None:
    target = Held()
    request = take(make_desk(), target, Asked(age=0.2, x_request_timeout_ms="100"))
    assert (request.status, request.code, target.calls) == (504, "SR663", [])


def test_nor_one_that_became_too_late_while_it_waited(make_desk: MakeDesk) -> None:
    target = Held()
    request = take(make_desk(), target, Asked(x_request_timeout_ms="30"))
    (call,) = target.calls
    time.sleep(0.04)
    assert call.abandoned
    call.answer(None, 0)
    assert (request.status, request.code) == (504, "SR663")
    answered(call)  # scored all the same, by somebody who had looked a moment before
    assert request.status == 504


def test_the_server_has_a_limit_of_its_own(make_desk: MakeDesk) -> None:
    desk = make_desk(limits=Limits(request_timeout=0.1))
    request = take(desk, Held(), Asked(age=0.2, x_request_timeout_ms="60000"))
    assert request.code == "SR663"


@pytest.mark.parametrize("text", ["-1", "1.5", "soon", "9" * 30, "٣"])
def test_a_time_that_is_none(make_desk: MakeDesk, text: str) -> None:
    request = take(make_desk(), Held(), Asked(x_request_timeout_ms=text))
    assert (request.status, request.code) == (400, "SR668")


def wait_known(desk: Desk, target: Held) -> None:
    """Let the desk see that a request takes some 60 ms, and keep one waiting."""
    for _ in range(2):
        take(desk, target, Asked())
    time.sleep(0.06)
    answered(target.calls.pop())


def test_a_wait_beyond_the_limit_is_refused_until_it_is_shorter(make_desk: MakeDesk) -> None:
    desk, target = make_desk(limits=Limits(queue_timeout=0.2)), Held()
    wait_known(desk, target)
    asked = [take(desk, target, Asked()) for _ in range(50)]
    refused = [request for request in asked if request.status]
    assert 0 < len(refused) < 50
    assert {(request.status, request.code) for request in refused} == {(429, "SR658")}
    assert {request.headers["Retry-After"] for request in refused} == {"1"}
    while target.calls:
        answered(target.calls.pop())
    assert take(desk, target, Asked()).status is None


def test_a_wait_beyond_the_callers_patience_is_refused_at_once(make_desk: MakeDesk) -> None:
    desk, target = make_desk(), Held()
    wait_known(desk, target)
    for _ in range(20):
        take(desk, target, Asked())
    assert take(desk, target, Asked(x_request_timeout_ms="300")).status == 429
    assert take(desk, target, Asked(x_request_timeout_ms="29000")).status is None


def test_targets_wait_apart(make_desk: MakeDesk) -> None:
    desk, slow, quick = make_desk(limits=Limits(queue_timeout=0.01)), Held(), Held()
    wait_known(desk, slow)
    take(desk, slow, Asked())
    assert take(desk, slow, Asked()).status == 429
    request = Asked()
    desk.take(cast(Request, request), SQLREC, quick, "quick")
    assert request.status is None


def test_a_fault_of_the_target_is_answered_and_counted_once(
    make_desk: MakeDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def submit(self, call: Call) -> None:
            raise ZeroDivisionError

    request = take(make_desk(), Broken(), Asked())
    assert (request.status, request.code) == (500, "SR660")
    assert "ZeroDivisionError" in capsys.readouterr().err


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().err.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_access_log(make_desk: MakeDesk, capsys: pytest.CaptureFixture[str]) -> None:
    target = Held()
    trace = f"00-{TRACE}-{SPAN}-01"
    take(make_desk(access_log=True), target, Asked(b"[{}]", x_request_id="r-1", traceparent=trace))
    answered(target.calls[0], b"{}")
    line = logged(capsys)
    assert line.pop("ms") >= 0
    assert line.pop("time")
    assert line == {
        "event": "predict",
        "id": "r-1",
        "trace": TRACE,
        "client": "10.0.0.9",
        "method": "POST",
        "path": "/predict",
        "code": 200,
        "rows": 1,
        "received": 4,
        "sent": 2,
        "protocol": "sqlrec",
    }


def test_only_faults_of_the_server_are_logged_otherwise(
    make_desk: MakeDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = make_desk()
    take(desk, Held(), Asked(x_request_timeout_ms="x"))
    assert not capsys.readouterr().err
    take(desk, Held(), Asked(age=1, x_request_timeout_ms="1"))
    assert logged(capsys)["code"] == 504


def test_a_trace_is_gone_on_with(make_desk: MakeDesk) -> None:
    target = Held()
    request = take(make_desk(), target, Asked(traceparent=f"00-{TRACE}-{SPAN}-01"))
    answered(target.calls[0])
    version, trace, span, flags = request.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != SPAN
    silent = take(make_desk(), target, Asked())
    answered(target.calls[1])
    assert silent.headers == {}


def test_a_caller_that_has_gone_is_counted_as_such(
    make_desk: MakeDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Held()
    request = take(make_desk(access_log=True), target, Asked())
    request.abandoned = True
    target.calls[0].answer(None, 0)
    assert logged(capsys)["code"] == 499
