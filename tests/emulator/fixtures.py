"""Fixtures of a test cluster: the emulator by default, any real cluster with ``--kubeconfig``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from sqlrec.settings import Cluster
from tests.emulator.faults import Faults

ROOT = Path(__file__).parents[2]
JOB_IMAGE, SERVER_IMAGE = "sqlrec/job:test", "sqlrec/server:test"
SIDECAR_IMAGE = "alpine:3.24.2"
"""What KubernetesPodOperator adds to pods that return a value."""


@dataclass(frozen=True, slots=True)
class Kube:
    """A running emulator."""

    kubeconfig: Path
    url: str
    faults: Faults


def _missing() -> str:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "containers of the emulator need root on Linux"
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        return "containers of the emulator need unshare and nsenter"
    tried = subprocess.run(["unshare", "-m", "-p", "-n", "-u", "-f", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "containers of the emulator need namespaces: unshare fails here"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """The emulator's process, one a worker of pytest-xdist, started with the first test that asks."""
    if why := _missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("kube")
    kubeconfig = folder / "kubeconfig"
    command = [sys.executable, "-m", "tests.emulator", "--strict"]
    command += ["--kubeconfig", str(kubeconfig), "--workdir", str(folder / "node")]
    for image in (JOB_IMAGE, SERVER_IMAGE, SIDECAR_IMAGE):
        command += ["--image", image]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        url = f"http://127.0.0.1:{json.loads(line)['port']}"
        yield Kube(kubeconfig, url, Faults(url))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def kube(emulator: Kube) -> Iterator[Kube]:
    """The emulator without the orders of earlier tests."""
    emulator.faults.clear()
    yield emulator
    emulator.faults.clear()


@pytest.fixture
def namespace(kube: Kube) -> Iterator[str]:
    """A namespace of the test's own; everything in it is deleted afterwards."""
    name = f"test-{uuid4().hex[:10]}"
    _call(kube, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    kube.faults.clear()
    _call(kube, "DELETE", f"/api/v1/namespaces/{name}", {})


@pytest.fixture
def cluster(kube: Kube, namespace: str, tmp_path: Path) -> Cluster:
    """Settings of the runtime ``kubernetes`` for it: this test's folder is the volume that pods share."""
    return Cluster(
        namespace=namespace,
        config=str(kube.kubeconfig),
        job_image=JOB_IMAGE,
        server_image=SERVER_IMAGE,
        volume=f"host:{tmp_path}",
        mount=str(tmp_path),
        service_url="http://{cluster_ip}:{port}",
    )


def _call(kube: Kube, method: str, path: str, body: dict[str, object]) -> None:
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    request = urllib.request.Request(kube.url + path, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
