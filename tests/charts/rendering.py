"""The chart as helm renders it, and the schemas of the API that it is held against."""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.tools import tool

Manifest = dict[str, Any]
ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "sqlrec"
VALUES = ("", *sorted(path.stem.removesuffix("-values") for path in (CHART / "ci").glob("*.yaml")))
"""Names of the example values; the empty one is the chart's own."""
VERSIONS = ("1.25", "1.31", "1.37")
RELEASE, NAMESPACE = "prod", "ml"
WORKLOADS = ("Deployment", "StatefulSet")

HELM = tool("helm")
needs_helm = pytest.mark.skipif(not HELM, reason="helm is not here: make tools")


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm; its output as text."""
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False)


@functools.cache
def rendered(values: str = "", *settings: str, namespace: str = NAMESPACE) -> tuple[Manifest, ...]:
    """All objects of a release with example values and further ``--set`` settings."""
    given = ["--values", str(CHART / "ci" / f"{values}-values.yaml")] if values else []
    given += [part for setting in settings for part in ("--set", setting)]
    done = helm("template", RELEASE, str(CHART), "--namespace", namespace, *given)
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if document)


def of_kind(kind: str, objects: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """The objects of one kind."""
    return tuple(each for each in objects if each["kind"] == kind)


def named(kind: str, name: str, objects: tuple[Manifest, ...]) -> Manifest:
    """The one object of a kind whose name ends so."""
    (found,) = (each for each in of_kind(kind, objects) if each["metadata"]["name"].endswith(name))
    return found


def pods(objects: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """Templates of all pods by component: of workloads, bare ones, and that of Airflow's workers."""
    found = [
        each["spec"]["template"] for kind in ("Deployment", "StatefulSet") for each in of_kind(kind, objects)
    ]
    found += [*of_kind("Pod", objects), *worker_pods(objects)]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in found}


def worker_pods(objects: tuple[Manifest, ...]) -> Iterator[Manifest]:
    """The template from which Airflow makes the pods of tasks."""
    for each in of_kind("ConfigMap", objects):
        if "worker.yaml" in each["data"]:
            yield yaml.safe_load(each["data"]["worker.yaml"])


def containers(pod: Manifest) -> list[Manifest]:
    """All containers of a pod, those that run first too."""
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def findings(manifest: Manifest, version: str) -> list[str]:
    """What the strict schema of a Kubernetes version has against an object."""
    group, _, api = manifest["apiVersion"].rpartition("/")
    file = "-".join(filter(None, (manifest["kind"].lower(), group.split(".")[0], api))) + ".json"
    errors = _validator(_folder(version) / file).iter_errors(manifest)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


@functools.cache
def _folder(version: str) -> Path:
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None
    assert spec.submodule_search_locations
    schemas = Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema"
    (folder,) = schemas.glob(f"v{version}.*-local-strict")
    return folder


@functools.cache
def _validator(schema: Path) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(schema.read_text()), registry=_definitions(schema.parent))


@functools.cache
def _definitions(folder: Path) -> Registry[Any]:
    name = "_definitions.json"
    contents = json.loads((folder / name).read_text())
    registry: Registry[Any] = Registry()
    resource = Resource.from_contents(contents, default_specification=DRAFT7)
    found: Registry[Any] = registry.with_resource(name, resource)
    return found
