"""What a Kubernetes API server says of manifests: by its schemas, strictly, and by rules no schema holds.

``problems(manifests)`` is for objects that belong together: a selector must find its pods among them.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

Manifest = Mapping[str, Any]

VERSIONS = ("1.25.0", "1.31.0", "1.37.0")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
SUBDOMAIN = rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*"
SERVICE = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
QUALIFIED = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
KEY = rf"((?=[^/]{{1,253}}/){LABEL}(\.{LABEL})*/)?{QUALIFIED}"
NAMES = {"Service": SERVICE, "Namespace": LABEL}
SOURCES = {"emptyDir", "configMap", "secret", "persistentVolumeClaim", "hostPath"}
UNITS = {"": 1.0, "m": 1e-3, **{u: 1000.0**n for n, u in enumerate("kMGTPE", 1)}}
UNITS |= {f"{u}i": 1024.0**n for n, u in enumerate("KMGTPE", 1)}


def problems(manifests: Iterable[Manifest]) -> list[str]:
    """All that is wrong with objects that are applied together; empty when nothing is."""
    objects = list(manifests)
    found = [f"{_who(o)}: {text}" for o in objects for text in (*_of_schemas(o), *_of_names(o), *_of_pods(o))]
    return [*found, *(text for o in objects for text in _of_selectors(o, objects))]


def template_of(manifest: Manifest) -> Mapping[str, Any] | None:
    """The pod template of an object that has one; a pod is its own."""
    if manifest["kind"] == "Pod":
        return manifest
    template = manifest.get("spec", {}).get("template")
    return template if isinstance(template, Mapping) else None


def _who(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata'].get('name')}"


def _of_schemas(manifest: Manifest) -> Iterator[str]:
    for version in VERSIONS:
        for error in _validator(version, manifest["apiVersion"], manifest["kind"]).iter_errors(manifest):
            yield f"v{version} {'.'.join(map(str, error.absolute_path))}: {error.message}"


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> jsonschema.Draft7Validator:
    group, _, short = api_version.rpartition("/")
    name = "-".join(filter(None, (kind.lower(), group.split(".")[0], short)))
    schema = json.loads((_schemas(version) / f"{name}.json").read_text())
    return jsonschema.Draft7Validator(schema, registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Any:
    contents = json.loads((_schemas(version) / "_definitions.json").read_text())
    resource = Resource.from_contents(contents, default_specification=DRAFT7)
    return Registry().with_resource("_definitions.json", resource).crawl()


def _schemas(version: str) -> Path:
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema" / f"v{version}-local-strict"


def _of_names(manifest: Manifest) -> Iterator[str]:
    metadata = manifest["metadata"]
    if not re.fullmatch(NAMES.get(manifest["kind"], SUBDOMAIN), metadata["name"]):
        yield f"name {metadata['name']!r}"
    if "namespace" in metadata and not re.fullmatch(LABEL, metadata["namespace"]):
        yield f"namespace {metadata['namespace']!r}"
    yield from _of_labels(metadata)
    if manifest["kind"] == "Job":
        ranks = manifest["spec"].get("completions", 1)
        host = f"{metadata['name']}-{ranks - 1}"
        if not re.fullmatch(LABEL, host):
            yield f"the host name of the last rank {host!r}"
    if manifest["kind"] == "Deployment" and len(metadata["name"]) > 63 - len("-xxxxxxxxxx-xxxxx"):
        yield f"pods of {metadata['name']!r} have names that are no labels"


def _of_labels(metadata: Mapping[str, Any]) -> Iterator[str]:
    for key, value in metadata.get("labels", {}).items():
        if not re.fullmatch(KEY, key) or not re.fullmatch(f"({QUALIFIED})?", value):
            yield f"label {key!r}: {value!r}"
    for key in metadata.get("annotations", {}):
        if not re.fullmatch(KEY, key):
            yield f"annotation {key!r}"


def _of_pods(manifest: Manifest) -> Iterator[str]:
    template = template_of(manifest)
    if template is None:
        return
    spec = template["spec"]
    yield from _of_labels(template.get("metadata", {}))
    yield from _of_volumes(spec)
    policy = spec.get("restartPolicy", "Always")
    allowed = {"Job": {"Never", "OnFailure"}, "Deployment": {"Always"}}
    if policy not in allowed.get(manifest["kind"], {"Never", "OnFailure", "Always"}):
        yield f"restartPolicy {policy}"
    if "podFailurePolicy" in manifest["spec"] and policy != "Never":
        yield f"podFailurePolicy with restartPolicy {policy}"
    if "subdomain" in spec and not re.fullmatch(LABEL, spec["subdomain"]):
        yield f"subdomain {spec['subdomain']!r}"
    security = spec["securityContext"]
    if not security["runAsNonRoot"] or security["runAsUser"] == 0:
        yield "runs as root"
    yield from (f"toleration {t}" for t in spec.get("tolerations", ()) if not _is_toleration(t))
    for container in spec["containers"]:
        yield from _of_container(container)


def _of_volumes(spec: Mapping[str, Any]) -> Iterator[str]:
    volumes = [volume["name"] for volume in spec.get("volumes", ())]
    mounts = [mount for container in spec["containers"] for mount in container.get("volumeMounts", ())]
    yield from (f"volume {name!r} twice" for name, times in Counter(volumes).items() if times > 1)
    yield from (f"volume {name!r}" for name in volumes if not re.fullmatch(LABEL, name))
    yield from (
        f"volume {v['name']!r} from {sorted(set(v) & SOURCES)}"
        for v in spec.get("volumes", ())
        if len(set(v) & SOURCES) != 1
    )
    used = {mount["name"] for mount in mounts}
    yield from (f"volume {name!r} is not there" for name in sorted(used - set(volumes)))
    yield from (f"volume {name!r} is not mounted" for name in sorted(set(volumes) - used))
    places = Counter(mount["mountPath"].rstrip("/") for mount in mounts)
    yield from (f"{place} is mounted twice" for place, times in places.items() if times > 1)
    yield from (f"{place!r} is no absolute path" for place in places if not re.fullmatch(r"/[^:]+", place))


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    if not re.fullmatch(LABEL, container["name"]):
        yield f"container {container['name']!r}"
    if not re.fullmatch(r"[^\s]+", container["image"]):
        yield f"image {container['image']!r}"
    names = Counter(variable["name"] for variable in container.get("env", ()))
    yield from (f"variable {name} twice" for name, times in names.items() if times > 1)
    yield from (f"variable {name!r}" for name in names if not re.fullmatch(r"[A-Za-z_.-][\w.-]*", name))
    ports = {port["name"] for port in container.get("ports", ())}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        port = container.get(probe, {}).get("httpGet", {}).get("port")
        if isinstance(port, str) and port not in ports:
            yield f"{probe} asks port {port!r}, which is not there"
    security = container["securityContext"]
    hardened = (False, True, ["ALL"])
    keys = ("allowPrivilegeEscalation", "readOnlyRootFilesystem")
    if (*(security[key] for key in keys), security["capabilities"]["drop"]) != hardened:
        yield "is privileged"
    yield from _of_resources(container.get("resources", {}))


def _of_resources(resources: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for name, text in (*requests.items(), *limits.items()):
        if not re.fullmatch(KEY, name) or amount(text) is None:
            yield f"{name}: {text!r}"
    for name in set(requests) & set(limits):
        asked, most = amount(requests[name]) or 0, amount(limits[name]) or 0
        if asked > most or ("/" in name and asked != most):
            yield f"{name}: {requests[name]} is asked for, of at most {limits[name]}"
    yield from (f"{name} has no limit" for name in requests if "/" in name and name not in limits)


def amount(text: str) -> float | None:
    """The number that a quantity means; None when it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]{0,2})", text)
    return float(found[1]) * UNITS[found[2]] if found and found[2] in UNITS else None


