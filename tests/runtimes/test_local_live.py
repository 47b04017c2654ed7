"""Live update with real predict servers: processes stay, no request fails, none mixes two versions."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from sqlrec.errors import JobError, RemoteError
from sqlrec.runtimes.local.live import Processes, may_update
from sqlrec.runtimes.local.services import LocalServiceRuntime, ServiceRecord
from sqlrec.spec import codec
from sqlrec.spec.group import Group
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec, ServiceState
from tests.asking import asking
from tests.registries import columns, export_output, model

pytestmark = pytest.mark.ml
ROWS = json.dumps([{"user_id": 2, "price": 0.5}] * 5)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, ServiceSpec]:
    """Revisions 1 to 4 of a service with two replicas; version n answers n. The file of 4 is damaged."""
    folder = tmp_path_factory.mktemp("exports")
    defined = replace(
        model(), columns=columns(user_id="BIGINT", price="DOUBLE"), options={}, outputs=columns(probs="FLOAT")
    )
    made = {}
    for n in range(1, 5):
        files, _ = export_output(folder / f"v{n}", factor=float(n))
        served = ServedModel(model=defined, checkpoint=f"v{n}_export", version=n, model_uri=str(files))
        made[n] = ServiceSpec(name="rank", models=(served,), replicas=2)
    (folder / "v4" / "model.onnx").write_bytes(b"damaged")
    return made


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalServiceRuntime]:
    runtime = LocalServiceRuntime(tmp_path / "services")
    yield runtime
    runtime.remove("rank")


def predict(url: str) -> set[float]:
    """The different values among the answers of equal rows."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("POST", parts.path, ROWS)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    return set(json.loads(text)["probs"])


@dataclass
class Proof:
    """A ``verify`` that wants the version's own answer everywhere, and keeps where it was asked to look.

    ``beside`` is what processes answer that are to be replaced and are still on the service's port.
    """

    beside: float = 0.0
    urls: list[str] = field(default_factory=list)

    def __call__(self, endpoint: Endpoint) -> None:
        self.urls.append(endpoint.url)
        if predict(endpoint.url) not in ({float(endpoint.version)}, {self.beside}):
            raise RemoteError("SR637", f"{endpoint.url} answers otherwise", retriable=False)


def record(tmp_path: Path) -> ServiceRecord:
    found = codec.loads(ServiceRecord, (tmp_path / "services" / "rank" / "service.json").read_bytes())
    assert isinstance(found, ServiceRecord)
    return found


def pids(tmp_path: Path) -> set[int]:
    return {replica.launched.program.pid for replica in record(tmp_path).replicas}


def everywhere(tmp_path: Path) -> list[tuple[int, list[int]]]:
    """The version in force and those loaded, of each process."""
    states = [replica.slots()["rank_model"] for replica in record(tmp_path).replicas]
    return [(state.version, sorted(state.loaded)) for state in states]


def test_updates_under_load(
    tmp_path: Path, runtime: LocalServiceRuntime, specs: dict[int, ServiceSpec]
) -> None:
    url = runtime.apply(specs[1], Proof()).url
    started = pids(tmp_path)
    with asking(lambda: predict(url)) as answers:
        for n in (2, 3, 1, 2, 3):
            proof, before = Proof(), len(answers)
            endpoint = runtime.apply(specs[n], proof)
            assert (endpoint.url, endpoint.version, endpoint.state) == (url, n, ServiceState.READY)
            trials = [u for u in proof.urls if f"/models/rank_model/versions/{n}/predict" in u]
            assert len(trials) == 2, "each process is tried before it answers with the new version"
            assert proof.urls[-1] == url
            while len(answers) < before + 40:
                predict(url)
        with pytest.raises(
            JobError,
            match=r"does not load v4_export.*changed.*\(export the checkpoint again\)",
        ):
            runtime.apply(specs[4], Proof())
    assert all(len(answer) == 1 for answer in answers), "an answer is of one version"
    assert set().union(*answers) == {1.0, 2.0, 3.0}
    assert len(answers) >= 200
    assert pids(tmp_path) == started
    assert everywhere(tmp_path) == [(3, [3])] * 2
    assert (record(tmp_path).version, record(tmp_path).revision) == (3, 6)
    told = [endpoint.detail for endpoint in runtime.endpoints()]
    assert told[0].startswith("v4_export (version 4) was not loaded: "), told
    assert "changed after its export" in told[0]
    runtime.apply(specs[2], Proof())
    assert [(e.version, e.detail) for e in runtime.endpoints()] == [(2, "")], "it is about the last attempt"


