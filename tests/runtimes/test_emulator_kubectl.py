"""kubectl against the test cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.emulator.workloads import SERVICE, Home, get, home, job, server
from tests.tools import tool

KUBECTL = tool("kubectl")
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(not KUBECTL, reason="kubectl is not here: make tools")]


@pytest.fixture
def place(kubeconfig: Path, namespace: str) -> Iterator[Home]:
    with home(kubeconfig, namespace) as opened:
        yield opened


@pytest.fixture
def kubectl(kubeconfig: Path, namespace: str, tmp_path: Path) -> Callable[..., str]:
    def run(*arguments: str, fails: bool = False) -> str:
        command = [KUBECTL, "--kubeconfig", str(kubeconfig), "--cache-dir", str(tmp_path / "cache")]
        done = subprocess.run([*command, "-n", namespace, *arguments], capture_output=True, text=True)
        assert (done.returncode != 0) is fails, done.stderr
        return done.stderr if fails else done.stdout

    return run


def test_a_deployment_is_applied_shown_undone_and_deleted(
    place: Home, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    manifest = tmp_path / "web.yaml"
    service = {"apiVersion": "v1", "kind": "Service", **SERVICE}

    def apply(answer: str) -> None:
        manifest.write_text(yaml.safe_dump_all([server(answer, replicas=1), service]))
        kubectl("apply", "-f", str(manifest))
        kubectl("rollout", "status", "deployment/web", "--timeout=60s")

    apply("one")
    columns = kubectl("get", "deployment", "web", "--no-headers").split()
    assert columns[:4] == ["web", "1/1", "1", "1"]
    assert "Running" in kubectl("get", "pods", "-l", "app=web")
    described = kubectl("describe", "deployment", "web")
    assert "MinimumReplicasAvailable" in described
    assert "Scaled up replica set" in described
    apply("two")
    assert get(place.url()) == "two"
    assert kubectl("rollout", "history", "deployment/web").split()[-4::2] == ["1", "2"]
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert get(place.url()) == "one"
    assert kubectl("exec", "deployment/web", "--", "printenv", "ANSWER") == "one\n"
    kubectl("delete", "-f", str(manifest), "--timeout=60s")
    assert "not found" in kubectl("get", "deployment", "web", fails=True)


def test_a_job_is_waited_for_and_its_log_read(kubectl: Callable[..., str], tmp_path: Path) -> None:
    manifest = tmp_path / "job.json"
    manifest.write_text(json.dumps(job("j", "echo", "hello")))
    kubectl("apply", "--server-side", "-f", str(manifest))
    kubectl("wait", "--for=condition=complete", "job/j", "--timeout=60s")
    assert kubectl("logs", "job/j") == "hello\n"
    assert kubectl("get", "job", "j", "--no-headers").split()[:3] == ["j", "Complete", "1/1"]


def test_a_misspelt_field_is_refused(kubectl: Callable[..., str], tmp_path: Path) -> None:
    body = server("one")
    body["spec"]["replica"] = 2
    manifest = tmp_path / "web.json"
    manifest.write_text(json.dumps(body))
    assert "replica" in kubectl("create", "-f", str(manifest), fails=True)
