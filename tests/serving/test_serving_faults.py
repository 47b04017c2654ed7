"""What clients, machines and files do wrong, done to a real server process: it answers as its documents say,
goes on, and keeps nothing of it."""

from __future__ import annotations

import ast
import contextlib
import http.client
import json
import random
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import sqlrec.serving
from sqlrec.spec import codec
from sqlrec.spec.schema import DataType
from sqlrec.spec.service import ServiceSpec
from sqlrec.spec.signature import InputColumn, OutputColumn
from tests.serving.processes import PATIENCE, ServerProcess, call, until

MakeSpec = Callable[..., ServiceSpec]

BODY_LIMIT = 1 << 20
ROWS = 50_000
MARGIN = 64.0
"""MB that the server may have grown in the end: far less than any of the floods below sends."""
CLIENTS_FAULT = {400, 404, 405, 408, 413, 414, 415, 417, 422, 431}
ROW = b'[{"a":0,"b":0}]'
ANSWER = (200, b'{"probs":[0.5]}')
POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
BIG = json.dumps({"a": [1] * ROWS, "b": [0]}).encode()


@pytest.fixture(scope="module")
def process(
    add_folder: Path, make_spec: MakeSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    arguments = ("--max-body-bytes", str(BODY_LIMIT), "--request-timeout", "2", "--queue-timeout", "0.3")
    with ServerProcess(make_spec(add_folder), tmp_path_factory.mktemp("faults"), *arguments) as server:
        yield server


@pytest.fixture
def server(process: ServerProcess) -> Iterator[ServerProcess]:
    """The server, before and after a test in good order and of one size."""
    for body in (ROW, BIG):
        assert process.call("POST", "/predict", body)[0] == 200
    before = process.footprint()
    yield process
    assert process.popen.poll() is None
    assert process.call("POST", "/predict", ROW) == ANSWER
    assert process.call("GET", "/readyz")[0] == 200
    until(lambda: process.footprint().files <= before.files, process.footprint)
    after = process.footprint()
    assert after.megabytes < before.megabytes + MARGIN
    assert after.threads <= before.threads + 1
    assert [event for event in process.events() if event["event"] == "error"] == []


def connect(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def said(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection, or resets it."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionError:
        pass
    return received


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def send_all(server: ServerProcess, data: bytes) -> bytes:
    """The answers to bytes after which nothing more comes."""
    with connect(server) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # refused already
            pass
        return said(connection)


def damaged(random_: random.Random, data: bytes) -> bytes:
    """With some bytes replaced, left out, doubled or put in."""
    changed = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(changed))
        match random_.randrange(4):
            case 0:
                changed[at] = random_.randrange(256)
            case 1:
                del changed[at : at + random_.randint(1, 8)]
            case 2:
                changed[at:at] = changed[at : at + random_.randint(1, 64)]
            case _:
                changed[at:at] = random_.randbytes(random_.randint(1, 8))
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def test_garbage(server: ServerProcess) -> None:
    random_ = random.Random(5)
    for _ in range(60):
        received = send_all(server, random_.randbytes(random_.randint(1, 3000)))
        assert set(statuses(received)) <= CLIENTS_FAULT


def test_damaged_requests(server: ServerProcess) -> None:
    random_ = random.Random(6)
    chunks = b"3\r\n[{}\r\n1\r\n]\r\n0\r\n\r\n"
    chunked = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    for _ in range(150):
        whole = random_.choice(
            (POST % (len(ROW), ROW), chunked, b"GET /v1/signature HTTP/1.1\r\nHost: x\r\n\r\n")
        )
        assert set(statuses(send_all(server, damaged(random_, whole)))) <= CLIENTS_FAULT | {200}


def test_requests_that_end_anywhere(server: ServerProcess) -> None:
    random_ = random.Random(7)
    whole = POST % (len(BIG), BIG)
    for _ in range(60):
        cut = random_.choice((random_.randrange(80), random_.randrange(len(whole))))
        with connect(server) as connection:
            connection.sendall(whole[:cut])
            if random_.random() < 0.5:  # reset it
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_clients_that_do_not_wait_for_their_answer(server: ServerProcess) -> None:
    for _ in range(30):
        with connect(server) as connection:
            connection.sendall(POST % (len(BIG), BIG))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"null", 400),
        (b'"a"', 400),
        (b"[1]", 400),
        (b'{"a": 1, "b": 2}', 400),
        (b"[" * 100_000, 400),
        (b'{"a": [1, 2, 3], "b": [1, 2]}', 422),
        (b'[{"a": 1}]', 422),
        (b'[{"a": "1", "b": 1}]', 422),
        (b'[{"a": [], "b": 1}]', 422),
        (b'[{"a": {}, "b": 1}]', 422),
        (b'[{"a": 1.5, "b": 1}]', 422),
        (b'[{"a": 1e400, "b": 1}]', 400),
        (b'[{"a": 9223372036854775808, "b": 1}]', 422),
        (b'[{"a": ' + b"9" * 5000 + b', "b": 1}]', 400),
        (b'[{"a": 1, "b": NaN}]', 400),
        (b'[{"a": 1, "b": 1}, 5]', 400),
    ],
)
def test_wrong_types(server: ServerProcess, body: bytes, status: int) -> None:
    found, answer = server.call("POST", "/predict", body)
    assert found == status
    error = json.loads(answer)["error"]
    assert error["code"].startswith("SR")
    assert error["message"]


