"""Services as processes: replacement without an outage, failures that leave the old one alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sqlrec.errors import JobError, NameNotFoundError, RemoteError, SetupError
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec import codec
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec, ServiceState
from tests.asking import asking

COMMAND = (sys.executable, str(Path(__file__).with_name("program_server.py")))
MODEL = ModelSpec(name=ModelName.of("m"), type="t", columns=Schema(), outputs=Schema())


def service(checkpoint: str, *, behave: str = "", replicas: int = 1, name: str = "rank") -> ServiceSpec:
    return ServiceSpec(
        name=name,
        models=(
            ServedModel(
                model=MODEL,
                checkpoint=checkpoint,
                version=int(checkpoint.removeprefix("v")),
                model_uri="/models/m",
            ),
        ),
        replicas=replicas,
        options={"behave": behave} if behave else {},
    )


def ask(url: str) -> dict[str, object]:
    with urllib.request.urlopen(urllib.request.Request(url, data=b"[]"), timeout=10) as answer:
        body = json.load(answer)
        assert isinstance(body, dict)
        return body


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


@contextlib.contextmanager
def squat(port: int) -> Iterator[None]:
    """Listen on a port as any other program would."""
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        yield


class Proof:
    """A ``verify`` that uses the service and remembers which URLs it was given."""

    def __init__(self, *, shared_with: str = "") -> None:
        self.urls: list[str] = []
        self.shared_with = shared_with

    def __call__(self, endpoint: Endpoint) -> None:
        self.urls.append(endpoint.url)
        answer = ask(endpoint.url)["checkpoint"]
        if answer not in (endpoint.checkpoint, self.shared_with):
            raise RemoteError("SR601", f"{endpoint.url} answers {answer}", hint="look", retriable=False)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalServiceRuntime]:
    runtime = LocalServiceRuntime(tmp_path / "services", command=COMMAND, ready_timeout=15)
    yield runtime
    for name in ("rank", "other"):
        runtime.remove(name)


def processes(tmp_path: Path) -> int:
    """Server processes that run below the folder."""
    count = 0
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        count += line[1:2] == [COMMAND[1]] and str(tmp_path) in " ".join(line)
    return count


def record(tmp_path: Path) -> dict[str, object]:
    value = json.loads((tmp_path / "services" / "rank" / "service.json").read_text())["value"]
    assert isinstance(value, dict)
    return value


def test_processes_are_given_secrets_and_files_are_not(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    known = {"token": "hush", "key": "hush-hush"}
    knowing = LocalServiceRuntime(tmp_path / "services", command=COMMAND, secrets=known.get)
    told = replace(
        service("v1"), env={"TOKEN": "secret:token", "MODE": "a"}, options={"api_key": "secret:key"}
    )
    endpoint = knowing.apply(told, Proof())
    given = psutil.Process(int(str(ask(endpoint.url)["pid"]))).environ()
    assert (given["TOKEN"], given["MODE"], given["SQLREC_SECRET_KEY"]) == ("hush", "a", "hush-hush")
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert "hush" not in "".join(files)
    assert knowing.apply(told, Proof()) == endpoint
    with pytest.raises(NameNotFoundError, match=r"SR320.*'key' is not set"):
        runtime.apply(replace(told, replicas=2), Proof())
    assert knowing.endpoint("rank") == endpoint, "it goes on"


def test_a_new_service_is_proved_privately_and_publicly(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    proof = Proof()
    endpoint = runtime.apply(service("v1", replicas=2), proof)
    assert (endpoint.state, endpoint.checkpoint, endpoint.version) == (ServiceState.READY, "v1", 1)
    assert len(set(proof.urls)) == 3
    assert proof.urls[-1] == endpoint.url
    assert endpoint.url.endswith("/predict")
    assert runtime.endpoint("RANK") == endpoint
    assert runtime.endpoints() == (endpoint,)
    assert {ask(endpoint.url)["pid"] for _ in range(40)} != {os.getpid()}
    assert processes(tmp_path) == 2


def test_the_same_specification_again_changes_nothing(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    first = runtime.apply(service("v1"), Proof())
    before = record(tmp_path)
    proof = Proof()
    assert runtime.apply(service("v1"), proof) == first
    assert proof.urls == []
    assert record(tmp_path) == before


def test_replacing_keeps_the_url_and_drops_no_request(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    url = runtime.apply(service("v1"), Proof()).url
    with asking(lambda: ask(url)["checkpoint"], clients=1) as seen:
        endpoint = runtime.apply(service("v2"), Proof(shared_with="v1"))
    assert endpoint.url == url
    assert set(seen) <= {"v1", "v2"}
    assert [ask(url)["checkpoint"] for _ in range(5)] == ["v2"] * 5
    assert processes(tmp_path) == 1


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        ("crash", "exit status 1\ncannot load model.onnx: no such file"),
        ("wrong", "answers other\nloading"),
        ("shy", "does not join the port"),
    ],
)
def test_a_bad_revision_leaves_the_old_one_alone(
    tmp_path: Path, runtime: LocalServiceRuntime, behave: str, reason: str
) -> None:
    old = runtime.apply(service("v1"), Proof())
    before, pid = record(tmp_path), ask(old.url)["pid"]
    with pytest.raises(JobError) as caught:
        runtime.apply(service("v2", behave=behave), Proof())
    assert caught.value.code == "SR506"
    assert reason in caught.value.message
    assert record(tmp_path) == before
    assert ask(old.url) == {"checkpoint": "v1", "pid": pid}
    assert processes(tmp_path) == 1
    assert runtime.apply(service("v3"), Proof(shared_with="v1")).checkpoint == "v3"


def test_a_server_that_never_gets_ready_is_given_up(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    hasty = LocalServiceRuntime(tmp_path / "services", command=COMMAND, ready_timeout=0.5)
    with pytest.raises(JobError, match="not ready in time"):
        hasty.apply(service("v1", behave="never"), Proof())
    assert runtime.endpoint("rank") is None
    assert processes(tmp_path) == 0


def test_a_server_that_cannot_be_started(tmp_path: Path) -> None:
    runtime = LocalServiceRuntime(tmp_path / "services", command=["/no/such/server"])
    with pytest.raises(JobError, match="cannot start /no/such/server"):
        runtime.apply(service("v1"), Proof())


def test_a_dead_service_is_seen_and_comes_back_on_its_port(
    tmp_path: Path, runtime: LocalServiceRuntime
) -> None:
    first = runtime.apply(service("v1"), Proof())
    pid = ask(first.url)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (seen := runtime.endpoint("rank")) and seen.state is not ServiceState.DEAD:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert seen is not None
    assert "killed by SIGKILL" in seen.detail
    assert runtime.apply(service("v1"), Proof()) == first


def test_a_port_taken_by_somebody_else_is_told(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    first = runtime.apply(service("v1"), Proof())
    runtime.stop("rank")
    port = port_of(first.url)
    with squat(port):
        with pytest.raises(JobError, match=f"port {port} .* is used by process {os.getpid()}") as caught:
            runtime.apply(service("v1"), Proof())
        assert caught.value.code == "SR507"
        other = runtime.apply(service("v1", name="other"), Proof())
        assert other.url != first.url
    assert runtime.apply(service("v1"), Proof()) == first


def test_a_new_service_passes_over_a_taken_port(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    url = runtime.apply(service("v1"), Proof()).url
    runtime.remove("rank")
    with squat(port_of(url)):
        assert runtime.apply(service("v1"), Proof()).url != url


def test_stop_keeps_the_service_and_remove_forgets_it(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    first = runtime.apply(service("v1"), Proof())
    assert "loading" in runtime.logs("rank")
    runtime.stop("rank")
    seen = runtime.endpoint("rank")
    assert seen is not None
    assert seen.state is ServiceState.STOPPED
    assert "drained" in runtime.logs("rank"), "stopping is polite"
    assert processes(tmp_path) == 0
    assert runtime.apply(service("v1"), Proof()) == first
    runtime.remove("rank")
    runtime.remove("rank")
    assert runtime.endpoint("rank") is None
    assert runtime.logs("rank") == ""
    assert processes(tmp_path) == 0


def test_files_of_old_revisions_go(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    for version in range(1, 8):
        runtime.apply(service(f"v{version}"), lambda endpoint: None)
    folder = tmp_path / "services" / "rank"
    assert sorted(p.name for p in folder.glob("spec.*")) == [f"spec.{n}.json" for n in (3, 4, 5, 6, 7)]
    assert len(list(folder.glob("server.*.log"))) == 5


def test_an_interrupted_deployment_takes_its_processes_along(
    tmp_path: Path, runtime: LocalServiceRuntime
) -> None:
    old = runtime.apply(service("v1"), Proof())

    def interrupt(endpoint: Endpoint) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.apply(service("v2"), interrupt)
    assert processes(tmp_path) == 1
    assert runtime.endpoint("rank") == old


def test_two_deployments_at_once_take_turns(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    problems: list[Exception] = []

    def deploy(checkpoint: str) -> None:
        try:
            LocalServiceRuntime(tmp_path / "services", command=COMMAND).apply(
                service(checkpoint), lambda endpoint: None
            )
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=deploy, args=(f"v{i}",)) for i in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert record(tmp_path)["revision"] == 3
    assert processes(tmp_path) == 1


def test_a_killed_deployment_leaves_nothing_behind_after_the_retry(
    tmp_path: Path, runtime: LocalServiceRuntime
) -> None:
    runtime.apply(service("v1"), Proof())
    text = (
        "import os, sys; from pathlib import Path; from sqlrec.spec import codec;"
        "from sqlrec.spec.service import ServiceSpec;"
        "from sqlrec.runtimes.local.services import LocalServiceRuntime as R;"
        "R(Path(sys.argv[1]), command=sys.argv[3:])"
        ".apply(codec.loads(ServiceSpec, sys.argv[2]), lambda e: os.kill(os.getpid(), 9))"
    )
    root, spec = str(tmp_path / "services"), codec.dumps(service("v2"))
    killed = subprocess.run([sys.executable, "-c", text, root, spec, *COMMAND], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert processes(tmp_path) == 2, "the killed deployment left a process"
    seen = runtime.endpoint("rank")
    assert seen is not None
    assert seen.checkpoint == "v1"
    assert runtime.apply(service("v2"), Proof(shared_with="v1")).checkpoint == "v2"
    assert processes(tmp_path) == 1


def test_services_survive_the_process_that_deployed_them(
    tmp_path: Path, runtime: LocalServiceRuntime
) -> None:
    text = (
        "import sys; from pathlib import Path; from sqlrec.spec import codec;"
        "from sqlrec.spec.service import ServiceSpec;"
        "from sqlrec.runtimes.local.services import LocalServiceRuntime as R;"
        "print(R(Path(sys.argv[1]), command=sys.argv[3:])"
        ".apply(codec.loads(ServiceSpec, sys.argv[2]), lambda e: None).url)"
    )
    root, spec = str(tmp_path / "services"), codec.dumps(service("v1"))
    done = subprocess.run(
        [sys.executable, "-c", text, root, spec, *COMMAND], check=True, capture_output=True, text=True
    )
    assert ask(done.stdout.strip())["checkpoint"] == "v1"
    assert runtime.apply(service("v1"), Proof()).url == done.stdout.strip()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    runtime = LocalServiceRuntime(tmp_path / "file" / "services", command=COMMAND)
    with pytest.raises(SetupError, match="file/services"):
        runtime.apply(service("v1"), Proof())
