"""What the server says of itself: versions, groups, resources, and as much OpenAPI as kubectl asks for."""

from __future__ import annotations

from tests.emulator.errors import no_such_path
from tests.emulator.kinds import KINDS, VERBS, Kind
from tests.emulator.objects import Object

VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.0",
    "gitCommit": "0",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
_PARTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "scale": ("Scale", "autoscaling/v1", ("get", "patch", "update")),
    "log": ("Pod", "", ("get",)),
    "exec": ("PodExecOptions", "", ("create", "get")),
    "eviction": ("Eviction", "policy/v1", ("create",)),
    "token": ("TokenRequest", "authentication.k8s.io/v1", ("create",)),
}


def versions() -> list[str]:
    """The groups and versions that are served."""
    return sorted({kind.api_version for kind in KINDS.values()})


def document(path: str) -> Object:
    """The answer to a path about the API; raises 404 for any other path."""
    match path:
        case "/version":
            return dict(VERSION)
        case "/api":
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case "/apis":
            groups = [_group(v) for v in versions() if "/" in v]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case "/openapi/v3":
            paths = [f"api/{v}" if "/" not in v else f"apis/{v}" for v in versions()]
            return {"paths": {p: {"serverRelativeURL": f"/openapi/v3/{p}"} for p in paths}}
    if path.startswith("/openapi/v3/"):
        return _openapi(path.removeprefix("/openapi/v3/").partition("/")[2])
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version in versions():
        return _resources(version)
    if (found := [v for v in versions() if v.partition("/")[0] == version]) and "." in path + ".":
        return {**_group(found[0]), "kind": "APIGroup", "apiVersion": "v1"}
    raise no_such_path()


def _group(version: str) -> Object:
    group, _, number = version.partition("/")
    entry = {"groupVersion": version, "version": number}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _of(version: str) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.api_version == version]


def _resources(version: str) -> Object:
    resources: list[Object] = []
    for kind in _of(version):
        head: Object = {"name": kind.plural, "singularName": kind.kind.lower(), "kind": kind.kind}
        head |= {"namespaced": kind.namespaced, "verbs": list(VERBS), "shortNames": list(kind.short)}
        resources.append({**head, "categories": ["all"] if kind.in_all else []})
        for part in kind.subresources:
            name, of, verbs = _PARTS.get(part, (kind.kind, "", ("get", "patch", "update")))
            group, _, number = of.rpartition("/")
            entry = {"name": f"{kind.plural}/{part}", "singularName": "", "kind": name, "verbs": list(verbs)}
            extra = {"group": group, "version": number} if of else {}
            resources.append({**entry, **extra, "namespaced": kind.namespaced})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def _openapi(version: str) -> Object:
    """Enough for kubectl to see that the server checks fields itself (``fieldValidation``)."""
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    paths = {}
    for kind in _of(version):
        group, _, number = kind.api_version.rpartition("/")
        about = {"group": group, "kind": kind.kind, "version": number}
        prefix = f"/apis/{version}" if group else f"/api/{version}"
        place = "/namespaces/{namespace}" if kind.namespaced else ""
        operation = {"x-kubernetes-group-version-kind": about, "parameters": parameters, "responses": {}}
        paths[f"{prefix}{place}/{kind.plural}/{{name}}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "emulator", "version": "1"}, "paths": paths}