def _is_toleration(toleration: Mapping[str, str]) -> bool:
    operator, effect = toleration.get("operator", "Equal"), toleration.get("effect", "")
    known = effect in ("", "NoSchedule", "PreferNoSchedule", "NoExecute")
    return (
        known
        and (operator == "Equal") == ("value" in toleration)
        and bool(re.fullmatch(KEY, toleration["key"]))
    )


def _of_selectors(manifest: Manifest, objects: Sequence[Manifest]) -> Iterator[str]:
    selector = _selector(manifest)
    if not selector:
        return
    candidates = [manifest] if manifest["kind"] == "Deployment" else objects
    pods = [{**_given(o), **t["metadata"].get("labels", {})} for o in candidates if (t := template_of(o))]
    if not any(selector.items() <= labels.items() for labels in pods):
        yield f"{_who(manifest)}: its selector {selector} finds no pods"


def _given(manifest: Manifest) -> dict[str, str]:
    """Labels that pods get from their controller."""
    return {"job-name": manifest["metadata"]["name"]} if manifest["kind"] == "Job" else {}


def _selector(manifest: Manifest) -> Mapping[str, str]:
    found: Mapping[str, Any] = manifest.get("spec", {}).get("selector", {})
    return found if manifest["kind"] == "Service" else found.get("matchLabels", {})
