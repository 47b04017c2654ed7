"""Programs find the services of the local runtime by its records, wherever these services move."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError, StateError
from sqlrec.programs.callees import FixedCallees, LocalCallees
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.access import Access
from sqlrec.spec.function import Callee
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import DataType, Field, Schema
from sqlrec.spec.secret import given_by
from sqlrec.spec.service import Endpoint, ExternalServiceSpec, ServedModel, ServiceSpec

COMMAND = (sys.executable, str(Path(__file__).with_name("program_server.py")))
MODEL = ModelSpec(name=ModelName.of("m"), type="t", columns=Schema(), outputs=Schema())


def service(version: int, model: ModelSpec = MODEL, name: str = "Rank_1") -> ServiceSpec:
    return ServiceSpec(
        name=name,
        models=(ServedModel(model=model, checkpoint=f"v{version}", version=version, model_uri="/models/m"),),
    )


def trust(endpoint: Endpoint) -> None:
    """Take every revision."""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalServiceRuntime]:
    runtime = LocalServiceRuntime(tmp_path / "services", command=COMMAND, ready_timeout=15)
    yield runtime
    for endpoint in runtime.endpoints():
        runtime.remove(endpoint.name)


def test_a_service_is_found_as_it_is_now(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    callees = LocalCallees(tmp_path / "services")
    with pytest.raises(NameNotFoundError, match=r"SR206.*rank_1"):
        callees.find("rank_1")

    url = runtime.apply(service(1), trust).url
    assert callees.find("rank_1") == Callee(service="rank_1", url=url, model=MODEL, access=Access())
    assert callees.find("rank_1") is callees.find("RANK_1")

    wider = replace(MODEL, columns=Schema((Field(name="a", type=DataType.parse("INT")),)))
    assert runtime.apply(service(2, wider), trust).url == url
    assert callees.find("rank_1").model == wider

    runtime.stop("Rank_1")
    with pytest.raises(StateError, match=r"SR630.*rank_1 is stopped"):
        callees.find("rank_1")
    runtime.apply(service(2, wider), trust)
    assert callees.find("rank_1").url == url

    runtime.remove("Rank_1")
    with pytest.raises(NameNotFoundError, match="SR206"):
        callees.find("rank_1")


def test_a_request_to_several_models_brings_the_features_of_all(
    tmp_path: Path, runtime: LocalServiceRuntime
) -> None:
    members = [replace(MODEL, columns=Schema((Field(name=n, type=DataType.parse("INT")),))) for n in "ab"]
    first, second = (service(1, member).models[0] for member in members)
    runtime.apply(replace(service(1), models=(first, second)), trust)
    assert LocalCallees(tmp_path / "services").find("rank_1").model.columns.names == ("a", "b")


def test_headers_are_references_until_they_are_found(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    headers = {"authorization": "secret:token", "tag": "a"}
    spec = ExternalServiceSpec(
        name="far", url="http://h/p", model=MODEL, checkpoint="external", version=1, headers=headers
    )
    runtime.apply(spec, trust)
    known = {"SQLREC_SECRET_TOKEN": "Bearer hush"}
    found = LocalCallees(tmp_path / "services", given_by(known)).find("far")
    assert found.headers == {"authorization": "Bearer hush", "tag": "a"}
    with pytest.raises(NameNotFoundError, match=r"SR320.*'token' is not set"):
        LocalCallees(tmp_path / "services").find("far")
    assert "hush" not in "".join(p.read_text() for p in (tmp_path / "services").rglob("*.json"))


def test_a_record_that_cannot_be_read_is_no_service(tmp_path: Path) -> None:
    folder = tmp_path / "rank"
    folder.mkdir()
    (folder / "service.json").write_text("{}")
    with pytest.raises(NameNotFoundError, match="SR206"):
        LocalCallees(tmp_path).find("rank")


def test_fixed_services_stay() -> None:
    callee = Callee(service="rank", url="http://x/predict", model=MODEL)
    callees = FixedCallees({"rank": callee})
    assert callees.find("RANK") is callee
    with pytest.raises(NameNotFoundError, match="SR206"):
        callees.find("other")
