"""Who can reach whom by the chart's network policies, read as Kubernetes reads them."""

from __future__ import annotations

import pytest

from tests.charts.rendering import NAMESPACE, VALUES, Manifest, needs_helm, of_kind, pods, rendered

pytestmark = needs_helm
Pod = tuple[str, Manifest]
"""Namespace and labels."""

STRANGER: Pod = (NAMESPACE, {"app": "stranger"})
SHOP: Pod = ("shop", {"app": "shop"})
DATABASE = {"api-server", "scheduler", "dag-processor", "triggerer", "mlflow"}
API = {"scheduler", "worker", "dag-processor", "triggerer", "test"}


def matches(selector: Manifest | None, labels: Manifest) -> bool:
    """Whether a label selector selects; none selects nothing, an empty one all."""
    if selector is None:
        return False
    operators = {"In": lambda key, values: labels.get(key) in values}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        operators[each["operator"]](each["key"], each["values"])
        for each in selector.get("matchExpressions", ())
    )


def is_peer(peer: Manifest, pod: Pod, namespace: str) -> bool:
    where, labels = pod
    if "namespaceSelector" in peer:
        is_near = matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": where})
    else:
        is_near = where == namespace
    return is_near and matches(peer.get("podSelector", {}), labels)


def allows(objects: tuple[Manifest, ...], direction: str, pod: Pod, other: Pod | None, port: int) -> bool:
    """Whether policies let a pod talk ``Egress`` to, or hear ``Ingress`` from, another (None: outside)."""
    where, labels = pod
    side = {"Ingress": "from", "Egress": "to"}[direction]
    policies = [
        each
        for each in of_kind("NetworkPolicy", objects)
        if each["metadata"]["namespace"] == where
        and matches(each["spec"]["podSelector"], labels)
        and direction in each["spec"]["policyTypes"]
    ]
    rules = [rule for each in policies for rule in each["spec"].get(direction.lower(), ())]
    return not policies or any(
        ("ports" not in rule or port in {each["port"] for each in rule["ports"]})
        and any("ipBlock" in peer if other is None else is_peer(peer, other, where) for peer in rule[side])
        for rule in rules
    )


def can_reach(objects: tuple[Manifest, ...], source: Pod, target: Pod, port: int) -> bool:
    return allows(objects, "Egress", source, target, port) and allows(
        objects, "Ingress", target, source, port
    )


def components(objects: tuple[Manifest, ...]) -> dict[str, Pod]:
    return {name: (NAMESPACE, pod["metadata"]["labels"]) for name, pod in pods(objects).items()}


def workload(objects: tuple[Manifest, ...]) -> Pod:
    """A pod of a job or service, labelled as the runtime does."""
    (account,) = (
        each for each in of_kind("ServiceAccount", objects) if each["metadata"]["name"].endswith("-workload")
    )
    return (account["metadata"]["namespace"], {"app.kubernetes.io/managed-by": "sqlrec"})


with_policies = pytest.mark.parametrize("values", [values for values in VALUES if values != "minimal"])


@with_policies
def test_components_reach_what_they_need_and_nothing_else(values: str) -> None:
    objects = rendered(values)
    there = components(objects)
    runner = "worker" if "worker" in there else "scheduler"
    ports = {"api-server": 8080, "mlflow": 5000, "postgres": 5432}
    wanted = {"api-server": API, "mlflow": {runner, "test"}, "postgres": DATABASE}
    for target, port in ports.items():
        if target in there:
            found = {name for name, pod in there.items() if can_reach(objects, pod, there[target], port)}
            assert found - {target} == wanted[target] & there.keys(), target
            assert not can_reach(objects, STRANGER, there[target], port)
            assert not can_reach(objects, workload(objects), there[target], port)


@with_policies
def test_services_are_asked_by_tasks_and_by_each_other(values: str) -> None:
    objects = rendered(values)
    there, served = components(objects), workload(objects)
    runner = "worker" if "worker" in there else "scheduler"
    assert {name for name, pod in there.items() if can_reach(objects, pod, served, 8080)} == {runner}
    assert can_reach(objects, served, served, 29500)
    assert not can_reach(objects, STRANGER, served, 8080)
    assert can_reach(objects, SHOP, served, 8080) is (values == "full")


@with_policies
def test_only_who_uses_the_clusters_api_or_the_world_gets_out(values: str) -> None:
    objects = rendered(values)
    there = components(objects)
    outside = {name for name, pod in there.items() if allows(objects, "Egress", pod, None, 6443)}
    runner = "worker" if "worker" in there else "scheduler"
    assert outside == {runner, "triggerer"} | ({"scheduler"} if runner == "worker" else set())
    for name in {"postgres", "test"} & there.keys():
        assert not allows(objects, "Egress", there[name], None, 443)


def test_user_interfaces_open_to_whom_the_values_name() -> None:
    objects = rendered("full")
    there = components(objects)
    ingress: Pod = ("ingress", {"app": "nginx"})
    assert can_reach(objects, ingress, there["api-server"], 8080)
    assert can_reach(objects, ingress, there["mlflow"], 5000)
    assert not can_reach(objects, ingress, there["scheduler"], 8974)
