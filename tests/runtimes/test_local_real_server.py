"""The service runtime with the real predict server: requests never fail while revisions change."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sqlrec.errors import JobError
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.service import Endpoint, ServedModel, ServiceSpec, ServiceState
from tests.asking import asking
from tests.registries import columns, export_output, model


def service(folder: Path, version: int) -> ServiceSpec:
    """A revision whose processes are its own, for its environment."""
    files, _ = export_output(folder / f"v{version}", factor=float(version))
    return ServiceSpec(
        name="rank",
        models=(
            ServedModel(
                model=replace(
                    model(),
                    columns=columns(user_id="BIGINT", price="DOUBLE"),
                    options={},
                    outputs=columns(probs="FLOAT"),
                ),
                checkpoint=f"v{version}_export",
                version=version,
                model_uri=str(files),
            ),
        ),
        replicas=2,
        env={"REVISION": str(version)},
    )


def predict(url: str) -> float:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    body = json.dumps([{"user_id": 2, "price": 0.5}])
    connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    return float(json.loads(text)["probs"][0])


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalServiceRuntime]:
    runtime = LocalServiceRuntime(tmp_path / "services")
    yield runtime
    runtime.remove("rank")


@pytest.mark.ml
def test_no_request_fails_while_revisions_change(tmp_path: Path, runtime: LocalServiceRuntime) -> None:
    def verify(endpoint: Endpoint) -> None:
        assert predict(endpoint.url) in (1.0, 2.0, 3.0)

    url = runtime.apply(service(tmp_path, 1), verify).url
    with asking(lambda: predict(url)) as answers:
        for version in (2, 3):
            endpoint = runtime.apply(service(tmp_path, version), verify)
            assert (endpoint.url, endpoint.state) == (url, ServiceState.READY)
        good = service(tmp_path, 3)
        bad = replace(good, models=(replace(good.own, version=4, model_uri=str(tmp_path / "nowhere")),))
        with pytest.raises(JobError, match="nowhere"):
            runtime.apply(bad, verify)
    assert set(answers) == {1.0, 2.0, 3.0}
    assert len(answers) > 50
    assert predict(url) == 3.0
    assert [e.state for e in runtime.endpoints()] == [ServiceState.READY]
