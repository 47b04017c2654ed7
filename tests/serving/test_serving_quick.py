"""The short way of usual requests gives the answers of the long way."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlrec.serving.connection import Connection, Request
from sqlrec.serving.http import Head
from sqlrec.serving.json_scan import scanner_of
from sqlrec.serving.looking import LOOK_BYTES, LOOKS
from sqlrec.serving.quick import BODY_BYTES, TICK_BYTES, Quick, quick_way
from sqlrec.serving.scorer import BatchReport, Scorer, load_scorer
from sqlrec.spec.service import ServiceSpec

Answer = tuple[int, bytes]


@pytest.fixture(scope="module", autouse=True)
def compiled(add_folder: Path, make_spec: Callable[..., ServiceSpec]) -> None:
    inputs = load_scorer(make_spec(add_folder).own, threads=1, observe=lambda report: None).signature.inputs
    if scanner_of(inputs, missing_as_null=False, max_rows=1) is None:
        pytest.skip("the scanner was not compiled, or is switched off")


@pytest.fixture(scope="module")
def server(
    add_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    with serve(make_spec(add_folder)) as running:
        yield running


def ask(port: int, requests: Sequence[bytes]) -> list[Answer]:
    """Statuses and bodies of requests sent in one go, each on a connection of its own."""
    wires = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in requests]
    try:
        for wire, request in zip(wires, requests, strict=True):
            wire.sendall(request)
        return [receive(wire) for wire in wires]
    finally:
        for wire in wires:
            wire.close()


def receive(wire: socket.socket) -> Answer:
    received = b""
    while b"\r\n\r\n" not in received:
        received += wire.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    size = int(re.findall(rb"Content-Length: (\d+)", head)[0])
    while len(body) < size:
        body += wire.recv(65536)
    return int(head.split()[1]), body


def post(body: bytes, *headers: str) -> bytes:
    head = "\r\n".join(["POST /predict HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


LONG = "X-Request-Timeout-Ms: 60000"
"""A wish that the short way does not know."""

numbers = st.none() | st.integers(-50, 50) | st.sampled_from([True, "x", 2**63, 1.0])
rows = st.lists(
    st.fixed_dictionaries({"a": numbers}, optional={"b": numbers, "c": numbers}), min_size=1, max_size=3
)
good = st.integers(-50, 50) | st.none()
good_rows = st.lists(st.fixed_dictionaries({"a": good, "b": good}), max_size=4)
good_columns = st.fixed_dictionaries(
    {"a": st.lists(good, max_size=3), "b": st.lists(good, min_size=1, max_size=1)}
)
bodies = (rows | good_rows | good_columns).map(lambda d: json.dumps(d).encode()) | st.just(b"{nonsense")


@settings(max_examples=20, deadline=None)
@given(st.lists(bodies, min_size=1, max_size=6))
def test_both_ways_give_the_same_answers(server: Any, sent: list[bytes]) -> None:
    long = ask(server.port, [post(body, LONG) for body in sent])
    assert ask(server.port, [post(body) for body in sent]) == long
    assert ask(server.port, [post(body, "X-Request-Id: r") for body in sent]) == long
    assert ask(server.port, [post(body, *([LONG] * (n % 2))) for n, body in enumerate(sent)]) == long


@pytest.mark.parametrize("headers", [(), (LONG,)], ids=["short", "long"])
def test_a_request_id_is_given_back(headers: tuple[str, ...], server: Any) -> None:
    request = post(b'[{"a":1,"b":2}]', f"X-Request-Id: {'r' * 130}", "Connection: close", *headers)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(request)
        head = b"".join(iter(lambda: wire.recv(65536), b"")).partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert b"X-Request-Id: " + b"r" * 128 in head


@pytest.mark.parametrize("headers", [(), (LONG,)], ids=["short", "long"])
@pytest.mark.parametrize("parent", ["00-" + "a" * 32 + "-" + "b" * 16 + "-01", "nonsense"])
def test_a_trace_is_gone_on_with(parent: str, headers: tuple[str, ...], server: Any) -> None:
    request = post(b'[{"a":1,"b":2}]', f"traceparent: {parent}", "Connection: close", *headers)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(request)
        head = b"".join(iter(lambda: wire.recv(65536), b"")).partition(b"\r\n\r\n")[0]
    ((trace, span, flags),) = re.findall(rb"traceparent: 00-(\w{32})-(\w{16})-(\d\d)", head)
    assert span != b"b" * 16
    assert (trace, flags) == (b"a" * 32, b"01") if parent != "nonsense" else flags == b"00"


def test_answers_keep_their_order_on_a_connection(server: Any) -> None:
    requests = [post(json.dumps([{"a": n, "b": 0}]).encode(), *([LONG] * (n % 3 == 0))) for n in range(20)]
    health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    bad = post(b'[{"a":"x","b":0}]')
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(health.join(requests) + bad + post(b"[]", "Connection: close"))
        received = b"".join(iter(lambda: wire.recv(65536), b""))
    answers = re.findall(rb"HTTP/1.1 (\d+) .*?\r\n\r\n(\{.*?\})(?=HTTP|$)", received, re.DOTALL)
    assert [status for status, _ in answers] == [b"200"] * 39 + [b"422", b"200"]
    scores = [json.loads(body)["probs"][0] for _, body in answers[0:39:2]]
    assert scores == sorted(scores)
    assert all(b'"status":"ok"' in body for _, body in answers[1:39:2])
    assert answers[-1][1] == b'{"probs":[]}'


def test_both_ways_are_counted_alike(server: Any) -> None:
    names = ("requests_total", "request_rows_sum", "request_duration_seconds_count", "nulls_total", "unknown")
    body = b'[{"a":1,"b":null,"c":1},{"a":2,"b":3,"d":4}]'

    def counted(*headers: str) -> dict[str, float]:
        before = server.metrics()
        ((status, _),) = ask(server.port, [post(body, *headers)])
        assert status == 200
        return {
            key: value - before.get(key, 0.0)
            for key, value in server.metrics().items()
            if any(name in key for name in names)
        }

    assert counted() == counted(LONG)
    assert server.metrics()['sqlrec_requests_in_flight{service="ranker"}'] == 0


class Client(Connection):
    """Keeps what is answered, without a socket."""

    def __init__(self) -> None:
        self.closed = self.private = False
        self.answers: list[bytes] = []

    def answer_next(self, request: Request, body: bytes, now: float) -> bool:
        self.answers.append(body)
        return True


class Noted:
    """What was reported, and what went the long way."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.stages: list[str] = []
        self.otherwise: list[bytes] = []

    def stage_done(self, name: str, seconds: float) -> None:
        self.stages.append(name)

    def requests_done(self, seconds: Sequence[float], rows: Sequence[int]) -> None:
        self.rows += rows

    def long_way(self, request: Request) -> None:
        self.otherwise.append(request.body)


