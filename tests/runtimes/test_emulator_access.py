"""Roles in the test cluster: a service account may do what they say and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.emulator.fixtures import Kube, api_client


@pytest.fixture
def worker(kubeconfig: Path, namespace: str, kube: Kube) -> Iterator[Any]:
    """The client of an account that may read two things about pods, and delete one."""
    rules: list[dict[str, Any]] = [
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["mine"], "verbs": ["delete"]},
    ]
    with api_client(kubeconfig) as api:
        core, roles = client.CoreV1Api(api), client.RbacAuthorizationV1Api(api)
        core.create_namespaced_service_account(namespace, {"metadata": {"name": "worker"}})
        roles.create_namespaced_role(namespace, {"metadata": {"name": "reader"}, "rules": rules})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
        subject = {"kind": "ServiceAccount", "name": "worker", "namespace": namespace}
        body = {"metadata": {"name": "reader"}, "roleRef": reference, "subjects": [subject]}
        roles.create_namespaced_role_binding(namespace, body)
    with api_client(kube.account(namespace, "worker")) as api:
        yield client.CoreV1Api(api)


def test_what_a_role_allows(worker: Any, namespace: str) -> None:
    assert worker.list_namespaced_pod(namespace).items == []
    for call in (worker.read_namespaced_pod_log, worker.delete_namespaced_pod):
        with pytest.raises(ApiException) as raised:
            call("mine", namespace)
        assert raised.value.status == 404


def test_what_it_does_not(worker: Any, namespace: str) -> None:
    user = f"system:serviceaccount:{namespace}:worker"
    with pytest.raises(ApiException) as raised:
        worker.create_namespaced_pod(namespace, {"metadata": {"name": "p"}})
    assert raised.value.status == 403
    told = f'pods is forbidden: User \\"{user}\\" cannot create resource \\"pods\\" in API group \\"\\"'
    assert told in raised.value.body
    calls: tuple[Callable[[], object], ...] = (
        lambda: worker.delete_namespaced_pod("other", namespace),
        lambda: worker.list_namespaced_secret(namespace),
        lambda: worker.list_namespaced_pod("default"),
        lambda: worker.list_pod_for_all_namespaces(),
    )
    for call in calls:
        with pytest.raises(ApiException) as raised:
            call()
        assert raised.value.status == 403


def test_a_token_that_nobody_issued(kube: Kube, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(kube.kubeconfig.read_text().replace('"token": "t"', '"token": "stolen"'))
    with api_client(config) as api, pytest.raises(ApiException) as raised:
        client.CoreV1Api(api).list_namespaced_pod("default")
    assert raised.value.status == 401
