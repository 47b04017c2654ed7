"""The API of the test cluster through the real client: what a real server answers, this one does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

from tests.emulator.fixtures import Kube, api_client
from tests.emulator.waiting import eventually

pytestmark = pytest.mark.cluster
Object = dict[str, Any]


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    with api_client(kubeconfig) as opened:
        yield opened


@pytest.fixture
def core(api: Any) -> Any:
    return client.CoreV1Api(api)


@pytest.fixture
def apps(api: Any) -> Any:
    return client.AppsV1Api(api)


@pytest.fixture
def batch(api: Any) -> Any:
    return client.BatchV1Api(api)


def refused(code: int, reason: str, call: Callable[[], object]) -> str:
    """The message of a call that must fail so."""
    with pytest.raises(ApiException) as raised:
        call()
    told = json.loads(raised.value.body)
    assert (raised.value.status, told["reason"], told["kind"]) == (code, reason, "Status")
    return str(told["message"])


def config_map(name: str = "a", **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "data": {"a": "1", "b": "2"}}


def deployment(**spec: object) -> Object:
    container = {"name": "c", "image": "i:1", "command": ["sleep", "1"], "env": [{"name": "A", "value": "1"}]}
    template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [container]}}
    body = {"replicas": 0, "selector": {"matchLabels": {"app": "d"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": body}


def test_objects_get_what_the_server_gives(core: Any, namespace: str) -> None:
    made = core.create_namespaced_config_map(namespace, config_map()).metadata
    assert made.uid
    assert made.resource_version.isdigit()
    assert made.creation_timestamp
    assert made.namespace == namespace
    drawn = core.create_namespaced_config_map(namespace, {"metadata": {"generateName": "drawn-"}})
    assert drawn.metadata.name.startswith("drawn-")


def test_refusals(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    refused(409, "AlreadyExists", lambda: core.create_namespaced_config_map(namespace, config_map()))
    refused(404, "NotFound", lambda: core.read_namespaced_config_map("none", namespace))
    refused(422, "Invalid", lambda: core.create_namespaced_config_map(namespace, {"metadata": {}}))
    refused(404, "NotFound", lambda: core.create_namespaced_config_map("no-such-place", config_map()))
    stale = {**config_map(), "metadata": {"name": "a", "resourceVersion": "1"}}
    refused(409, "Conflict", lambda: core.replace_namespaced_config_map("a", namespace, stale))


def test_every_mistake_of_a_manifest_is_named(apps: Any, namespace: str) -> None:
    wrong = deployment(replicas=-1)
    spec = wrong["spec"]["template"]["spec"]
    spec["restartPolicy"] = "Nevr"
    spec["containers"][0]["volumeMounts"] = [{"name": "none", "mountPath": "/x"}]
    spec["containers"][0]["resources"] = {"limits": {"memory": "4Gigs"}}
    wrong["metadata"]["name"] = "Bad_Name"
    message = refused(422, "Invalid", lambda: apps.create_namespaced_deployment(namespace, wrong))
    for part in ("metadata.name", "spec.replicas", "restartPolicy", 'Not found: "none"', "4Gigs"):
        assert part in message
    misfit = deployment(selector={"matchLabels": {"app": "other"}})
    message = refused(422, "Invalid", lambda: apps.create_namespaced_deployment(namespace, misfit))
    assert "`selector` does not match template `labels`" in message


def test_lists_by_label_field_and_page(core: Any, namespace: str) -> None:
    for name in ("a", "b", "c"):
        core.create_namespaced_config_map(namespace, config_map(name, app=name, own="yes"))

    def names(**query: object) -> list[str]:
        return [o.metadata.name for o in core.list_namespaced_config_map(namespace, **query).items]

    assert names(label_selector="app in (a,c),own") == ["a", "c"]
    assert names(field_selector="metadata.name=b") == ["b"]
    first = core.list_namespaced_config_map(namespace, label_selector="own", limit=2)
    assert [o.metadata.name for o in first.items] == ["a", "b"]
    assert names(label_selector="own", limit=2, _continue=first.metadata._continue) == ["c"]


def test_patches_of_every_kind(core: Any, apps: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    patched = core.patch_namespaced_config_map("a", namespace, {"data": {"a": None, "c": "3"}})
    assert patched.data == {"b": "2", "c": "3"}
    operation = [{"op": "replace", "path": "/data/b", "value": "9"}]
    assert core.patch_namespaced_config_map("a", namespace, operation).data["b"] == "9"
    apps.create_namespaced_deployment(namespace, deployment())
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}}
    container = apps.patch_namespaced_deployment("d", namespace, change).spec.template.spec.containers[0]
    assert (container.image, container.command) == ("i:2", ["sleep", "1"])
    assert (
        apps.patch_namespaced_deployment_scale("d", namespace, {"spec": {"replicas": 0}}).spec.replicas == 0
    )
    kept = apps.patch_namespaced_deployment_status("d", namespace, {"spec": {"replicas": 7}})
    assert kept.spec.replicas == 0
    assert kept.metadata.generation == 2


def test_what_never_changes(apps: Any, batch: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment())
    other: Object = {"spec": {"selector": {"matchLabels": {"app": "d", "more": "1"}}}}
    other["spec"]["template"] = {"metadata": {"labels": {"app": "d", "more": "1"}}}
    message = refused(422, "Invalid", lambda: apps.patch_namespaced_deployment("d", namespace, other))
    assert "field is immutable" in message
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i:1"}]}}
    job = {"metadata": {"name": "j"}, "spec": {"suspend": True, "template": template}}
    batch.create_namespaced_job(namespace, job)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}}
    assert "immutable" in refused(422, "Invalid", lambda: batch.patch_namespaced_job("j", namespace, change))


def test_defaults_are_filled_in(apps: Any, namespace: str) -> None:
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "limits": {"cpu": "0.5", "memory": "1024Mi"}
    }
    spec = apps.create_namespaced_deployment(namespace, body).spec
    assert spec.strategy.rolling_update.max_surge == "25%"
    container = spec.template.spec.containers[0]
    assert container.resources.limits == {"cpu": "500m", "memory": "1Gi"}
    assert container.image_pull_policy == "IfNotPresent"


def test_watches(core: Any, namespace: str) -> None:
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("a", app="x"))
    core.patch_namespaced_config_map("a", namespace, {"metadata": {"labels": {"app": "y"}}})
    core.create_namespaced_config_map(namespace, config_map("b", app="x"))
    seen = []
    stream = watch.Watch()
    for event in stream.stream(
        core.list_namespaced_config_map,
        namespace,
        label_selector="app=x",
        resource_version=version,
        timeout_seconds=20,
    ):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 3:
            stream.stop()
    # what leaves the selection is deleted for the one who watches it
    assert seen == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]


def test_a_watch_ends_in_time_and_replays_nothing(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=1
    )
    assert list(stream) == []


def test_a_watch_from_too_long_ago(core: Any, namespace: str, kube: Kube) -> None:
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map())
    kube.faults.forget_history()
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=5
    )
    with pytest.raises(ApiException) as raised:
        list(stream)
    assert raised.value.status == 410


def owned(name: str, owner: Any) -> Object:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner.metadata.name}
    reference |= {"uid": owner.metadata.uid, "blockOwnerDeletion": True}
    return {"metadata": {"name": name, "ownerReferences": [reference]}}


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_what_becomes_of_dependants(core: Any, namespace: str, policy: str) -> None:
    owner = core.create_namespaced_config_map(namespace, config_map("owner"))
    core.create_namespaced_config_map(namespace, owned("one", owner))
    core.delete_namespaced_config_map("owner", namespace, propagation_policy=policy)

    def names() -> set[str]:
        found = core.list_namespaced_config_map(namespace).items
        return {o.metadata.name for o in found} & {"owner", "one"}

    left = {"one"} if policy == "Orphan" else set()
    eventually(lambda: names() == left)
    if policy == "Orphan":
        eventually(lambda: not core.read_namespaced_config_map("one", namespace).metadata.owner_references)


def test_what_nobody_owns_is_collected(core: Any, namespace: str) -> None:
    owner = core.create_namespaced_config_map(namespace, config_map("owner"))
    core.delete_namespaced_config_map("owner", namespace)
    core.create_namespaced_config_map(namespace, owned("late", owner))

    def is_gone() -> bool:
        items = core.list_namespaced_config_map(namespace).items
        return "late" not in {o.metadata.name for o in items}

    eventually(is_gone)


def test_leases_are_replaced_by_version_only(api: Any, namespace: str) -> None:
    leases = client.CoordinationV1Api(api)
    made = leases.create_namespaced_lease(
        namespace, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}}
    )
    body = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "b"}}
    assert "must be specified" in refused(
        422, "Invalid", lambda: leases.replace_namespaced_lease("l", namespace, body)
    )
    body["metadata"]["resourceVersion"] = made.metadata.resource_version
    assert leases.replace_namespaced_lease("l", namespace, body).spec.holder_identity == "b"
    refused(409, "Conflict", lambda: leases.replace_namespaced_lease("l", namespace, body))