HEAD = Head("POST", b"/predict", {}, http10=False, keep_alive=True)


def request_of(client: Client, body: bytes) -> Request:
    return Request(client, HEAD, body, 0.0)


@pytest.fixture
def reports() -> list[BatchReport]:
    return []


@pytest.fixture
def scorer(
    request: pytest.FixtureRequest, make_spec: Callable[..., ServiceSpec], reports: list[BatchReport]
) -> Scorer:
    folder = request.getfixturevalue(getattr(request, "param", "add_folder"))
    return load_scorer(make_spec(folder).own, threads=1, observe=reports.append)


@pytest.fixture(scope="module")
def scorer_of_roots(nan_folder: Path, make_spec: Callable[..., ServiceSpec]) -> Scorer:
    return load_scorer(make_spec(nan_folder).own, threads=1, observe=lambda report: None)


def quick_of(scorer: Scorer, noted: Noted, rows: int = 100) -> Quick:
    scanner = scanner_of(scorer.signature.inputs, missing_as_null=False, max_rows=1000)
    quick = quick_way(scorer, scanner, noted, rows=rows)
    assert quick is not None
    return quick


def scenario(scorer: Scorer, sent: Sequence[bytes], *, rows: int = 100) -> tuple[Client, Noted, list[bool]]:
    """Requests of one tick, after some ticks."""

    async def run() -> tuple[Client, Noted, list[bool]]:
        client, noted = Client(), Noted()
        quick = quick_of(scorer, noted, rows)
        taken = [quick.take(request_of(client, body), noted.long_way) for body in sent]
        assert quick.waiting == sum(taken)
        while quick.waiting:
            await asyncio.sleep(0)
        return client, noted, taken

    return asyncio.run(run())


ROW = b'[{"a":0,"b":0}]'


def test_a_tick_is_one_call(scorer: Scorer, reports: list[BatchReport]) -> None:
    client, noted, _ = scenario(scorer, [ROW, b'{"a":[0,0],"b":[null]}', b'[{"a":0,"b":0,"c":1}]'])
    (report,) = reports
    assert (report.rows, report.unknown, report.nulls) == (4, 1, {"b": 2})
    assert client.answers[0] == client.answers[2] == b'{"probs":[0.5]}'
    assert noted.rows == [1, 2, 1]
    assert noted.stages == ["decode", "encode"]


