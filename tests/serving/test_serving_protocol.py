"""HTTP as clients speak it, well or badly, over real sockets."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.serving.config import Limits
from sqlrec.spec.service import ServiceSpec

LIMITS = Limits(
    head_bytes=2048, body_bytes=64 * 1024, request_timeout=0.5, idle_timeout=0.8, write_timeout=0.5
)
ROW = b'[{"a":0,"b":0}]'
HALF = b'{"probs":[0.5]}'


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


class Wire:
    """A raw client."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, *, body: bool = True) -> Answer:
        """The next answer; ``body=False`` for one without, whatever its head says."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        text = head.decode()
        length = re.search(r"(?i)content-length: (\d+)", text)
        size = int(length[1]) if length and body else 0
        while len(self.buffer) < size:
            self._more()
        content, self.buffer = self.buffer[:size], self.buffer[size:]
        return Answer(int(text.split(" ", 2)[1]), text, content)

    def is_closed(self) -> bool:
        """Whether the server has ended the connection, with nothing more sent."""
        try:
            return not self.buffer and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def read_all(self) -> None:
        """Read to the end of the connection, in order or not."""
        with suppress(ConnectionResetError):
            while self.socket.recv(65536):
                pass

    def _more(self) -> None:
        data = self.socket.recv(65536)
        assert data, f"closed after {self.buffer!r}"
        self.buffer += data


Connect = Callable[[], Any]


@pytest.fixture(scope="module")
def server(
    add_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    with serve(make_spec(add_folder), limits=LIMITS) as running:
        yield running


def wires(port: int) -> Connect:
    @contextmanager
    def open_wire() -> Iterator[Wire]:
        wire = Wire(port)
        with wire.socket:
            yield wire

    return open_wire


@pytest.fixture
def connect(server: Any) -> Connect:
    """``with connect() as wire``."""
    return wires(server.port)


@pytest.fixture
def patient(
    add_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Connect]:
    """The same to a server that refuses nobody because the machine is busy."""
    with serve(make_spec(add_folder), limits=replace(LIMITS, request_timeout=10.0)) as running:
        yield wires(running.port)


def post(body: bytes, *headers: str, path: str = "/predict", version: str = "1.1") -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_connection_is_used_again(connect: Connect) -> None:
    with connect() as wire:
        for _ in range(3):
            wire.send(post(ROW))
            answer = wire.receive()
            assert (answer.status, answer.body) == (200, HALF)
            assert "Connection" not in answer.head
            assert re.search(r"Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n", answer.head)


def test_pipelined_requests_are_answered_in_order(patient: Connect) -> None:
    requests = []
    for i in range(100):
        body = json.dumps([{"a": i, "b": "x" if i % 10 == 3 else 0}]).encode()
        requests += [post(body), GET] if i % 7 == 0 else [post(body)]
    with patient() as wire:
        wire.send(b"".join(requests))
        values = []
        for i in range(100):
            answer = wire.receive()
            assert answer.status == (422 if i % 10 == 3 else 200)
            if i % 10 != 3:
                values.append(json.loads(answer.body)["probs"][0])
            if i % 7 == 0:
                assert json.loads(wire.receive().body)["status"] == "ok"
    assert values == sorted(values)


def test_many_pipelined_bodies_are_each_within_the_limits(connect: Connect) -> None:
    request = post(json.dumps({"a": [1] * 9000, "b": ["x"]}).encode())
    with connect() as wire:
        wire.send(request * 40)
        assert {wire.receive().code for _ in range(40)} == {"SR653"}


def test_quick_answers_wait_for_slow_ones_before_them(patient: Connect) -> None:
    rows = json.dumps({"a": list(range(5000)), "b": [0]}).encode()
    with patient() as wire:
        wire.send(post(rows) + GET + post(rows) + GET)
        for _ in range(2):
            assert len(json.loads(wire.receive().body)["probs"]) == 5000
            assert json.loads(wire.receive().body)["status"] == "ok"


def test_a_request_may_come_byte_by_byte(connect: Connect) -> None:
    with connect() as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(ROW):
            wire.send(bytes([byte]))
        assert wire.receive().body == HALF


def test_chunked_bodies(connect: Connect) -> None:
    chunks = b"".join(b"1;ext=1\r\n%c\r\n" % byte for byte in ROW) + b"0\r\nTrailer: x\r\n\r\n"
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connect() as wire:
        wire.send(head + chunks + GET)
        assert wire.receive().body == HALF
        assert wire.receive().status == 200


def test_expect_continue(connect: Connect) -> None:
    with connect() as wire:
        wire.send(post(b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 15"))
        assert wire.receive().status == 100
        wire.send(ROW)
        assert wire.receive().body == HALF


def test_expect_continue_waits_for_earlier_answers(connect: Connect) -> None:
    rows = json.dumps({"a": list(range(5000)), "b": [0]}).encode()
    head = post(b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 15")
    with connect() as wire:
        wire.send(post(rows) + head)
        assert wire.receive().status == 200
        assert wire.receive().status == 100
        wire.send(ROW)
        assert wire.receive().body == HALF


def test_a_body_announced_too_large_is_refused_before_it_is_sent(connect: Connect) -> None:
    with connect() as wire:
        wire.send(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = wire.receive()
        assert (answer.status, answer.code) == (413, "SR655")
        assert "Connection: close" in answer.head
        assert wire.is_closed()


def test_an_unknown_expectation_cannot_be_met(connect: Connect) -> None:
    with connect() as wire:
        wire.send(post(ROW, "Expect: a miracle"))
        assert wire.receive().status == 417


def test_a_client_that_sends_on_after_a_refusal_reads_why(connect: Connect) -> None:
    with connect() as wire:
        wire.send(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(64):
            wire.send(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        answer = wire.receive()
        assert (answer.status, answer.code) == (413, "SR655")
        assert wire.is_closed()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 2048 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 400 + b"\r\n", 431),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_connection_ended(
    connect: Connect, request_bytes: bytes, status: int
) -> None:
    with connect() as wire:
        wire.send(request_bytes)
        answer = wire.receive()
        assert (answer.status, answer.code) == (status, "SR661")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.is_closed()


def test_a_header_without_end_is_cut_off(connect: Connect) -> None:
    with connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: ")
        for _ in range(40):
            time.sleep(0.001)
            wire.send(b"x" * 100)
        assert wire.receive().status == 431


def test_trailers_without_end_are_cut_off(connect: Connect) -> None:
    with connect() as wire:
        wire.send(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n0\r\n")
        time.sleep(0.05)
        wire.send(b"X-Endless: ")
        for _ in range(40):
            time.sleep(0.001)
            wire.send(b"x" * 100)
        assert wire.receive().status == 431


def test_earlier_requests_are_answered_before_a_refusal(connect: Connect) -> None:
    with connect() as wire:
        wire.send(post(ROW) + b"nonsense\r\n\r\n")
        assert wire.receive().body == HALF
        assert wire.receive().status == 400


def test_connection_close_is_honoured(connect: Connect) -> None:
    with connect() as wire:
        wire.send(post(ROW, "Connection: close") + GET)
        answer = wire.receive()
        assert answer.body == HALF
        assert "Connection: close" in answer.head
        assert wire.is_closed()


def test_http_1_0_closes_unless_asked_not_to(connect: Connect) -> None:
    with connect() as wire:
        wire.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert "Connection: keep-alive" in wire.receive().head
        wire.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert wire.receive().status == 200
        assert wire.is_closed()


def test_a_half_closed_client_gets_all_its_answers(connect: Connect) -> None:
    rows = json.dumps({"a": list(range(5000)), "b": [0]}).encode()
    with connect() as wire:
        wire.send(post(rows) + post(ROW))
        wire.socket.shutdown(socket.SHUT_WR)
        assert len(json.loads(wire.receive().body)["probs"]) == 5000
        assert wire.receive().body == HALF
        assert wire.is_closed()


def test_head_has_no_body(connect: Connect) -> None:
    with connect() as wire:
        wire.send(GET.replace(b"GET", b"HEAD") + GET)
        head = wire.receive(body=False)
        assert head.status == 200
        full = wire.receive()
        assert f"Content-Length: {len(full.body)}" in head.head


def test_an_offer_to_upgrade_is_passed_over(connect: Connect) -> None:
    offer = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk",
    )
    request = post(ROW, *offer)
    with connect() as wire:
        wire.send(
            request + GET.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost") + request[:-5]
        )
        assert wire.receive().body == HALF
        assert wire.receive().status == 200
        wire.send(request[-5:])
        assert wire.receive().body == HALF
        wire.send(post(b"", *offer, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b""))
        assert wire.receive().status == 400


def test_the_target_may_be_absolute_and_have_a_query(connect: Connect) -> None:
    with connect() as wire:
        wire.send(post(ROW, path="http://host:80/predict?x=1"))
        assert wire.receive().body == HALF


def test_connect_is_no_method_of_ours(connect: Connect) -> None:
    with connect() as wire:
        wire.send(b"CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n\r\n")
        assert wire.receive().status == 404
        assert wire.is_closed()


def test_a_request_that_does_not_arrive_in_time(connect: Connect) -> None:
    with connect() as wire:
        wire.send(post(ROW)[:-3])
        answer = wire.receive()
        assert (answer.status, answer.code) == (408, "SR661")


def test_a_connection_at_rest_is_closed(connect: Connect) -> None:
    with connect() as fresh, connect() as used:
        used.send(GET)
        used.receive()
        assert fresh.is_closed()
        assert used.is_closed()


def test_a_client_that_does_not_read_is_let_go(server: Any, connect: Connect) -> None:
    rows = json.dumps({"a": [1] * 9000, "b": [0]}).encode()
    with connect() as wire:
        wire.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):  # its requests are not read any more
            wire.send(post(rows) * 1000)
        wire.socket.settimeout(10)
        time.sleep(LIMITS.write_timeout + 0.6)
        wire.read_all()
    assert server.call("GET", "/healthz").status == 200


def test_a_client_that_goes_away_leaves_nothing_behind(server: Any, connect: Connect) -> None:
    def answered() -> float:
        metrics: dict[str, float] = server.metrics()
        return sum(v for k, v in metrics.items() if k.startswith("sqlrec_requests_total"))

    before = answered()
    with connect() as wire:
        wire.send(post(b"x" * 60_000)[:-1])
    with connect() as wire:
        wire.send(post(json.dumps({"a": [1] * 9000, "b": [0]}).encode()))
    deadline = time.monotonic() + 5
    while answered() <= before:
        assert time.monotonic() < deadline
    assert server.metrics()['sqlrec_requests_in_flight{service="ranker"}'] == 0
    assert server.server.connections.held_bytes == 0
