"""What the chart renders: valid for every version it is for, whole in itself, and without privileges."""

from __future__ import annotations

import pytest

from tests.charts.rendering import (
    CHART,
    NAMESPACE,
    RELEASE,
    VALUES,
    VERSIONS,
    WORKLOADS,
    Manifest,
    containers,
    findings,
    helm,
    named,
    needs_helm,
    of_kind,
    pods,
    rendered,
    worker_pods,
)

pytestmark = needs_helm
every_example = pytest.mark.parametrize("values", VALUES)
NAMES_OF_SECRETS = {"SQLREC_KUBERNETES_SECRET"}
SECRET_ENV = ("PASSWORD", "SECRET", "KEY", "TOKEN", "CONN", "ACCESS_KEY_ID")


def shape(value: object) -> object:
    """All that the schemas judge: keys, kinds of values, and what an object is."""
    if isinstance(value, dict):
        what = (value.get("apiVersion"), value.get("kind"))
        return (what, frozenset((key, shape(each)) for key, each in value.items()))
    if isinstance(value, list):
        return frozenset(shape(each) for each in value)
    return type(value)


def is_selected(selector: Manifest, labels: Manifest) -> bool:
    return selector.items() <= labels.items()


@every_example
def test_helm_finds_nothing(values: str) -> None:
    given = ["--values", str(CHART / "ci" / f"{values}-values.yaml")] if values else []
    done = helm("lint", "--strict", str(CHART), *given)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_object_is_valid_for_every_version() -> None:
    seen: set[object] = set()
    for values in VALUES:
        objects = rendered(values)
        for each in (*objects, *worker_pods(objects)):
            if (form := shape(each)) not in seen:
                seen.add(form)
                for version in VERSIONS:
                    assert findings(each, version) == [], (values, version, each["metadata"]["name"])
    assert len(seen) > 30


def test_the_schemas_are_strict() -> None:
    broken = named("Service", "-mlflow", rendered())
    broken = {**broken, "spec": {**broken["spec"], "portz": []}}
    assert findings(broken, VERSIONS[0]) == [
        "spec: Additional properties are not allowed ('portz' was unexpected)"
    ]


@every_example
def test_objects_have_names_of_their_own_and_labels(values: str) -> None:
    objects = rendered(values)
    keys = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert len(keys) == len(set(keys))
    for each in objects:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/part-of"] == "sqlrec"
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"]


@every_example
def test_selectors_select_what_they_are_for(values: str) -> None:
    objects = rendered(values)
    templates = pods(objects)
    for kind in WORKLOADS:
        for each in of_kind(kind, objects):
            labels = each["spec"]["template"]["metadata"]["labels"]
            assert is_selected(each["spec"]["selector"]["matchLabels"], labels)
    for each in of_kind("Service", objects):
        (pod,) = (
            p for p in templates.values() if is_selected(each["spec"]["selector"], p["metadata"]["labels"])
        )
        ports = {port["name"] for c in containers(pod) for port in c.get("ports", ())}
        assert {port["targetPort"] for port in each["spec"]["ports"]} <= ports
    for each in of_kind("PodDisruptionBudget", objects):
        selector = each["spec"]["selector"]["matchLabels"]
        assert [p for p in templates.values() if is_selected(selector, p["metadata"]["labels"])]


@every_example
def test_what_is_referred_to_is_there(values: str) -> None:
    """Config maps, claims and accounts; a claim that the values name is somebody else's."""
    objects = rendered(values)
    there = {(each["kind"], each["metadata"]["name"]) for each in objects}
    for component, pod in pods(objects).items():
        spec = pod["spec"]
        claimed = {"data"} if component == "postgres" else set()
        assert ("ServiceAccount", spec["serviceAccountName"]) in there
        for volume in spec.get("volumes", ()):
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in there
        for container in containers(pod):
            for source in container.get("envFrom", ()):
                if "configMapRef" in source:
                    assert ("ConfigMap", source["configMapRef"]["name"]) in there
            mounted = {mount["name"] for mount in container.get("volumeMounts", ())}
            claimed = (
                {"data"} if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "postgres" else set()
            )
            assert mounted <= {volume["name"] for volume in spec.get("volumes", ())} | claimed


@every_example
def test_secrets_are_referred_to_and_documented(values: str) -> None:
    """The chart holds no value of a secret; names and keys of those it needs stand in its README."""
    objects = rendered(values)
    assert not of_kind("Secret", objects)
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    for pod in pods(objects).values():
        for container in containers(pod):
            for variable in container.get("env", ()):
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert f"`{reference['key']}`" in readme
                elif variable["name"].endswith(SECRET_ENV):
                    assert "$(DATABASE_PASSWORD)" in variable["value"]
    for each in of_kind("ConfigMap", objects):
        assert not [key for key in each["data"] if key.endswith(SECRET_ENV) and key not in NAMES_OF_SECRETS]


@every_example
def test_pods_have_no_privileges(values: str) -> None:
    """What Pod Security calls restricted, and a read-only root file system besides."""
    for component, pod in pods(rendered(values)).items():
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"], component
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        assert not [volume for volume in pod["spec"].get("volumes", ()) if "hostPath" in volume]
        for container in containers(pod):
            own = dict(container["securityContext"])
            assert own.pop("runAsUser", 1) > 0
            assert own.pop("runAsGroup", 1) > 0
            assert own == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "privileged": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


@every_example
def test_long_running_containers_have_probes(values: str) -> None:
    for kind in WORKLOADS:
        for each in of_kind(kind, rendered(values)):
            main = each["spec"]["template"]["spec"]["containers"][0]
            assert {"startupProbe", "livenessProbe"} <= main.keys()
    for each in of_kind("Service", rendered(values)):
        main = pods(rendered(values))[each["spec"]["selector"]["app.kubernetes.io/component"]]["spec"]
        assert "readinessProbe" in main["containers"][0]


@every_example
def test_images_have_versions(values: str) -> None:
    for pod in pods(rendered(values)).values():
        for container in containers(pod):
            repository, _, tag = container["image"].rpartition(":")
            assert repository
            assert tag not in {"", "latest"}


def test_another_namespace_for_jobs_needs_files_there() -> None:
    done = helm(
        "template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--set", "workloads.namespace=other"
    )
    assert done.returncode != 0
    assert "workloads.claim" in done.stderr


def test_the_notes_name_the_secrets_that_must_be_there() -> None:
    done = helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--dry-run=client")
    notes = done.stdout.partition("NOTES:")[2]
    for line in ("ml/sqlrec-airflow: fernet-key", "ml/sqlrec-database: password", "ml/sqlrec-secrets:"):
        assert line in notes, done.stderr
