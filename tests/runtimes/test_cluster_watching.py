"""Watching a cluster whose connections break: the last state is always seen, in order."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sqlrec.errors import RemoteError
from sqlrec.runtimes.kubernetes.client import ClusterClient, open_cluster
from sqlrec.runtimes.kubernetes.rest import Closing
from sqlrec.runtimes.kubernetes.watching import wait_for, watch
from sqlrec.settings import Cluster
from tests.emulator.fixtures import Kube


@pytest.fixture
def client(cluster: Cluster) -> ClusterClient:
    return open_cluster(cluster)


def config_map(namespace: str, name: str, count: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"count": str(count)}}


def test_every_level_is_seen_although_the_watch_is_dropped_a_hundred_times(
    client: ClusterClient, kube: Kube, namespace: str
) -> None:
    client.create(config_map(namespace, "m", 0))
    last = 100

    def change() -> None:
        for count in range(1, last + 1):
            kube.faults.drop_watches()
            client.patch("ConfigMap", "m", namespace, {"data": {"count": str(count)}})

    changing = threading.Thread(target=change)
    changing.start()
    seen = []
    for level in watch(client, "ConfigMap", namespace, name="m", seconds=60):
        seen.append(int(level["m"]["data"]["count"]))
        if seen[-1] == last:
            break
    changing.join()
    assert seen[-1] == last
    assert seen == sorted(set(seen))


def test_only_what_is_asked_for_is_seen(client: ClusterClient, namespace: str) -> None:
    client.create(config_map(namespace, "other", 0))
    levels = watch(client, "ConfigMap", namespace, labels="app=mine", seconds=60)
    assert next(levels) == {}
    client.create(config_map(namespace, "mine", 1))
    assert list(next(levels)) == ["mine"]
    client.delete("ConfigMap", "mine", namespace)
    assert next(levels) == {}


def test_an_expired_version_is_listed_again(client: ClusterClient, kube: Kube, namespace: str) -> None:
    levels = watch(client, "ConfigMap", namespace, name="m", seconds=60)
    assert next(levels) == {}
    kube.faults.forget_history()
    client.create(config_map(namespace, "m", 1))
    assert list(next(levels)) == ["m"]


def test_closing_ends_a_watch_that_waits(client: ClusterClient, namespace: str) -> None:
    closing, seen = Closing(), threading.Event()
    levels = []

    def follow() -> None:
        for level in watch(client, "ConfigMap", namespace, name="m", closing=closing):
            levels.append(level)
            seen.set()

    following = threading.Thread(target=follow)
    following.start()
    assert seen.wait(30)
    closing.close()
    following.join(30)
    assert not following.is_alive()
    assert levels == [{}]


def test_waiting_for_an_object(client: ClusterClient, namespace: str) -> None:
    creating = threading.Timer(0.1, client.create, [config_map(namespace, "m", 1)])
    creating.start()
    found = wait_for(client, "ConfigMap", "m", namespace, lambda m: m is not None, seconds=30)
    creating.join()
    assert found is not None
    assert found["data"] == {"count": "1"}


def test_waiting_has_an_end(client: ClusterClient, namespace: str) -> None:
    with pytest.raises(RemoteError, match=r"ConfigMap m, which does not exist") as caught:
        wait_for(client, "ConfigMap", "m", namespace, lambda m: m is not None, seconds=0.2)
    assert caught.value.code == "SR746"