@dataclass
class Failing:
    """A ``verify`` that raises at its ``place``-th call, from 1."""

    place: int
    error: BaseException
    calls: int = 0

    def __call__(self, endpoint: Endpoint) -> None:
        self.calls += 1
        if self.calls == self.place:
            raise self.error


def test_an_update_that_is_cut_short(
    tmp_path: Path, runtime: LocalServiceRuntime, specs: dict[int, ServiceSpec]
) -> None:
    """By a proof that fails at any of its five places, by Ctrl-C, or by a kill between two processes."""
    url = runtime.apply(specs[1], Proof()).url
    before, old = record(tmp_path), [(1, [1])] * 2
    for place in range(1, 6):
        wrong = Failing(place, RemoteError("SR637", "wrong answer", retriable=False))
        with pytest.raises(JobError, match=r"SR506.*wrong answer"):
            runtime.apply(specs[2], wrong)
        assert (wrong.calls, record(tmp_path), everywhere(tmp_path)) == (place, before, old)
    with pytest.raises(KeyboardInterrupt):
        runtime.apply(specs[2], Failing(5, KeyboardInterrupt()))
    assert (record(tmp_path), everywhere(tmp_path)) == (before, old)

    def kill_half_way() -> None:
        half = Processes(before.replicas[:1], specs[1], specs[2])
        half.prepare(20)
        half.activate()
        assert everywhere(tmp_path) == [(2, [1, 2]), (1, [1])]

    kill_half_way()
    assert runtime.apply(specs[1], Proof()).version == 1, "what the record says is made true again"
    assert (record(tmp_path), everywhere(tmp_path)) == (before, old)
    kill_half_way()
    assert runtime.apply(specs[2], Proof()).version == 2, "a retry goes on"
    assert everywhere(tmp_path) == [(2, [2])] * 2
    assert predict(url) == {2.0}


def test_what_starts_new_processes(
    tmp_path: Path, runtime: LocalServiceRuntime, specs: dict[int, ServiceSpec]
) -> None:
    one = {n: replace(spec, replicas=1) for n, spec in specs.items()}
    url = runtime.apply(one[1], Proof()).url
    first = pids(tmp_path)
    changed = replace(one[2], env={"A": "1"})
    assert runtime.apply(changed, Proof(beside=1.0)).url == url
    second = pids(tmp_path)
    assert first.isdisjoint(second), "an environment is that of a process"
    runtime.apply(replace(one[3], env={"A": "1"}), Proof())
    assert pids(tmp_path) == second
    (pid,) = second
    process = psutil.Process(pid)
    process.kill()
    process.wait(20)
    assert runtime.apply(replace(one[3], env={"A": "1"}), Proof()).version == 3
    assert predict(url) == {3.0}
    assert pids(tmp_path).isdisjoint(second), "one that is restarted serves what the record says"
    assert everywhere(tmp_path) == [(3, [3])]


def test_one_model_of_several_is_updated(
    tmp_path: Path, runtime: LocalServiceRuntime, specs: dict[int, ServiceSpec]
) -> None:
    group = Group(decider="mean", timeout=60.0)
    pair = {
        n: replace(specs[n], models=(specs[1].own, specs[n].own), group=group, replicas=1) for n in (2, 3)
    }
    url = runtime.apply(pair[2], lambda endpoint: None).url
    started, asked = pids(tmp_path), list[str]()
    assert predict(url) == {1.5}
    runtime.apply(pair[3], lambda endpoint: asked.append(urlsplit(endpoint.url).path))
    assert (predict(url), pids(tmp_path)) == ({2.0}, started)
    assert asked == ["/models/rank_model%3A2/versions/3/predict", "/predict", "/predict"]


def test_what_may_be_updated(specs: dict[int, ServiceSpec]) -> None:
    one, two = specs[1], specs[2]
    assert may_update(one, two)
    assert may_update(one, one)
    assert not may_update(one, replace(two, replicas=3))
    assert not may_update(one, replace(two, options={"variant": "int8"}))
    assert not may_update(one, replace(one, models=(replace(one.own, variant="int8"),))), "one version"
    other = replace(two.own, model=replace(two.own.model, name=ModelName.of("other")))
    assert not may_update(one, replace(two, models=(other,)))
    assert not may_update(one, replace(two, models=(*one.models, *two.models)))
