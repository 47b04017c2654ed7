"""The client of a cluster over real HTTP: verbs, what it says of refusals, and what it survives."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrec.errors import NameNotFoundError, OptionError, RemoteError, SetupError, StateError
from sqlrec.runtimes.kubernetes.client import REQUEST, ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.rest import Closing
from sqlrec.settings import Cluster
from tests.emulator.fixtures import JOB_IMAGE, Kube

Manifest = dict[str, Any]


@pytest.fixture
def client(cluster: Cluster) -> ClusterClient:
    return open_cluster(cluster)


def config_map(namespace: str, name: str = "one", **data: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def pod(namespace: str, script: str, name: str = "p") -> Manifest:
    container = {"name": "main", "image": JOB_IMAGE, "command": ["bash", "-c", script]}
    spec = {"restartPolicy": "Never", "containers": [container], "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def test_objects_are_made_read_changed_and_deleted(client: ClusterClient, namespace: str) -> None:
    assert client.get("ConfigMap", "one", namespace) is None
    made = client.create(config_map(namespace, a="1"))
    assert made is not None
    assert client.get("ConfigMap", "one", namespace) == made
    assert client.create(config_map(namespace, a="2")) is None
    client.create(config_map(namespace, "two"))
    assert [m["metadata"]["name"] for m in client.list("ConfigMap", namespace, labels="app=two")] == ["two"]
    assert client.patch("ConfigMap", "one", namespace, {"data": {"b": "3"}})["data"] == {"a": "1", "b": "3"}
    client.delete("ConfigMap", "one", namespace, wait=5)
    client.delete("ConfigMap", "one", namespace, wait=5)
    assert [m["kind"] for m in client.list("ConfigMap", namespace)] == ["ConfigMap"]


def test_a_list_of_many_pages(client: ClusterClient, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        client.create(config_map(namespace, f"m{number}"))
    monkeypatch.setattr("sqlrec.runtimes.kubernetes.client.PAGE", 2)
    assert [m["metadata"]["name"] for m in client.list("ConfigMap", namespace)] == [f"m{n}" for n in range(5)]


def test_applying_keeps_what_others_set(client: ClusterClient, namespace: str) -> None:
    client.apply(config_map(namespace, a="1"))
    client.apply(config_map(namespace, b="2"), manager="other")
    assert client.apply(config_map(namespace, a="3"))["data"] == {"a": "3", "b": "2"}
    with pytest.raises(StateError, match="ConfigMap one") as caught:
        client.apply(config_map(namespace, b="9"), force=False)
    assert caught.value.code == "SR743"
    assert client.apply(config_map(namespace, c="1"), dry_run=True)["data"]["c"] == "1"
    assert "c" not in (client.get("ConfigMap", "one", namespace) or {})["data"]


def test_an_outdated_change_is_refused(client: ClusterClient, namespace: str) -> None:
    version = (client.create(config_map(namespace)) or {})["metadata"]["resourceVersion"]
    change: Manifest = {"metadata": {"resourceVersion": version}, "data": {"a": "1"}}
    client.patch("ConfigMap", "one", namespace, change)
    with pytest.raises(StateError) as caught:
        client.patch("ConfigMap", "one", namespace, {**change, "data": {"a": "2"}})
    assert caught.value.code == "SR743"


def test_only_the_object_that_is_meant_is_deleted(client: ClusterClient, namespace: str) -> None:
    client.create(config_map(namespace))
    client.delete("ConfigMap", "one", namespace, uid="somebody-else", wait=1)
    assert client.get("ConfigMap", "one", namespace) is not None


def test_a_list_whose_pages_expire_is_begun_again(
    client: ClusterClient, kube: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        client.create(config_map(namespace, f"m{number}"))
    monkeypatch.setattr("sqlrec.runtimes.kubernetes.client.PAGE", 1)
    kube.faults.answer(410, method="GET", path="continue=")
    assert [m["metadata"]["name"] for m in client.list("ConfigMap", namespace)] == ["m0", "m1", "m2"]


def test_what_is_not_deleted_in_time_is_named(client: ClusterClient, namespace: str) -> None:
    held = config_map(namespace)
    held["metadata"]["finalizers"] = ["example.org/hold"]
    client.create(held)
    with pytest.raises(RemoteError, match="ConfigMap one is not deleted") as caught:
        client.delete("ConfigMap", "one", namespace, wait=0.1)
    assert caught.value.code == "SR746"
    client.patch("ConfigMap", "one", namespace, {"metadata": {"finalizers": None}})
    client.delete("ConfigMap", "one", namespace, wait=30)


def test_scaling(client: ClusterClient, namespace: str) -> None:
    template = {"metadata": {"labels": {"app": "d"}}, "spec": pod(namespace, "sleep 60")["spec"]}
    template["spec"] |= {"restartPolicy": "Always"}
    client.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "d", "namespace": namespace},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "d"}}, "template": template},
        }
    )
    client.scale("Deployment", "d", namespace, 3)
    assert (client.get("Deployment", "d", namespace) or {})["spec"]["replicas"] == 3
    client.scale("Deployment", "d", namespace, 0)


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_what_a_second_try_can_change_is_tried_again(
    client: ClusterClient, kube: Kube, namespace: str, status: int
) -> None:
    kube.faults.answer(status, path=".*configmaps.*", times=2)
    assert client.create(config_map(namespace)) is not None
    assert len(kube.faults.requests("POST", ".*configmaps.*")) == 3


def test_a_create_whose_answer_was_lost_is_known_again(
    client: ClusterClient, kube: Kube, namespace: str
) -> None:
    kube.faults.lose_answer(method="POST", path=".*configmaps.*")
    made = client.create(config_map(namespace))
    assert made is not None
    assert REQUEST in made["metadata"]["annotations"]


def test_a_lost_answer_does_not_make_anothers_object_ours(
    client: ClusterClient, kube: Kube, namespace: str
) -> None:
    client.create(config_map(namespace))
    kube.faults.lose_answer(method="POST", path=".*configmaps.*")
    assert client.create(config_map(namespace)) is None


def test_a_server_that_restarts_is_waited_for(client: ClusterClient, kube: Kube, namespace: str) -> None:
    client.list("ConfigMap", namespace)
    kube.faults.restart_server(0.5)
    assert client.create(config_map(namespace)) is not None


def test_a_server_that_is_not_there_is_named(tmp_path: Any) -> None:
    config = tmp_path / "config"
    config.write_text(KUBECONFIG.format(server="http://127.0.0.1:9"))
    client = open_cluster(Cluster(config=str(config))).patient(0.3, Closing())
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9") as caught:
        client.get("Pod", "p", "default")
    assert (caught.value.code, caught.value.retriable) == ("SR741", True)


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
"""


