"""The template of every pod: hardened, with what its script asks for and no value of a secret."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import OptionError, SetupError
from sqlrec.runtimes.kubernetes.pod import Container, namespace_of, owned_by, pod_template
from sqlrec.settings import Cluster
from sqlrec.spec.job import Resources
from sqlrec.spec.pod import Pod, Toleration, Volume, VolumeKind
from tests.manifests import problems

CLUSTER = Cluster(volume="pvc:files", mount="/srv/project")
CONTAINER = Container(name="base", image="sqlrec/job:1", command=("true",))


def template(
    pod: Pod = Pod(), cluster: Cluster = CLUSTER, container: Container = CONTAINER, **more: Any
) -> Any:
    fields: dict[str, Any] = {"config_map": "x-cm", "labels": {"a": "1"}, "annotations": {}, "fields": {}}
    made = pod_template(container, pod, cluster, **{**fields, **more})
    whole = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", **made["metadata"]},
        "spec": made["spec"],
    }
    assert problems([whole]) == []
    return made


def env(container: Container, cluster: Cluster = CLUSTER) -> dict[str, Any]:
    (made,) = template(container=container, cluster=cluster)["spec"]["containers"]
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in made["env"]}


def test_a_pod_has_no_privileges_and_no_token_of_the_api() -> None:
    spec = template()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsUser"] == 50000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert sorted(mounts) == ["/data", "/srv/project", "/tmp"]
    assert mounts["/data"]["readOnly"] is True
    assert "readOnly" not in mounts["/srv/project"]


def test_nothing_is_said_that_was_not_asked() -> None:
    spec = template(cluster=Cluster())["spec"]
    unsaid = {"serviceAccountName", "priorityClassName", "imagePullSecrets", "nodeSelector", "tolerations"}
    assert unsaid.isdisjoint(spec)
    assert "imagePullPolicy" not in spec["containers"][0]
    assert "limits" not in spec["containers"][0]["resources"]


def test_the_settings_hold_where_the_script_is_silent() -> None:
    cluster = replace(
        CLUSTER,
        service_account="jobs",
        image_pull_policy="Never",
        image_pull_secrets="one, two",
        namespace="ml",
    )
    spec = template(cluster=cluster)["spec"]
    assert spec["serviceAccountName"] == "jobs"
    assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert spec["containers"][0]["imagePullPolicy"] == "Never"
    assert namespace_of(Pod(), cluster) == "ml"
    own = Pod(
        service_account="mine", image_pull_policy="Always", image_pull_secrets=("three",), namespace="own"
    )
    spec = template(own, cluster)["spec"]
    assert spec["serviceAccountName"] == "mine"
    assert spec["imagePullSecrets"] == [{"name": "three"}]
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert namespace_of(own, cluster) == "own"


def test_secrets_are_named_and_never_told() -> None:
    container = replace(CONTAINER, env={"TOKEN": "secret:api.token", "PLAIN": "text"}, secrets=("s3-key",))
    found = env(container, replace(CLUSTER, secret="vault"))
    assert found["TOKEN"] == {"secretKeyRef": {"name": "vault", "key": "api.token"}}
    assert found["SQLREC_SECRET_S3_KEY"] == {"secretKeyRef": {"name": "vault", "key": "s3-key"}}
    assert found["PLAIN"] == "text"


def test_the_script_has_the_last_word_about_variables() -> None:
    assert env(CONTAINER) == {"HOME": "/tmp", "USER": "sqlrec"}
    assert env(replace(CONTAINER, env={"HOME": "/mnt"}))["HOME"] == "/mnt"


def expanded(value: str) -> str:
    """What a kubelet makes of a value: ``$(NAME)`` is replaced, ``$$`` is ``$``, all else stays."""
    text, at = "", 0
    while at < len(value):
        if value[at] != "$" or at + 1 == len(value):
            text, at = text + value[at], at + 1
        elif value[at + 1] == "$":
            text, at = text + "$", at + 2
        elif value[at + 1] == "(" and (end := value.find(")", at)) > 0:
            text, at = text + f"<{value[at + 2 : end]}>", end + 1
        else:
            text, at = text + value[at : at + 2], at + 2
    return text


@given(st.text("$()aA", max_size=12))
def test_a_value_arrives_as_it_was_written(value: str) -> None:
    made = pod_template(
        replace(CONTAINER, env={"X": value}),
        Pod(),
        CLUSTER,
        config_map="c",
        labels={},
        annotations={},
        fields={},
    )
    (text,) = [v["value"] for v in made["spec"]["containers"][0]["env"] if v["name"] == "X"]
    assert expanded(text) == value


def test_every_kind_of_volume_has_its_source() -> None:
    sources = {
        VolumeKind.CLAIM: ("logs", {"persistentVolumeClaim": {"claimName": "logs"}}),
        VolumeKind.HOST: ("/etc/hadoop", {"hostPath": {"path": "/etc/hadoop"}}),
        VolumeKind.EMPTY: ("5Gi", {"emptyDir": {"sizeLimit": "5Gi"}}),
        VolumeKind.CONFIG_MAP: ("conf", {"configMap": {"name": "conf"}}),
        VolumeKind.SECRET: ("tls", {"secret": {"secretName": "tls"}}),
    }
    volumes = tuple(
        Volume(
            name=f"V_{kind}",
            kind=kind,
            source=source,
            mount=f"/mnt/{kind}",
            read_only=kind is VolumeKind.HOST,
        )
        for kind, (source, _) in sources.items()
    )
    spec = template(Pod(volumes=volumes))["spec"]
    told = {v["name"]: v for v in spec["volumes"]}
    mounts = {m["mountPath"]: m for m in spec["containers"][0]["volumeMounts"]}
    for kind, (_, source) in sources.items():
        mount = mounts[f"/mnt/{kind}"]
        assert source.items() <= told[mount["name"]].items()
        assert ("readOnly" in mount) == (kind is VolumeKind.HOST)


def test_gpus_and_shared_memory() -> None:
    spec = template(Pod(gpus=2, gpu_resource="amd.com/gpu", shared_memory="8Gi"))["spec"]
    resources = spec["containers"][0]["resources"]
    assert resources["limits"] == {"amd.com/gpu": "2"}
    assert resources["requests"] == {"cpu": "1", "memory": "2Gi", "amd.com/gpu": "2"}
    assert {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}} in spec["volumes"]
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in spec["containers"][0]["volumeMounts"]


def test_limits_are_set_where_they_are_given() -> None:
    container = replace(CONTAINER, resources=Resources(cpu="500m", memory="1Gi", memory_limit="2Gi"))
    resources = template(container=container)["spec"]["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}


def test_placement() -> None:
    tolerations = (
        Toleration(key="gpu", value="yes", effect="NoSchedule"),
        Toleration(key="spot", effect="NoExecute"),
        Toleration(key="any"),
    )
    pod = Pod(node_selector={"zone": "b", "disk": "ssd"}, tolerations=tolerations, priority_class="high")
    spec = template(pod)["spec"]
    assert spec["nodeSelector"] == {"disk": "ssd", "zone": "b"}
    assert spec["priorityClassName"] == "high"
    assert spec["tolerations"] == [
        {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
        {"key": "any", "operator": "Exists"},
    ]


def test_our_labels_go_before_those_of_the_script() -> None:
    made = template(Pod(labels={"a": "2", "team": "ads"}, annotations={"note": "x"}), annotations={"b": "c"})
    assert made["metadata"] == {"labels": {"a": "1", "team": "ads"}, "annotations": {"b": "c", "note": "x"}}


def test_fields_of_pod_and_container_are_added() -> None:
    container = replace(CONTAINER, fields={"ports": [{"name": "http", "containerPort": 80}]})
    spec = template(container=container, fields={"restartPolicy": "Never"})["spec"]
    assert spec["restartPolicy"] == "Never"
    assert spec["containers"][0]["ports"] == [{"name": "http", "containerPort": 80}]


@pytest.mark.parametrize(
    "settings",
    [
        {"run_as_user": "0"},
        {"run_as_user": "root"},
        {"volume": "files"},
        {"volume": "empty:5Gi"},
        {"volume": "pvc:Files_1"},
        {"volume": "host:/srv", "mount": "project"},
        {"volume": "host:/srv", "mount": "/tmp"},
        {"volume": "host:/srv", "mount": "/data/project"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str]) -> None:
    cluster = replace(CLUSTER, **settings)
    with pytest.raises(SetupError, match="kubernetes") as caught:
        template(cluster=cluster)
    assert caught.value.code == "SR377"
    assert caught.value.hint


def test_a_volume_cannot_hide_the_project() -> None:
    own = Volume(name="mine", kind=VolumeKind.EMPTY, source="1Gi", mount="/srv/project")
    with pytest.raises(OptionError, match="'project'") as caught:
        template(Pod(volumes=(own,)))
    assert caught.value.code == "SR374"


def test_an_owned_object_names_its_owner() -> None:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "uid": "42", "labels": {}}}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {}}
    owned = owned_by(config_map, owner)
    (reference,) = owned["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["name"], reference["uid"]) == ("Job", "j", "42")
    assert "ownerReferences" not in config_map["metadata"]
    assert problems([owned]) == []