def arriving(scorer: Scorer, bodies: Sequence[Sequence[bytes]]) -> Client:
    """Requests that come by and by, one list each time the loop looks at its sockets."""

    async def run() -> Client:
        client, noted = Client(), Noted()
        quick = quick_of(scorer, noted)
        for sent in bodies:
            for body in sent:
                assert quick.take(request_of(client, body), noted.long_way)
            await asyncio.sleep(0)
        while quick.waiting:
            await asyncio.sleep(0)
        return client

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("bodies", "batches"),
    [
        ([[ROW, ROW], [ROW], [ROW]], [4]),
        ([[ROW, ROW], [ROW], [], [ROW]], [3, 1]),
        ([[ROW, ROW]] + [[ROW]] * (LOOKS + 2), [LOOKS + 2, 2]),
        ([[ROW], [ROW]], [1, 1]),
        ([[ROW, ROW], [], [], [ROW], [], [ROW]], [2, 1, 1]),
        ([[ROW, ROW + b" " * LOOK_BYTES], [ROW]], [2, 1]),
    ],
    ids=["coming", "nothing new", "looks are bounded", "a lone client", "alone again", "enough to do"],
)
def test_a_tick_ends_when_nothing_new_comes(
    bodies: list[list[bytes]], batches: list[int], scorer: Scorer, reports: list[BatchReport]
) -> None:
    client = arriving(scorer, bodies)
    assert [report.rows for report in reports] == batches
    assert client.answers == [b'{"probs":[0.5]}'] * sum(batches)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
@settings(max_examples=30)
def test_answers_are_dealt_out_in_order(scorer_of_roots: Scorer, counts: list[int]) -> None:
    values = iter(range(100))
    bodies = [b'{"x":[%b]}' % b",".join(b"%d" % next(values) ** 2 for _ in range(n)) for n in counts]
    answers = scenario(scorer_of_roots, bodies)[0].answers
    assert [len(json.loads(answer)["root"]) for answer in answers] == counts
    assert [root for answer in answers for root in json.loads(answer)["root"]] == list(range(sum(counts)))


def test_more_rows_than_a_batch_holds_are_several(scorer: Scorer, reports: list[BatchReport]) -> None:
    three = b'{"a":[0,0,0],"b":[0]}'
    client, noted, _ = scenario(scorer, [three, three, ROW, three], rows=4)
    assert [report.rows for report in reports] == [3, 4, 3]
    assert noted.rows == [3, 3, 1, 3]
    assert len(client.answers) == 4


def test_what_is_not_for_the_short_way_is_given_back(scorer: Scorer) -> None:
    many, bad = b'{"a":[0,0,0],"b":[0]}', b'[{"a":"x","b":0}]'
    client, noted, _ = scenario(scorer, [many, ROW, bad], rows=2)
    assert noted.otherwise == [many, bad]
    assert client.answers == [b'{"probs":[0.5]}']


def test_what_waits_is_bounded(scorer: Scorer) -> None:
    assert scenario(scorer, [ROW + b" " * BODY_BYTES])[2] == [False]
    large = ROW + b" " * (BODY_BYTES - len(ROW))
    fitting = TICK_BYTES // BODY_BYTES
    assert scenario(scorer, [large] * fitting + [ROW])[2] == [True] * fitting + [False]


def test_nothing_is_scored_for_who_has_gone(scorer: Scorer, reports: list[BatchReport]) -> None:
    async def run() -> None:
        client, noted = Client(), Noted()
        quick = quick_of(scorer, noted)
        quick.take(request_of(client, ROW), noted.long_way)
        client.closed = True
        await asyncio.sleep(0.001)
        assert noted.otherwise == [ROW]

    asyncio.run(run())
    assert reports == []


@pytest.mark.parametrize("scorer", ["pick_folder"], indirect=True)
def test_a_batch_that_breaks_the_model_goes_the_long_way(scorer: Scorer) -> None:
    client, noted, _ = scenario(scorer, [b'[{"i":0}]', b'[{"i":99}]'])
    assert noted.otherwise == [b'[{"i":0}]', b'[{"i":99}]']
    assert client.answers == []
    assert scenario(scorer, [b'[{"i":1}]'])[0].answers == [b'{"picked":[20.0]}']


@pytest.mark.parametrize("scorer", ["nan_folder"], indirect=True)
def test_a_nan_becomes_null(scorer: Scorer) -> None:
    assert scenario(scorer, [b'[{"x":-1}]', b'{"x":[4,-4]}'])[0].answers == [
        b'{"root":[null]}',
        b'{"root":[2.0,null]}',
    ]


@pytest.mark.parametrize("scorer", ["mixed_folder"], indirect=True)
def test_a_model_of_arrays_has_no_short_way(scorer: Scorer) -> None:
    async def run() -> None:
        scanner = scanner_of(scorer.signature.inputs[:1], missing_as_null=False, max_rows=1)
        assert quick_way(scorer, scanner, Noted(), rows=1) is None
        assert quick_way(scorer, None, Noted(), rows=1) is None

    asyncio.run(run())
