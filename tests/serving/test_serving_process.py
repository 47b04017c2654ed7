"""The server as its users start it: a process, its exit status, its signals, its successor."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from sqlrec.errors import SetupError
from sqlrec.serving import command
from sqlrec.serving.config import ServeConfig
from sqlrec.spec import codec
from sqlrec.spec.job import Resources
from sqlrec.spec.service import ServiceSpec

MakeSpec = Callable[..., ServiceSpec]


class Process:
    """One server process."""

    def __init__(self, spec: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "sqlrec.serving", "--spec", str(spec), *arguments]
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def event(self, name: str) -> dict[str, Any]:
        """The next line on stdout, which must be this event."""
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        assert line, self.end()[1]
        found: dict[str, Any] = json.loads(line)
        assert found["event"] == name
        return found

    def ready(self) -> int:
        """The private port, once the model is warm."""
        port = int(self.event("listening")["private_port"])
        deadline = time.monotonic() + 20
        while call(port, "GET", "/readyz")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return port

    def end(self) -> tuple[int, str]:
        """Exit status and stderr."""
        _, errors = self.popen.communicate(timeout=20)
        return self.popen.returncode, errors

    def terminate(self) -> tuple[int, str]:
        """SIGTERM, and what came of it."""
        self.popen.send_signal(signal.SIGTERM)
        return self.end()


def call(port: int, method: str, path: str, document: object = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, json.dumps(document) if document is not None else None)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def spec_file(add_folder: Path, make_spec: MakeSpec, tmp_path: Path) -> Path:
    return write(tmp_path / "service.json", make_spec(add_folder))


def write(path: Path, spec: ServiceSpec) -> Path:
    path.write_text(codec.dumps(spec))
    return path


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """``start(spec, *arguments)``; what is left running is killed in the end."""
    started: list[Process] = []

    def start_one(spec: Path, *arguments: str) -> Process:
        started.append(Process(spec, *arguments))
        return started[-1]

    yield start_one
    for process in started:
        process.popen.kill()
        process.popen.communicate()


Start = Callable[..., Process]


def test_life_of_a_server(spec_file: Path, start: Start) -> None:
    port = free_port()
    server = start(spec_file, "--port", str(port))
    private = server.ready()
    with pytest.raises(ConnectionRefusedError):  # not before it is told to
        call(port, "GET", "/healthz")
    assert call(private, "POST", "/predict", [{"a": 0, "b": 0}]) == (200, {"probs": [0.5]})

    for _ in range(2):  # telling it twice is no error
        url = f"http://127.0.0.1:{port}/predict"
        assert call(private, "POST", "/admin/activate") == (200, {"url": url})
    assert call(port, "POST", "/predict", [{"a": 0, "b": 0}]) == (200, {"probs": [0.5]})
    assert call(port, "POST", "/admin/activate")[0] == 404

    status, errors = server.terminate()
    assert status == 0
    events = [json.loads(line)["event"] for line in errors.splitlines()]
    assert events == ["ready", "active", "draining", "stopped"]


def test_a_server_may_open_its_port_by_itself(spec_file: Path, start: Start) -> None:
    server = start(spec_file, "--activate", "--access-log")
    server.event("listening")
    url = server.event("active")["url"]
    headers = {"X-Request-Id": "r7"}
    assert httpx.post(url, json=[{"a": 0, "b": 0}], headers=headers).json() == {"probs": [0.5]}
    assert httpx.post(url, content=b"{").status_code == 400
    server.popen.send_signal(signal.SIGINT)
    status, errors = server.end()
    assert status == 0
    lines = [json.loads(line) for line in errors.splitlines()]
    first, second = [line for line in lines if line["event"] == "predict"]
    assert (first["id"], first["code"], first["rows"], first["version"]) == ("r7", 200, 1, 3)
    assert (second["code"], second["rows"]) == (400, 0)
    assert "SR650" in second["error"]


def test_draining_finishes_what_is_under_way(spec_file: Path, start: Start) -> None:
    server = start(spec_file, "--activate", "--drain-seconds", "0.5")
    private = server.ready()
    port = int(server.event("active")["url"].split(":")[2].split("/")[0])
    slow = socket.create_connection(("127.0.0.1", port), timeout=10)
    slow.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n[{")
    resting = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    resting.request("GET", "/readyz")
    assert resting.getresponse().read() == b'{"status":"ready"}'

    server.popen.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 5
    while call(private, "GET", "/readyz")[0] != 503:
        assert time.monotonic() < deadline
    assert call(private, "GET", "/healthz")[1]["status"] == "draining"
    resting.request("POST", "/predict", '[{"a":0,"b":0}]')
    answer = resting.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    late = socket.create_connection(("127.0.0.1", port), timeout=10)  # the port is still open
    time.sleep(0.7)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    slow.sendall(b'"a":0,"b":0}]')
    assert slow.recv(4096).endswith(b'{"probs":[0.5]}')
    late.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert late.recv(4096).startswith(b"HTTP/1.1 200")
    for connection in (slow, late):
        connection.close()
    resting.close()
    assert server.end()[0] == 0


def test_a_standby_stops_at_once(spec_file: Path, start: Start) -> None:
    server = start(spec_file, "--drain-seconds", "30")
    server.ready()
    assert server.terminate()[0] == 0


def test_another_service_on_the_port_is_not_joined(
    add_folder: Path, make_spec: MakeSpec, tmp_path: Path, start: Start
) -> None:
    port = str(free_port())
    first = start(
        write(tmp_path / "a.json", make_spec(add_folder, name="first")), "--port", port, "--activate"
    )
    second = start(write(tmp_path / "b.json", make_spec(add_folder, name="second")), "--port", port)
    first.ready()
    first.event("active")
    private = second.ready()
    status, answer = call(private, "POST", "/admin/activate")
    assert (status, answer["error"]["code"]) == (409, "SR673")
    assert answer["error"]["message"] == f"127.0.0.1:{port} is held by service first"
    assert call(private, "GET", "/readyz")[0] == 200


def test_a_stranger_on_the_port_is_not_joined(spec_file: Path, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as silent:
        port = silent.getsockname()[1]
        server = start(spec_file, "--port", str(port), "--activate")
        status, errors = server.end()
    assert status == 1
    assert errors.splitlines()[-1].startswith(f"[SR673] 127.0.0.1:{port} is held by something")


def failing(spec: Path, start: Start, *arguments: str) -> str:
    """The one line that a server which cannot start leaves behind."""
    status, errors = start(spec, *arguments).end()
    assert status == 1
    (line,) = errors.splitlines()
    return line


def test_a_taken_private_port(spec_file: Path, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = failing(spec_file, start, "--private-port", str(port))
    assert line.startswith(f"[SR673] cannot listen on 127.0.0.1:{port}: Address already in use")


def test_an_address_that_is_not_ours(spec_file: Path, start: Start) -> None:
    server = start(spec_file, "--host", "192.0.2.1", "--port", "0", "--activate")
    status, errors = server.end()
    assert status == 1
    assert errors.splitlines()[-1].startswith("[SR673] cannot listen on 192.0.2.1:0")


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1, "value": {"name": 5}}', "\x00"])
def test_a_broken_spec(tmp_path: Path, start: Start, text: str) -> None:
    path = tmp_path / "service.json"
    path.write_text(text)
    assert failing(path, start).startswith(f"[SR670] {path} is no service spec")


def test_a_spec_that_is_not_there(tmp_path: Path, start: Start) -> None:
    assert "No such file" in failing(tmp_path / "no.json", start)


def test_a_model_that_is_not_there(
    spec_file: Path, add_folder: Path, make_spec: MakeSpec, start: Start
) -> None:
    spec = make_spec(add_folder)
    write(spec_file, replace(spec, models=(replace(spec.own, model_uri="/nowhere"),)))
    assert failing(spec_file, start) == "[SR501] /nowhere holds no finished result"


def parse_arguments(arguments: list[str]) -> ServeConfig[ServiceSpec]:
    return command.parse_arguments(arguments, ServiceSpec, "sqlrec.serving")


@pytest.mark.parametrize(("cpu", "threads"), [("1", 1), ("2.5", 3), ("500m", 1), ("4000m", 4)])
def test_threads_follow_the_cpu_request(
    spec_file: Path, add_folder: Path, make_spec: MakeSpec, cpu: str, threads: int
) -> None:
    write(spec_file, replace(make_spec(add_folder), resources=Resources(cpu=cpu)))
    assert parse_arguments(["--spec", str(spec_file)]).threads == threads
    assert parse_arguments(["--spec", str(spec_file), "--threads", "7"]).threads == 7


def test_a_cpu_request_that_is_no_number(spec_file: Path, add_folder: Path, make_spec: MakeSpec) -> None:
    write(spec_file, replace(make_spec(add_folder), resources=Resources(cpu="many")))
    with pytest.raises(SetupError, match="'many' CPUs"):
        parse_arguments(["--spec", str(spec_file)])


def test_the_queue_holds_at_least_two_of_the_largest_bodies(spec_file: Path) -> None:
    limits = parse_arguments(
        ["--spec", str(spec_file), "--max-body-bytes", str(10**9), "--max-rows", "7"]
    ).limits
    assert (limits.body_bytes, limits.queue_bytes, limits.rows) == (10**9, 2 * 10**9, 7)


@pytest.mark.parametrize("port", ["70000", "-1", "x"])
def test_a_port_that_does_not_exist(spec_file: Path, port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--spec", str(spec_file), f"--private-port={port}"])
    assert "--private-port" in capsys.readouterr().err


class Load:
    """Clients that predict without pause, some over connections they keep, some over new ones."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers = 0
        self.failures: list[str] = []
        self.versions: set[int] = set()
        self._stop = threading.Event()
        clients = [self._keeping, self._keeping, self._connecting, self._connecting]
        self._threads = [threading.Thread(target=client) for client in clients]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _keeping(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                try:
                    reply = client.post(f"http://127.0.0.1:{self.port}/predict", json=[{"a": 0, "b": 0}])
                    self._count(reply.status_code == 200 and reply.json() == {"probs": [0.5]}, reply.text)
                except httpx.HTTPError as error:
                    self._count(False, repr(error))

    def _connecting(self) -> None:
        while not self._stop.is_set():
            try:
                status, state = call(self.port, "GET", "/healthz")
                self.versions.add(state["version"])
                self._count(status == 200, str(status))
                status, answer = call(self.port, "POST", "/predict", [{"a": 0, "b": 0}])
                self._count(status == 200 and answer == {"probs": [0.5]}, str(answer))
            except OSError as error:
                self._count(False, repr(error))

    def _count(self, good: bool, otherwise: str) -> None:
        self.answers += 1
        if not good:
            self.failures.append(otherwise)


def test_a_handover_loses_nothing(
    add_folder: Path, make_spec: MakeSpec, tmp_path: Path, start: Start
) -> None:
    port = free_port()
    specs = [write(tmp_path / f"{v}.json", make_spec(add_folder, version=v)) for v in (1, 2, 3)]
    arguments = ("--port", str(port), "--drain-seconds", "0.3")
    old, *successors = [start(spec, *arguments) for spec in specs]
    assert call(old.ready(), "POST", "/admin/activate")[0] == 200
    with Load(port) as load:
        for new in successors:
            private = new.ready()
            assert call(private, "POST", "/predict", [{"a": 0, "b": 0}])[0] == 200
            assert call(private, "POST", "/admin/activate")[0] == 200
            assert old.terminate()[0] == 0
            old = new
        time.sleep(0.2)
    assert load.failures == []
    assert load.answers > 100
    assert load.versions == {1, 2, 3}
    assert call(port, "GET", "/healthz")[1]["version"] == 3
    assert old.terminate()[0] == 0


@pytest.mark.parametrize("program", ["sqlrec.serving", "sqlrec.programs"])
def test_a_process_that_still_imports_ends_on_sigterm(program: str, tmp_path: Path) -> None:
    """As the first process of a container it would be deaf without a handler of its own."""
    hook = "import signal, runpy, sqlrec.serving.early as early; heed = early.heed_sigterm"
    hook += "\ndef heard():\n    heed(); signal.raise_signal(signal.SIGTERM)"
    hook += f"\nearly.heed_sigterm = heard\nrunpy.run_module({program!r}, run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", hook], check=False, timeout=60)
    assert ended.returncode == 128 + signal.SIGTERM
