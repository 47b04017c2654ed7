"""Server-side apply in the test cluster: who manages what, conflicts, what is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.emulator.fixtures import api_client

pytestmark = pytest.mark.cluster
Object = dict[str, Any]


@pytest.fixture
def apps(kubeconfig: Path) -> Iterator[Any]:
    with api_client(kubeconfig) as api:
        yield client.AppsV1Api(api)


def manifest(replicas: int | None = 0, image: str = "i:1", **env: str) -> Object:
    container: Object = {
        "name": "c",
        "image": image,
        "env": [{"name": k, "value": v} for k, v in env.items()],
    }
    template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [container]}}
    spec: Object = {"selector": {"matchLabels": {"app": "d"}}, "template": template}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def apply(
    apps: Any, namespace: str, body: Object, manager: str = "us", force: bool = False, **more: Any
) -> Any:
    return apps.patch_namespaced_deployment(
        "d",
        namespace,
        body,
        field_manager=manager,
        force=force,
        _content_type="application/apply-patch+yaml",
        **more,
    )


def variables(deployment: Any) -> dict[str, str]:
    return {e.name: e.value for e in deployment.spec.template.spec.containers[0].env or []}


def test_applying_again_changes_nothing(apps: Any, namespace: str) -> None:
    made = apply(apps, namespace, manifest(A="1"))
    again = apply(apps, namespace, manifest(A="1"))
    assert again.metadata.generation == made.metadata.generation == 1
    assert [m.manager for m in again.metadata.managed_fields if m.operation == "Apply"] == ["us"]


def test_what_is_no_longer_applied_is_dropped_unless_others_manage_it(apps: Any, namespace: str) -> None:
    apply(apps, namespace, manifest(A="1", B="2"))
    apply(apps, namespace, manifest(B="2", C="3"), manager="them")
    assert variables(apply(apps, namespace, manifest(A="1"))) == {"A": "1", "B": "2", "C": "3"}
    assert variables(apply(apps, namespace, manifest(C="3"), manager="them")) == {"A": "1", "C": "3"}


def test_a_field_changed_by_hand_is_a_conflict(apps: Any, namespace: str) -> None:
    apply(apps, namespace, manifest())
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:9"}]}}}}
    apps.patch_namespaced_deployment("d", namespace, change, field_manager="kubectl-edit")
    with pytest.raises(ApiException) as raised:
        apply(apps, namespace, manifest())
    told = json.loads(raised.value.body)
    assert (raised.value.status, told["reason"]) == (409, "Conflict")
    (cause,) = told["details"]["causes"]
    assert cause["reason"] == "FieldManagerConflict"
    assert cause["field"] == '.spec.template.spec.containers[name="c"].image'
    assert 'conflict with "kubectl-edit" using apps/v1' in cause["message"]
    kept = apps.read_namespaced_deployment("d", namespace)
    assert kept.spec.template.spec.containers[0].image == "i:9"
    forced = apply(apps, namespace, manifest(), force=True)
    assert forced.spec.template.spec.containers[0].image == "i:1"
    assert apply(apps, namespace, manifest(image="i:2")).spec.template.spec.containers[0].image == "i:2"


def test_the_same_value_is_shared_not_a_conflict(apps: Any, namespace: str) -> None:
    apply(apps, namespace, manifest(A="1"))
    apply(apps, namespace, manifest(A="1"), manager="them")
    with pytest.raises(ApiException) as raised:
        apply(apps, namespace, manifest(A="2"), manager="them")
    assert raised.value.status == 409


def test_scaling_owns_the_number_of_replicas(apps: Any, namespace: str) -> None:
    apply(apps, namespace, manifest(replicas=None))
    apps.patch_namespaced_deployment_scale("d", namespace, {"spec": {"replicas": 0}}, field_manager="scaler")
    assert apply(apps, namespace, manifest(replicas=None, A="1")).spec.replicas == 0
    with pytest.raises(ApiException) as raised:
        apply(apps, namespace, manifest(replicas=5))
    assert "subresource" in raised.value.body


def test_a_dry_run_shows_and_keeps_nothing(apps: Any, namespace: str) -> None:
    shown = apply(apps, namespace, manifest(A="1"), dry_run="All")
    assert variables(shown) == {"A": "1"}
    with pytest.raises(ApiException) as raised:
        apps.read_namespaced_deployment("d", namespace)
    assert raised.value.status == 404
