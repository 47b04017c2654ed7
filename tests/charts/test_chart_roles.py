"""Least privilege: who has a token, what its roles allow, and that nothing is allowed wholesale."""

from __future__ import annotations

import pytest

from tests.charts.rendering import NAMESPACE, VALUES, Manifest, named, needs_helm, of_kind, pods, rendered

pytestmark = needs_helm
every_example = pytest.mark.parametrize("values", VALUES)


def granted(role: Manifest) -> set[tuple[str, str]]:
    """Verbs and resources of a role."""
    return {
        (verb, resource) for rule in role["rules"] for verb in rule["verbs"] for resource in rule["resources"]
    }


def bound(objects: tuple[Manifest, ...]) -> dict[str, set[str]]:
    """Roles by the component whose account has them."""
    found: dict[str, set[str]] = {}
    for binding in of_kind("RoleBinding", objects):
        for subject in binding["subjects"]:
            assert subject["namespace"] == NAMESPACE
            component = named("ServiceAccount", subject["name"], objects)["metadata"]["labels"]
            roles = found.setdefault(component["app.kubernetes.io/component"], set())
            roles.add(binding["roleRef"]["name"].rpartition("-")[2])
    return found


@every_example
def test_nothing_is_allowed_wholesale(values: str) -> None:
    objects = rendered(values)
    assert not of_kind("ClusterRole", objects)
    assert not of_kind("ClusterRoleBinding", objects)
    for role in of_kind("Role", objects):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            assert rule.keys() == {"apiGroups", "resources", "verbs"}
            assert rule["verbs"] == sorted(set(rule["verbs"]))
        resources = {resource for _, resource in granted(role)}
        assert not resources & {"secrets", "pods/exec", "serviceaccounts", "roles", "rolebindings", "nodes"}


@every_example
def test_roles_are_where_jobs_run(values: str) -> None:
    objects = rendered(values)
    settings = named("ConfigMap", "-settings", objects)["data"]
    for role in of_kind("Role", objects):
        is_executors = role["metadata"]["name"].endswith("-executor")
        wanted = NAMESPACE if is_executors else settings["SQLREC_KUBERNETES_NAMESPACE"]
        assert role["metadata"]["namespace"] == wanted


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ("", {"scheduler": {"tasks"}, "triggerer": {"triggers"}}),
        ("minimal", {"scheduler": {"tasks"}}),
        ("kubernetes-executor", {"worker": {"tasks"}, "scheduler": {"executor"}, "triggerer": {"triggers"}}),
    ],
)
def test_roles_are_of_those_who_need_them(values: str, wanted: dict[str, set[str]]) -> None:
    assert bound(rendered(values)) == wanted


@every_example
def test_tokens_are_of_those_with_roles(values: str) -> None:
    objects = rendered(values)
    for account in of_kind("ServiceAccount", objects):
        assert account["automountServiceAccountToken"] is False
    mounting = {name for name, pod in pods(objects).items() if pod["spec"]["automountServiceAccountToken"]}
    assert mounting == bound(objects).keys()


def test_jobs_and_services_have_an_account_without_rights() -> None:
    objects = rendered("full")
    account = named("ServiceAccount", "-workload", objects)
    settings = named("ConfigMap", "-settings", objects)["data"]
    assert account["metadata"]["name"] == settings["SQLREC_KUBERNETES_SERVICE_ACCOUNT"]
    assert account["metadata"]["namespace"] == settings["SQLREC_KUBERNETES_NAMESPACE"]
    assert "workload" not in bound(objects)