def test_bodies_around_the_limit(server: ServerProcess) -> None:
    assert server.call("POST", "/predict", ROW.ljust(BODY_LIMIT)) == ANSWER
    status, answer = server.call("POST", "/predict", ROW.ljust(BODY_LIMIT + 1))
    assert (status, json.loads(answer)["error"]["code"]) == (413, "SR655")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_hundred_megabytes_are_refused_and_not_kept(server: ServerProcess, chunked: bool) -> None:
    size, piece = 100 << 20, b" " * (1 << 20)
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    before, largest = server.footprint().megabytes, 0.0
    with connect(server) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % length)
        try:
            for _ in range(size // len(piece)):
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                largest = max(largest, server.footprint().megabytes)
        except ConnectionError:
            pass  # the server has heard enough
        received = said(connection)
    assert largest < before + MARGIN
    assert not received or statuses(received) == [413]  # a reset may overtake the answer


def test_slow_clients_are_told_and_hold_up_nobody(server: ServerProcess) -> None:
    slow = [connect(server) for _ in range(40)]
    parts = (b"POST /predict HTTP/1.1\r\nHost: x\r\nX-A: ", POST % (len(ROW), ROW[:-1]))
    for index, connection in enumerate(slow):
        connection.sendall(parts[index % 2])
    for _ in range(20):
        assert server.call("POST", "/predict", ROW) == ANSWER
    for connection in slow:
        assert statuses(said(connection)) == [408]
        connection.close()


def test_a_client_that_reads_nothing_is_not_read_on(server: ServerProcess) -> None:
    request = POST % (len(BIG), BIG)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.settimeout(1.0)
    sent = 0
    with connection, contextlib.suppress(TimeoutError):
        while sent < 1000 * len(request):
            sent += connection.send(request)
    assert sent < 200 * len(request)
    assert server.call("POST", "/predict", ROW) == ANSWER


def test_ten_times_too_much(server: ServerProcess) -> None:
    """Forty clients at once, each with requests that keep the model busy."""

    def ask(_: int) -> list[tuple[int, bytes]]:
        return [server.call("POST", "/predict", BIG) for _ in range(5)]

    with ThreadPoolExecutor(40) as clients:
        answers = [answer for several in clients.map(ask, range(40)) for answer in several]
    found = {status for status, _ in answers}
    assert 200 in found
    assert found <= {200, 429, 503, 504}
    for status, body in answers:
        document = json.loads(body)
        assert len(document["probs"]) == ROWS if status == 200 else document["error"]["code"]


@pytest.fixture
def wide(publish_model: Callable[..., Path], make_spec: MakeSpec) -> ServiceSpec:
    """total = the sum of a list of any length; a text is taken and passed over."""
    nodes = [
        helper.make_node("ReduceSum", ["list", "one"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["total"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("list", TensorProto.INT64, ["rows", "length"]),
            helper.make_tensor_value_info("text", TensorProto.STRING, ["rows"]),
        ],
        [helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(np.array([1]), "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    inputs = [
        InputColumn(name="list", type=DataType.parse("ARRAY<BIGINT>"), tensor="int64", is_array=True),
        InputColumn(name="text", type=DataType.parse("STRING"), tensor="string"),
    ]
    return make_spec(publish_model(model, inputs, [OutputColumn(name="total", type=DataType.parse("FLOAT"))]))


def test_many_small_bodies_do_not_become_large_together(wide: ServiceSpec, tmp_path: Path) -> None:
    """Each is 20 MB of integers, 0.5 GB of text or 0.8 GB of integers when it is read."""
    lists = json.dumps({"list": [[1] * 20_000, *[[2]] * 127], "text": ["x"]}).encode()
    texts = json.dumps({"list": [[3]] * 500, "text": ["x" * 1_000_000]}).encode()
    too_wide = json.dumps({"list": [[1] * 100_000, *[[2]] * 999], "text": ["x"]}).encode()
    answers = {lists: 200, texts: 413, too_wide: 413}
    with ServerProcess(wide, tmp_path) as server, ThreadPoolExecutor(24) as clients:
        for body, status in answers.items():  # once alone
            assert server.call("POST", "/predict", body)[0] == status
        before = server.peak()
        bodies = [lists] * 24 + [texts, too_wide] * 4
        found = list(clients.map(lambda body: server.call("POST", "/predict", body)[0], bodies))
        assert found == [answers[body] for body in bodies]
        assert server.peak() < before + 2 * MARGIN


def test_a_killed_process_leaves_the_port_to_the_others(
    add_folder: Path, make_spec: MakeSpec, tmp_path: Path
) -> None:
    with ServerProcess(make_spec(add_folder), tmp_path / "one") as first:
        port = str(first.port)
        with ServerProcess(make_spec(add_folder), tmp_path / "two", "--port", port) as second:
            first.popen.send_signal(signal.SIGKILL)
            first.popen.wait()
            for _ in range(20):
                assert second.call("POST", "/predict", ROW) == ANSWER
            with ServerProcess(make_spec(add_folder), tmp_path / "three", "--port", port) as third:
                second.popen.send_signal(signal.SIGKILL)
                second.popen.wait()
                assert third.call("POST", "/predict", ROW) == ANSWER


def test_a_file_that_was_damaged_after_its_export(
    add_folder: Path, make_spec: MakeSpec, publish_model: Callable[..., Path], add_model: Any, tmp_path: Path
) -> None:
    folder = publish_model(*add_model)
    spec = make_spec(folder, version=4)
    file = folder / "model.onnx"
    whole = file.read_bytes()
    with ServerProcess(make_spec(add_folder), tmp_path / "live") as server:
        for damage in (whole[:-9], b"", whole[:50] + b"\xff" + whole[51:]):
            file.write_bytes(damage)
            update = json.dumps({"slot": "m", "model": codec.encode(spec.own)})
            status, answer = call(server.private, "POST", "/admin/models/load", update)
            assert (status, json.loads(answer)["error"]["code"]) == (422, "SR671")
            assert server.call("POST", "/predict", ROW) == ANSWER
        with pytest.raises(AssertionError, match="SR671"):
            ServerProcess(spec, tmp_path / "start")
        file.write_bytes(whole)
        assert call(server.private, "POST", "/admin/models/load", update)[0] == 200


def test_the_end_under_load(add_folder: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """Every request that the server took is answered, then it is gone."""
    found: list[int] = []
    with ServerProcess(make_spec(add_folder), tmp_path, "--drain-seconds", "0.3") as server:

        def ask() -> None:
            try:
                while True:
                    found.append(server.call("POST", "/predict", BIG)[0])
            except http.client.RemoteDisconnected:
                found.append(0)
            except ConnectionError:  # nobody listens any more, or the port was closed before its turn
                return

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        until(lambda: len(found) > 8)
        server.popen.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(PATIENCE)
        assert server.popen.wait(PATIENCE) == 0
        assert server.events()[-1] == {**server.events()[-1], "event": "stopped", "finished": True}
    assert set(found) <= {200, 429}


TOLD = re.compile(r"since\b.* = .*\btime\.time\b|\bat=time\.time\(\)|time = datetime\.now\(UTC\)\.isoformat")
"""Where a time is only told to people. (The header Date is written by formatdate.)"""


def test_no_decision_is_by_the_clock_on_the_wall() -> None:
    clocks = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    found = set()
    for path in Path(sqlrec.serving.__file__).parent.rglob("*.py"):
        text = path.read_text()
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            assert not (isinstance(node, ast.ImportFrom) and node.module == "time"), path
            if isinstance(node, ast.Attribute) and ast.unparse(node) in clocks:
                line = lines[node.lineno - 1]
                found.add(ast.unparse(node))
                assert TOLD.search(line), f"{path.name}: {line.strip()}"
    assert found == {"time.time", "datetime.now"}  # the search does find them


def test_a_clock_that_jumps_changes_nothing(
    add_folder: Path, make_spec: MakeSpec, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, year = time.time, 365 * 86400.0
    with serve(make_spec(add_folder)) as server:
        for jump in (year, -year, -60 * year):
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
                connection.sendall((POST % (len(ROW), ROW))[:-1])
                with monkeypatch.context() as patched:
                    patched.setattr(time, "time", lambda by=jump: real() + by)
                    reply = server.call("POST", "/predict", ROW, X_Request_Timeout_Ms="30000")
                    assert (reply.status, reply.body) == ANSWER
                    connection.sendall(ROW[-1:])
                    assert connection.recv(65536).endswith(ANSWER[1])
                    assert server.call("GET", "/stats").status == 200
