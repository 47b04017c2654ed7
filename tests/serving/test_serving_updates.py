"""Live update of a server: beside the old version, between two requests, and never half."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.serving.batching import Wires
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.frame import Outputs
from sqlrec.serving.lane import Lane, open_lane
from sqlrec.serving.metrics import Metrics
from sqlrec.serving.slots import Models, Slot
from sqlrec.serving.updates import Updates
from sqlrec.serving.wire import Reading
from sqlrec.spec import codec
from sqlrec.spec.group import Group
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import ServedModel, ServiceSpec
from tests.registries import export_output

Serve = Callable[..., Any]
MakeSpec = Callable[..., ServiceSpec]
ROW = [{"user_id": 2, "price": 1.0}]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory, make_spec: MakeSpec) -> dict[int, ServedModel]:
    """Versions 1 to 4 of ``m``; version n answers ``2 * n`` for ``ROW``. The file of version 4 is damaged."""
    folder = tmp_path_factory.mktemp("versions")
    made = {}
    for n in range(1, 5):
        files, _ = export_output(folder / f"v{n}", factor=float(n))
        made[n] = replace(make_spec(files, version=n).own, checkpoint=f"v{n}_export")
    (folder / "v4" / "model.onnx").write_bytes(b"damaged")
    return made


def spec_of(*models: ServedModel) -> ServiceSpec:
    return ServiceSpec(name="ranker", models=models)


@pytest.fixture
def server(versions: dict[int, ServedModel], serve: Serve) -> Iterator[Any]:
    with serve(spec_of(versions[1])) as running:
        yield running


@pytest.fixture(scope="module")
def steady(versions: dict[int, ServedModel], serve: Serve) -> Iterator[Any]:
    """A server that no test changes."""
    with serve(spec_of(versions[1])) as running:
        yield running


def admin(server: Any, change: str, document: object) -> Any:
    return server.call("POST", f"/admin/models/{change}", json.dumps(document))


def load(server: Any, model: ServedModel, slot: str = "m") -> Any:
    return admin(server, "load", {"slot": slot, "model": codec.encode(model)})


def slots(server: Any) -> Any:
    return server.call("GET", "/admin/models").json["slots"]


def answer(server: Any, path: str = "/predict") -> Any:
    return server.call("POST", path, json.dumps(ROW)).json["probs"]


def test_a_version_is_loaded_beside_put_in_force_and_the_old_one_unloaded(
    server: Any, versions: dict[int, ServedModel]
) -> None:
    reply = load(server, versions[2])
    assert (reply.status, sorted(reply.json["slots"]["m"]["loaded"])) == (200, ["1", "2"])
    assert reply.json["slots"]["m"]["version"] == 1
    assert (answer(server), answer(server, "/models/m/versions/2/predict")) == ([2.0], [4.0])
    assert load(server, versions[2]).status == 200, "a repetition changes nothing"

    assert admin(server, "activate", {"versions": {"m": 2}}).json["slots"]["m"]["version"] == 2
    assert (answer(server), answer(server, "/models/m/predict")) == ([4.0], [4.0])
    assert answer(server, "/models/sqlrec.default.M/versions/1/predict") == [2.0]
    health = server.call("GET", "/healthz").json
    assert (health["version"], health["checkpoint"]) == (2, "v2_export")
    assert server.call("GET", "/v1/signature").json["version"] == 2

    assert admin(server, "unload", {"slot": "m", "version": 1}).status == 200
    assert admin(server, "unload", {"slot": "m", "version": 1}).status == 200
    assert list(slots(server)["m"]["loaded"]) == ["2"]
    gone = server.call("POST", "/models/m/versions/1/predict", json.dumps(ROW))
    assert (gone.status, gone.json["error"]["code"]) == (404, "SR674")
    figures = server.metrics()
    answered = 'sqlrec_requests_total{code="200",model="m",protocol="sqlrec",service="ranker",version="%d"}'
    by_version = [figures[answered % version] for version in (1, 2)]
    assert by_version == [2, 3], "each is counted under the version that gave it"
    results = {"loaded": 1.0, "activated": 1.0, "unloaded": 1.0}
    for result, count in results.items():
        assert figures[f'sqlrec_model_updates_total{{result="{result}",service="ranker",slot="m"}}'] == count
    assert [name for name in figures if name.startswith("sqlrec_model_info") and 'version="2"' in name]


def test_a_file_that_cannot_be_loaded_leaves_the_old_version(
    server: Any, versions: dict[int, ServedModel], capfd: pytest.CaptureFixture[str]
) -> None:
    reply = load(server, versions[4])
    assert (reply.status, reply.json["error"]["code"]) == (422, "SR671")
    assert "version 4 was not loaded, 1 goes on" in reply.json["error"]["message"]
    state = slots(server)["m"]
    assert (list(state["loaded"]), state["last_update_error"]["version"]) == (["1"], 4)
    assert "changed after its export" in state["last_update_error"]["message"]
    assert server.metrics()['sqlrec_model_updates_total{result="failed",service="ranker",slot="m"}'] == 1
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(e["version"], e["slot"]) for e in logged if e["event"] == "failed"] == [(4, "m")]
    assert answer(server) == [2.0]
    pinned = replace(versions[3], digest="0" * 64)
    assert load(server, pinned).json["error"]["code"] == "SR671"
    assert load(server, replace(versions[3], variant="int8")).json["error"]["code"] == "SR672"
    assert load(server, versions[3]).status == 200
    assert slots(server)["m"]["last_update_error"] is None, "it is about the last attempt"


@pytest.mark.parametrize(
    ("change", "document", "status", "code"),
    [
        ("activate", {"versions": {"m": 7}}, 409, "SR678"),
        ("activate", {"versions": {"n": 1}}, 404, "SR674"),
        ("activate", {"versions": {}}, 400, "SR651"),
        ("activate", {"versions": {"m": "1"}}, 400, "SR651"),
        ("activate", [], 400, "SR651"),
        ("unload", {"slot": "m", "version": 1}, 409, "SR676"),
        ("unload", {"slot": "m", "version": True}, 400, "SR651"),
        ("unload", {"slot": "m"}, 400, "SR651"),
        ("load", {"slot": "m", "model": {}}, 400, "SR651"),
        ("load", {"slot": "m", "model": {"$type": "ServedModel", "checkpoint": 5}}, 400, "SR651"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    steady: Any, change: str, document: object, status: int, code: str
) -> None:
    before = slots(steady)
    reply = admin(steady, change, document)
    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert slots(steady) == before


def test_what_is_no_version_of_the_slot(steady: Any, versions: dict[int, ServedModel]) -> None:
    other = replace(versions[2], model=replace(versions[2].model, name=ModelName.of("other")))
    assert load(steady, other).json["error"]["code"] == "SR677"
    assert load(steady, replace(versions[2], version=1)).json["error"]["code"] == "SR676"
    assert load(steady, versions[2], slot="n").json["error"]["code"] == "SR674"
    assert steady.call("POST", "/admin/models/load", b"{").json["error"]["code"] == "SR650"


def test_two_places_are_put_in_force_together_or_not_at_all(
    versions: dict[int, ServedModel], serve: Serve
) -> None:
    with serve(spec_of(versions[1], versions[2])) as server:
        assert list(slots(server)) == ["m", "m:2"]
        load(server, versions[3])
        refused = admin(server, "activate", {"versions": {"m": 3, "m:2": 3}})
        assert refused.json["error"]["code"] == "SR678"
        assert [slot["version"] for slot in slots(server).values()] == [1, 2]
        load(server, versions[3], slot="m:2")
        admin(server, "activate", {"versions": {"m": 3, "m:2": 3}})
        assert [slot["version"] for slot in slots(server).values()] == [3, 3]
        assert answer(server, "/models/m:2/versions/2/predict") == [4.0]
        assert answer(server, "/models/m%3A2/predict") == [6.0]


def test_models_of_a_group_fit_together_in_every_version(
    versions: dict[int, ServedModel], nan_folder: Path, make_spec: MakeSpec, serve: Serve
) -> None:
    group = Group(decider="mean", timeout=60.0)
    with serve(replace(spec_of(versions[1], versions[2]), group=group)) as server:
        assert answer(server) == [3.0]
        assert load(server, versions[3], slot="m:2").status == 200
        admin(server, "activate", {"versions": {"m:2": 3}})
        assert answer(server) == [4.0]
        assert load(server, replace(make_spec(nan_folder).own, version=9)).status == 200
        refused = admin(server, "activate", {"versions": {"m": 9, "m:2": 2}})
        assert (refused.status, refused.json["error"]["code"]) == (409, "SR683")
        assert answer(server) == [4.0]


def test_only_the_private_port_updates(versions: dict[int, ServedModel], serve: Serve) -> None:
    with serve(spec_of(versions[1]), activate=True) as server:
        url = json.loads(server.call("POST", "/admin/activate").body)["url"]
        server.port = int(url.rsplit(":", 1)[1].split("/")[0])
        assert answer(server) == [2.0]
        for method, path in (("GET", "models"), ("POST", "models/load"), ("POST", "models/activate")):
            reply = server.call(method, f"/admin/{path}", "{}" if method == "POST" else None)
            assert (reply.status, reply.json["error"]["code"]) == (404, "SR657")


class Waiting:
    """A caller that keeps its answer."""

    abandoned = False
    answered_by = ""
    started = 0.0

    def __init__(self, rows: int = 1) -> None:
        self.body = json.dumps(ROW * rows).encode()
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def header(self, name: bytes) -> str:
        return ""

    def read(self, wires: Wires) -> Reading:
        return wires["json"].read(self.body, self.header)

    def write(self, reading: Reading, outputs: Outputs) -> bytes:
        return reading.write(outputs)

    def answer(self, answer: Any, rows: int) -> None:
        self.result.set_result(set(json.loads(answer)["probs"]))


def test_calls_are_answered_by_the_version_in_force_when_they_came(versions: dict[int, ServedModel]) -> None:
    """Many rows go to the worker thread, few wait in the loop: neither sees the version after it."""
    config = ServeConfig(spec=spec_of(versions[1]))

    async def scenario() -> list[Any]:
        metrics = Metrics(config.spec)
        lanes = {n: await open_lane(versions[n], config, metrics) for n in (1, 2)}
        slot = Slot("m", lanes[1])

        async def open_model(model: ServedModel) -> Lane:
            return await open_lane(model, config, metrics)

        updates = Updates(Models([slot]), open_model, lambda lanes: None, lambda: None)
        slot.add(lanes[2])
        before = [Waiting(), Waiting(20_000), Waiting()]
        for call in before:
            slot.submit(call)
        updates.activate({"m": 2})
        unloading = asyncio.ensure_future(updates.unload("m", 1))
        after = [Waiting(20_000), Waiting()]
        for call in after:
            slot.submit(call)
        await unloading
        assert all(call.result.done() for call in before), "a version is closed after its last answer"
        results = [await call.result for call in (*before, *after)]
        lanes[2].close()
        return results

    assert asyncio.run(scenario()) == [{2.0}, {2.0}, {2.0}, {4.0}, {4.0}]


def test_the_loop_goes_on_while_a_version_is_loaded(versions: dict[int, ServedModel]) -> None:
    """Opening waits for a thread that waits for the loop: it would hang if it held the loop up."""
    config = ServeConfig(spec=spec_of(versions[1]))

    async def scenario() -> None:
        served = threading.Event()

        async def slowly(model: ServedModel) -> Lane:
            assert await asyncio.to_thread(served.wait, 20)
            return await open_lane(model, config, Metrics(config.spec))

        slot = Slot("m", await open_lane(versions[1], config, Metrics(config.spec)))
        updates = Updates(Models([slot]), slowly, lambda lanes: None, lambda: None)
        loading = [asyncio.ensure_future(updates.load("m", versions[2])) for _ in range(2)]
        call = Waiting()
        slot.submit(call)
        assert await call.result == {2.0}
        served.set()
        await asyncio.gather(*loading)
        assert updates.counts["m", "loaded"] == 1, "two loads of one version load once"
        for lane in slot.lanes.values():
            lane.close()

    asyncio.run(scenario())
