"""Fixtures of a test cluster: the emulator by default, a real cluster with ``--kubeconfig``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sqlrec.settings import Cluster
from tests.emulator.faults import Faults

ROOT = Path(__file__).parents[2]
JOB_IMAGE, SERVER_IMAGE = "sqlrec/job:test", "sqlrec/server:test"
SIDECAR_IMAGE = "alpine:3.24.2"
"""What KubernetesPodOperator adds to pods that return a value."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster")
    group.addoption("--kubeconfig", help="run tests marked `cluster` on this cluster, not on the emulator")
    group.addoption("--job-image", default=JOB_IMAGE, help="image of jobs that cluster can pull")
    group.addoption("--server-image", default=SERVER_IMAGE, help="image of services that cluster can pull")


@dataclass(frozen=True, slots=True)
class Kube:
    """A running emulator."""

    kubeconfig: Path
    url: str
    faults: Faults

    @property
    def folder(self) -> Path:
        """Where the emulator keeps its files."""
        return self.kubeconfig.parent

    def account(self, namespace: str, name: str) -> Path:
        """A kubeconfig of a service account, which may do what roles in the store allow it."""
        from kubernetes import client

        from tests.emulator.access import kubeconfig

        with api_client(self.kubeconfig) as api:
            v1 = client.CoreV1Api(api)
            answer = v1.create_namespaced_service_account_token(name, namespace, {"spec": {"audiences": []}})
        path = self.folder / f"{namespace}-{name}"
        path.write_text(kubeconfig(self.url, answer.status.token, namespace))
        return path


def missing() -> str:
    """Why the emulator cannot run here; empty: it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "containers of the emulator need root on Linux"
    if lacking := [t for t in ("unshare", "nsenter", "setpriv", "ip") if not shutil.which(t)]:
        return f"containers of the emulator need {', '.join(lacking)}"
    # a link to a namespace of its own, and an overlay: all that pods need and a sandbox may forbid
    tried = "ip link add eth9 type veth peer name eth8 && mount -t tmpfs none /mnt && cd /mnt && mkdir u w m "
    tried += "&& mount -t overlay none -o lowerdir=/,upperdir=u,workdir=w m"
    command = ["unshare", "-m", "-p", "-n", "-u", "-f", "sh", "-c", tried]
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"containers of the emulator need namespaces: {done.stderr[-200:]}"


@contextmanager
def api_client(kubeconfig: Path) -> Iterator[Any]:
    """The real client for a kubeconfig."""
    from kubernetes import config

    api = config.new_client_from_config(str(kubeconfig))
    try:
        yield api
    finally:
        api.close()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """The emulator's process, one a worker of pytest-xdist, started with the first test that asks."""
    if why := missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("kube")
    kubeconfig = folder / "kubeconfig"
    # it ends with its worker, even one that is killed
    command = ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "tests.emulator"]
    command += ["--workdir", str(folder / "node")]
    command += ["--kubeconfig", str(kubeconfig)]
    for image in (JOB_IMAGE, SERVER_IMAGE, SIDECAR_IMAGE):
        command += ["--image", image]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        ports = json.loads(line)
        door = Faults(f"http://127.0.0.1:{ports['door']}")
        yield Kube(kubeconfig, f"http://127.0.0.1:{ports['port']}", door)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture
def kube(request: pytest.FixtureRequest) -> Iterator[Kube]:
    """The emulator without the orders of earlier tests; tests that use it are not for a real cluster."""
    if request.config.getoption("--kubeconfig"):
        pytest.skip("needs the emulator: a real cluster fails by no order")
    emulator: Kube = request.getfixturevalue("emulator")
    emulator.faults.clear()
    yield emulator
    emulator.faults.clear()


@pytest.fixture
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """That of the cluster under test."""
    if given := request.config.getoption("--kubeconfig"):
        return Path(given).absolute()
    emulator: Kube = request.getfixturevalue("kube")
    return emulator.kubeconfig


@pytest.fixture
def namespace(request: pytest.FixtureRequest, kubeconfig: Path) -> Iterator[str]:
    """A namespace of the test's own; everything in it is deleted afterwards."""
    from kubernetes import client

    name = f"test-{uuid4().hex[:10]}"
    with api_client(kubeconfig) as api:
        client.CoreV1Api(api).create_namespace({"metadata": {"name": name}})
    yield name
    if not request.config.getoption("--kubeconfig"):
        request.getfixturevalue("kube").faults.clear()
    with api_client(kubeconfig) as api:
        client.CoreV1Api(api).delete_namespace(name)


@pytest.fixture
def cluster(request: pytest.FixtureRequest, kubeconfig: Path, namespace: str, tmp_path: Path) -> Cluster:
    """Settings of the runtime ``kubernetes`` for it: this test's folder is the volume that pods share."""
    return Cluster(
        namespace=namespace,
        config=str(kubeconfig),
        job_image=request.config.getoption("--job-image"),
        server_image=request.config.getoption("--server-image"),
        volume=f"host:{tmp_path}",
        mount=str(tmp_path),
        service_url="http://{cluster_ip}:{port}",
    )
