"""A service as objects of a cluster: goldens, and combinations of options by the rules of three versions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrec.errors import OptionError, SetupError
from sqlrec.runtimes.kubernetes.pod import owned_by
from sqlrec.runtimes.kubernetes.service import ServiceManifests, service_manifests, service_name
from sqlrec.settings import Cluster
from sqlrec.spec import codec
from sqlrec.spec.function import ApiServiceSpec, ApiSpec, Callee, Program, ProgramQuery
from sqlrec.spec.job import Resources
from sqlrec.spec.pod import OURS, Pod, Toleration, Volume, VolumeKind
from sqlrec.spec.service import ServedModel, ServiceSpec
from sqlrec.spec.table import Relation, TableFormat, TableSource
from tests.manifests import problems
from tests.registries import model

GOLDEN = Path(__file__).parent.parent / "golden" / "manifests"
CLUSTER = Cluster(namespace="ml", server_image="sqlrec/server:1", volume="pvc:files", mount="/srv/project")
CONFIG = Volume(name="keys", kind=VolumeKind.SECRET, source="keys", mount="/keys", read_only=True)


def rank(version: int = 1, **fields: Any) -> ServiceSpec:
    served = ServedModel(
        model=model(),
        checkpoint=f"v{version}_export",
        version=version,
        model_uri=f"file:///srv/project/models/{version}",
        digest="d" * 8,
    )
    return ServiceSpec(**{"name": "rank", "models": (served,), "image": "sqlrec/server:1", **fields})


def recommend(path: str = "/srv/project/data/items.parquet", **fields: Any) -> ApiServiceSpec:
    source = TableSource(name="items", format=TableFormat.PARQUET, path=path)
    step = ProgramQuery(target="t", query=Relation(query="SELECT * FROM items", sources={"items": source}))
    program = Program(name="f", inputs=(), steps=(step,), returns="t")
    return ApiServiceSpec(
        name="api.recommend", api=ApiSpec(name="recommend", function="f", program=program), **fields
    )


def objects(manifests: ServiceManifests) -> list[dict[str, Any]]:
    return [manifests.deployment, manifests.config_map, *manifests.others]


def kinds(manifests: ServiceManifests) -> list[str]:
    return [one["kind"] for one in objects(manifests)]


def container(manifests: ServiceManifests) -> dict[str, Any]:
    (found,) = manifests.deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


ASKED = rank(
    replicas=3,
    resources=Resources(cpu="2", memory="4Gi", cpu_limit="4", memory_limit="8Gi"),
    options={
        "replicas": 3,
        "max_replicas": 9,
        "target_cpu": 60,
        "progress_deadline": 120.0,
        "drain": 2.5,
        "request_timeout": 10.0,
        "tls_cert_file": "/keys/tls.crt",
        "tls_key_file": "/keys/tls.key",
        "auth_token_env": "TOKEN",
    },
    env={"TOKEN": "secret:rank-token", "MODE": "a $(b) c"},
    pod=Pod(
        namespace="front",
        service_account="server",
        priority_class="high",
        node_selector={"disk": "ssd"},
        tolerations=(Toleration(key="gpu", effect="NoSchedule"),),
        volumes=(CONFIG,),
        labels={"team": "ads"},
        annotations={"note": "text", f"{OURS}run": "r1"},
    ),
)


GUARDED = recommend(
    callees={
        "far": Callee(service="far", url="http://h/p", model=model(), headers={"authorization": "secret:far"})
    },
    replicas=2,
    options={
        "replicas": 2,
        "drain": 2.0,
        "request_timeout": 10.0,
        "tls_cert_file": "/keys/tls.crt",
        "tls_key_file": "/keys/tls.key",
        "auth_token_env": "TOKEN",
    },
    env={"TOKEN": "secret:api-token"},
    image="mine/api:2",
    pod=Pod(labels={"team": "ads"}, volumes=(CONFIG,)),
)


def test_an_api_is_run_as_its_options_say() -> None:
    made = service_manifests(GUARDED, CLUSTER)
    told = codec.loads(ApiServiceSpec, made.config_map["data"]["spec.json"])
    assert told.callees["far"].headers == {"authorization": "secret:far"}
    assert told.options == {k: v for k, v in GUARDED.options.items() if k not in ("replicas", "drain")}
    assert (told.env, told.image, told.pod, told.replicas) == ({}, "", Pod(), 1)
    env = {one["name"]: one for one in container(made)["env"]}
    for variable, key in (("TOKEN", "api-token"), ("SQLREC_SECRET_FAR", "far")):
        assert env[variable]["valueFrom"]["secretKeyRef"]["key"] == key
    assert (container(made)["image"], made.deployment["spec"]["replicas"]) == ("mine/api:2", 2)
    template = made.deployment["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "ads"
    assert container(made)["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert template["spec"]["terminationGracePeriodSeconds"] == 2 + 1 + 10 + 5
    assert "PodDisruptionBudget" in kinds(made)
    scaled = service_manifests(replace(GUARDED, replicas=3), CLUSTER)
    assert scaled.config_map == made.config_map
    assert problems(objects(made)) == []


@pytest.mark.parametrize(
    ("name", "manifests"),
    [
        ("service", service_manifests(rank(), CLUSTER)),
        ("service-asked", service_manifests(ASKED, CLUSTER)),
        ("service-canary", service_manifests(rank(2, replicas=3), CLUSTER, canary=1)),
        ("service-api", service_manifests(recommend(), CLUSTER)),
    ],
)
def test_manifests_are_the_golden_ones(
    name: str, manifests: ServiceManifests, request: pytest.FixtureRequest
) -> None:
    found = json.dumps(objects(manifests), indent=2, sort_keys=True) + "\n"
    path = GOLDEN / f"{name}.json"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text(), f"{name}.json differs: update with --update-golden"


COMBINATIONS: dict[str, ServiceSpec | ApiServiceSpec] = {
    "plain": rank(),
    "everything": ASKED,
    "replicas": rank(replicas=2),
    "autoscaled": rank(options={"max_replicas": 4, "target_cpu": 50}),
    "autoscaled from several": rank(replicas=2, options={"max_replicas": 2}),
    "limits": rank(resources=Resources(cpu="500m", memory="1.5Gi", cpu_limit="1", memory_limit="2Gi")),
    "a gpu": rank(pod=Pod(gpus=2, shared_memory="1Gi")),
    "secrets": rank(env={"A": "secret:a", "B": "b"}, options={"auth_token_env": "A"}),
    "volumes": rank(
        pod=Pod(
            volumes=(
                CONFIG,
                Volume(name="scratch", kind=VolumeKind.EMPTY, source="5Gi", mount="/scratch"),
                Volume(name="host", kind=VolumeKind.HOST, source="/mnt", mount="/mnt/host", read_only=True),
            )
        )
    ),
    "placement": rank(pod=Pod(node_selector={"a/b": "c"}, tolerations=(Toleration(key="x", value="y"),))),
    "another namespace": rank(pod=Pod(namespace="other")),
    "a long name": rank(name="The_rank.of/" + "x" * 300),
    "a name of signs": rank(name="Über-Dienst №5"),
    "quick": rank(options={"progress_deadline": 0.5, "drain": 1.0}),
    "tls": rank(options={"tls_cert_file": "/keys/c", "tls_key_file": "/keys/k"}, pod=Pod(volumes=(CONFIG,))),
    "an api": recommend(),
    "an api of several": recommend(replicas=3, env={"X": "secret:x"}),
}


@pytest.mark.parametrize("case", COMBINATIONS)
def test_every_combination_is_valid(case: str) -> None:
    service = COMBINATIONS[case]
    manifests = service_manifests(service, CLUSTER)
    assert problems(objects(manifests)) == []
    if isinstance(service, ServiceSpec):
        assert problems(objects(service_manifests(service, CLUSTER, canary=2))) == []
    names = {one["metadata"]["namespace"] for one in objects(manifests)}
    assert len(names) == 1
    owner = {**manifests.deployment, "metadata": {**manifests.deployment["metadata"], "uid": "u"}}
    assert problems([manifests.deployment, *(owned_by(one, owner) for one in objects(manifests)[1:])]) == []


def test_no_value_of_a_secret_and_nothing_of_the_run_is_in_a_manifest() -> None:
    manifests = service_manifests(ASKED, CLUSTER)
    env = {one["name"]: one for one in container(manifests)["env"]}
    assert env["TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "sqlrec-secrets", "key": "rank-token"}
    assert "r1" not in json.dumps(manifests.deployment["spec"]["template"]["metadata"])
    again = replace(ASKED, pod=replace(ASKED.pod, annotations={"note": "text", f"{OURS}run": "r2"}))
    assert service_manifests(again, CLUSTER) == manifests


def test_scaling_replaces_no_pod_and_another_checkpoint_replaces_all() -> None:
    one, three, other = (service_manifests(s, CLUSTER) for s in (rank(), rank(replicas=3), rank(2)))
    assert one.config_map == three.config_map
    assert one.deployment["spec"]["template"] == three.deployment["spec"]["template"]
    assert one.digest != three.digest
    assert one.config_map["metadata"]["name"] != other.config_map["metadata"]["name"]
    assert one.deployment["spec"]["selector"] == other.deployment["spec"]["selector"]


def test_an_autoscaler_owns_the_number_of_pods() -> None:
    manifests = service_manifests(rank(replicas=2, options={"max_replicas": 5}), CLUSTER)
    assert "replicas" not in manifests.deployment["spec"]
    assert kinds(manifests)[2:] == ["Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"]
    (scaler,) = (one for one in manifests.others if one["kind"] == "HorizontalPodAutoscaler")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    with pytest.raises(OptionError, match=r"SR597.*replicas = 6 and max_replicas = 5"):
        service_manifests(rank(replicas=6, options={"max_replicas": 5}), CLUSTER)


def test_a_canary_is_behind_the_service_and_has_one_of_its_own() -> None:
    stable = service_manifests(rank(replicas=3), CLUSTER)
    canary = service_manifests(rank(2, replicas=3), CLUSTER, canary=1)
    assert kinds(canary) == ["Deployment", "ConfigMap", "Service"]
    assert canary.deployment["metadata"]["name"] == service_name("rank", "canary") == "rank-canary"
    assert canary.deployment["spec"]["replicas"] == 1
    pods = canary.deployment["spec"]["template"]["metadata"]["labels"]
    (front,) = (one for one in stable.others if one["kind"] == "Service")
    assert front["spec"]["selector"].items() <= pods.items()
    chosen = [manifests.deployment["spec"]["selector"]["matchLabels"] for manifests in (stable, canary)]
    assert [selector.items() <= pods.items() for selector in chosen] == [False, True]


def test_a_pod_has_time_to_drain() -> None:
    manifests = service_manifests(rank(options={"drain": 4.2, "request_timeout": 20.0}), CLUSTER)
    spec = manifests.deployment["spec"]["template"]["spec"]
    (sleep,) = [container(manifests)["lifecycle"]["preStop"]["exec"]["command"]]
    assert sleep == ["sleep", "5"]
    assert spec["terminationGracePeriodSeconds"] >= 5 + 20


@pytest.mark.parametrize(
    ("service", "cluster", "says"),
    [
        (rank(), replace(CLUSTER, volume=""), r"checkpoint v1_export at /srv/project/models/1.*no volume"),
        (rank(), replace(CLUSTER, mount="/srv/pro"), "they have /srv/pro"),
        (recommend("/data/items.csv"), CLUSTER, r"table items at /data/items.csv.*they have /srv/project"),
    ],
)
def test_files_that_pods_cannot_read(
    service: ServiceSpec | ApiServiceSpec, cluster: Cluster, says: str
) -> None:
    with pytest.raises(SetupError, match=f"SR595.*{says}"):
        service_manifests(service, cluster)


def test_files_of_an_object_store_need_no_volume() -> None:
    served = replace(rank().models[0], model_uri="s3://bucket/models/1")
    assert service_manifests(rank(models=(served,)), replace(CLUSTER, volume=""))


def test_a_server_without_an_image() -> None:
    with pytest.raises(OptionError, match="SR378"):
        service_manifests(rank(image=""), replace(CLUSTER, server_image=""))