@pytest.mark.parametrize(
    ("text", "context", "words"),
    [
        (None, "", "no file"),
        (": nonsense", "", "no cluster by"),
        (KUBECONFIG.format(server="http://h"), "there", "there"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Any, text: str | None, context: str, words: str) -> None:
    config = tmp_path / "config"
    if text is not None:
        config.write_text(text)
    with pytest.raises(SetupError, match=words) as caught:
        open_cluster(Cluster(config=str(config), context=context))
    assert caught.value.code == "SR740"
    assert "sqlrec.toml" in caught.value.hint


def test_no_kubeconfig_and_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/no/such/config")
    with pytest.raises(SetupError, match="/no/such/config or this pod's account") as caught:
        open_cluster(Cluster())
    assert caught.value.code == "SR740"


def test_refusals_say_what_is_wrong(client: ClusterClient, kube: Kube, namespace: str) -> None:
    with pytest.raises(OptionError, match="Bad_Name") as refused:
        client.create(config_map(namespace, "Bad_Name"))
    assert refused.value.code == "SR744"
    with pytest.raises(NameNotFoundError, match="nowhere") as lost:
        client.create(config_map("nowhere"))
    assert (lost.value.code, "sqlrec.toml" in lost.value.hint) == ("SR745", True)
    kube.faults.answer(401, message="Unauthorized")
    with pytest.raises(SetupError, match="does not know who we are") as unknown:
        client.get("Pod", "p", namespace)
    assert unknown.value.code == "SR742"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            'jobs.batch is forbidden: User "ann" cannot create resource "jobs" in API group "batch" '
            'in the namespace "ml"',
            "not allowed to create jobs.batch in namespace ml",
        ),
        (
            'pods "p" is forbidden: User "ann" cannot get resource "pods/log" in API group "" '
            'in the namespace "ml"',
            "not allowed to get pods/log in namespace ml",
        ),
    ],
)
def test_a_missing_right_is_named(
    client: ClusterClient, kube: Kube, namespace: str, message: str, words: str
) -> None:
    kube.faults.answer(403, message=message)
    with pytest.raises(SetupError, match=words) as caught:
        client.create(config_map(namespace))
    assert (caught.value.code, "Role" in caught.value.hint) == ("SR742", True)


def test_a_quota_is_no_missing_right(client: ClusterClient, kube: Kube, namespace: str) -> None:
    kube.faults.answer(403, message='pods "p" is forbidden: exceeded quota: small')
    with pytest.raises(OptionError, match="exceeded quota: small") as caught:
        client.create(config_map(namespace))
    assert caught.value.code == "SR744"


def test_a_log_is_followed_over_broken_connections(client: ClusterClient, kube: Kube, namespace: str) -> None:
    script = "for n in $(seq 1 40); do echo line $n; echo twin; sleep 0.02; done; printf 'the end'"
    client.create(pod(namespace, script))
    seen: list[str] = []
    for line in client.logs("p", namespace, "main", follow=True):
        seen.append(line)
        if len(seen) in (7, 30):
            kube.faults.restart_server(0.1)
    whole = [text for n in range(1, 41) for text in (f"line {n}", "twin")]
    assert seen == [*whole, "the end"]
    assert list(client.logs("p", namespace, "main")) == seen
    assert list(client.logs("p", namespace, "main", tail=2)) == ["twin", "the end"]


def test_no_log_has_no_lines(client: ClusterClient, namespace: str) -> None:
    assert list(client.logs("p", namespace, "main", follow=True)) == []
    assert list(client.logs("p", namespace, "main")) == []


def test_bytes_that_are_no_text(client: ClusterClient, namespace: str) -> None:
    client.create(pod(namespace, r"printf 'a\xff\r\nb\n\n'"))
    assert list(client.logs("p", namespace, "main", follow=True)) == ["a\ufffd\r", "b", ""]


def test_events_of_an_object(client: ClusterClient, namespace: str) -> None:
    client.create(pod(namespace, "true"))
    list(client.logs("p", namespace, "main", follow=True))
    noted = client.events("Pod", "p", namespace)
    assert {e["involvedObject"]["name"] for e in noted} == {"p"}
    assert "Started" in [e["reason"] for e in noted]
