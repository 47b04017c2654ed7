"""A big batch keeps neither health checks nor small requests waiting; what waits is bounded."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlrec.serving.config import Limits
from sqlrec.spec.service import ServiceSpec

ROWS = 30_000
BIG = json.dumps({"vector": [[0.5] * 8] * ROWS}).encode()
SMALL = [{"vector": [1.0] * 8}]


@pytest.fixture(scope="module")
def server(
    network_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    limits = Limits(queue_bytes=2 * len(BIG) + 50_000, connections=20)
    with serve(make_spec(network_folder), limits=limits) as running:
        running.predict(SMALL)
        yield running


class Background:
    """A request under way in a thread."""

    def __init__(self, server: Any) -> None:
        self.reply: Any = None
        self._thread = threading.Thread(target=self._call, args=(server,))
        self._thread.start()

    def _call(self, server: Any) -> None:
        self.reply = server.call("POST", "/predict", BIG)

    def wait(self) -> Any:
        self._thread.join(60)
        return self.reply


def until_in_flight(server: Any, number: int) -> None:
    deadline = time.monotonic() + 20
    while server.metrics()['sqlrec_requests_in_flight{service="ranker"}'] < number:
        assert time.monotonic() < deadline


def test_health_and_small_requests_overtake_a_big_one(server: Any) -> None:
    big = Background(server)
    until_in_flight(server, 1)
    assert server.call("GET", "/healthz").status == 200
    assert server.call("GET", "/readyz").status == 200
    assert server.predict(SMALL).status == 200
    assert big.reply is None
    reply = big.wait()
    assert reply.status == 200
    assert len(reply.json["probs"]) == ROWS


def test_a_full_queue_refuses_and_recovers(server: Any) -> None:
    """Two such requests may wait."""
    replies = [request.wait() for request in [Background(server) for _ in range(6)]]
    assert {reply.status for reply in replies} == {200, 429}
    for reply in replies:
        if reply.status == 429:
            assert reply.json["error"]["code"] == "SR658"
            assert int(reply.headers["Retry-After"]) >= 1
    assert server.call("POST", "/predict", BIG).status == 200


def test_too_many_bodies_under_way_are_refused(server: Any) -> None:
    """Bodies that are being received are bounded, too, whoever sends them."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (len(BIG) + 1)
    senders = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(3)]
    try:
        for sender in senders:
            sender.sendall(head + BIG)
        answers = []
        for sender in senders:
            sender.settimeout(1.0)
            try:
                answers.append(sender.recv(65536)[:12])
            except TimeoutError:
                answers.append(b"waiting")
        assert sorted(answers) == [b"HTTP/1.1 503", b"waiting", b"waiting"]
    finally:
        for sender in senders:
            sender.close()
    assert server.predict(SMALL).status == 200


def test_connections_of_the_service_port_are_bounded(server: Any) -> None:
    url = server.call("POST", "/admin/activate").json["url"]
    port = int(url.split(":")[2].split("/")[0])
    held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(20)]
    try:
        time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as extra:
            answer = extra.recv(65536)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"too many connections" in answer
        assert server.call("GET", "/healthz").status == 200  # the private port still answers
    finally:
        for connection in held:
            connection.close()
