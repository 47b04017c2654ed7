"""The HTTP side of the API server: paths and verbs, and what every request goes through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

from tests.emulator import discovery, tables
from tests.emulator.access import Access, Action
from tests.emulator.deletion import Deletion
from tests.emulator.disruption import evict
from tests.emulator.errors import ApiError, bad_request, no_such_path
from tests.emulator.kinds import KINDS, NAMESPACES, Kind
from tests.emulator.kubelet import Kubelet
from tests.emulator.objects import Object, name_of, now_micro, uid_of
from tests.emulator.selectors import Test, by_fields, by_labels
from tests.emulator.store import Store
from tests.emulator.streams import execute, send_log
from tests.emulator.watching import Watches, is_set
from tests.emulator.writes import APPLY_PATCH, Writes, patched

_PATH = re.compile(r"/(?:api|apis)/((?:[^/]+/)?v[0-9]+)/(.+)")
_METHODS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    part: str = ""


def target_of(path: str) -> Target | None:
    """What the path of a request names; None for paths about the API; raises 404 for unknown resources."""
    found = _PATH.fullmatch(path)
    if not found or found[1] not in discovery.versions():
        return None
    parts, namespace = found[2].split("/"), ""
    if parts[0] == "namespaces" and len(parts) >= 3 and parts[2] != "status":
        namespace, parts = parts[1], parts[2:]
    plural, name, part = [*parts, "", ""][:3]
    kind = KINDS.get(plural)
    if kind is None or kind.api_version != found[1] or (part and part not in kind.subresources):
        raise no_such_path()
    return Target(kind=kind, namespace=namespace, name=name, part=part)


@dataclass
class Api:
    """Handles requests."""

    store: Store
    writes: Writes
    deletion: Deletion
    kubelet: Kubelet
    access: Access
    watches: Watches = field(init=False)

    def __post_init__(self) -> None:
        self.watches = Watches(self.store)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; errors of the API are Status objects."""
        try:
            return await self._handle(request)
        except ApiError as error:
            return web.json_response(error.status(), status=error.code)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        if path in ("/healthz", "/readyz", "/livez"):
            return web.Response(text="ok")
        target = target_of(path)
        action = None if target is None else _action(request, target)
        self.access.check(request.headers.get("Authorization", ""), action)
        if target is None:
            return web.json_response(discovery.document(path))
        if target.part in ("log", "exec", "eviction", "token"):
            return await self._part(request, target)
        match request.method:
            case "GET":
                return await self._get(request, target)
            case "POST":
                return await self._post(request, target)
            case "PUT":
                return await self._put(request, target)
            case "PATCH":
                return await self._patch(request, target)
            case "DELETE":
                return await self._delete(request, target)
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method")

    async def _part(self, request: web.Request, target: Target) -> web.StreamResponse:
        match target.part:
            case "log":
                return await send_log(request, self._found(target), self.kubelet)
            case "exec":
                return await execute(request, self._found(target), self.kubelet)
            case "eviction":
                return self._evict(target, await _body(request))
            case _:
                return self._token(target)

    def _found(self, target: Target) -> Object:
        return self.store.get(target.kind, target.namespace, target.name)

    async def _get(self, request: web.Request, target: Target) -> web.StreamResponse:
        if is_set(request.query, "watch"):
            return await self.watches.serve(request, target.kind, _test(request, target))
        as_table = tables.is_wanted(request.headers.get("Accept", ""))
        version = str(self.store.version)
        if target.name:
            item = self._found(target)
            if as_table and not target.part:
                return web.json_response(tables.table(target.kind, [item], version))
            return web.json_response(_scale(item) if target.part == "scale" else item)
        if target.namespace and target.kind.namespaced is False:
            raise no_such_path()
        items = self.store.find(target.kind, target.namespace, _test(request, target))
        if as_table:
            return web.json_response(tables.table(target.kind, items, version))
        return web.json_response(_page(_list(target.kind, items, version), request.query))

    async def _post(self, request: web.Request, target: Target) -> web.StreamResponse:
        body, dry = await _body(request), request.query.get("dryRun") == "All"
        created = self.writes.create(target.kind, target.namespace, body, _manager(request), dry)
        return web.json_response(created, status=201)

    async def _put(self, request: web.Request, target: Target) -> web.StreamResponse:
        body, present, part = await _body(request), self._found(target), target.part
        dry = request.query.get("dryRun") == "All"
        if part == "scale":
            body = _scaled(present, body)
        changed = self.writes.replace(target.kind, present, body, _manager(request), part, dry)
        return web.json_response(_scale(changed) if part == "scale" else changed)

    async def _patch(self, request: web.Request, target: Target) -> web.StreamResponse:
        body, query, part = await _body(request), request.query, target.part
        dry, manager = query.get("dryRun") == "All", _manager(request)
        if request.content_type == APPLY_PATCH:
            item, is_new = self.writes.apply(
                target.kind,
                target.namespace,
                target.name,
                body,
                query.get("fieldManager", ""),
                is_set(query, "force"),
                dry,
            )
            return web.json_response(item, status=201 if is_new else 200)
        present = self._found(target)
        if part == "scale":
            wanted = patched(target.kind, _scale(present), request.content_type, body)
            changed = self.writes.replace(target.kind, present, _scaled(present, wanted), manager, part, dry)
            return web.json_response(_scale(changed))
        changed = self.writes.patch(target.kind, present, request.content_type, body, manager, part, dry)
        return web.json_response(changed)

    async def _delete(self, request: web.Request, target: Target) -> web.StreamResponse:
        options = {**(await _body(request) or {})}
        if policy := request.query.get("propagationPolicy"):
            options.setdefault("propagationPolicy", policy)
        if grace := request.query.get("gracePeriodSeconds"):
            options.setdefault("gracePeriodSeconds", int(grace))
        if options.pop("orphanDependents", None):
            options["propagationPolicy"] = "Orphan"
        dry = request.query.get("dryRun") == "All" or options.get("dryRun") == ["All"]
        if not target.name:
            items = self.store.find(target.kind, target.namespace, _test(request, target))
            for item in items if not dry else []:
                self.deletion.delete(target.kind, item, options)
            return web.json_response(_list(target.kind, items, str(self.store.version)))
        item = self._found(target)
        left = item if dry else self.deletion.delete(target.kind, item, options)
        if self.store.current(target.kind, item) is not None or target.kind.plural == "pods":
            return web.json_response(left)
        details = {"name": name_of(item), "group": target.kind.group, "kind": target.kind.plural}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return web.json_response({**status, "details": {**details, "uid": uid_of(item)}})

    def _evict(self, target: Target, body: Any) -> web.Response:
        evict(self.store, self.deletion, self._found(target), (body or {}).get("deleteOptions"))
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return web.json_response(status, status=201)

    def _token(self, target: Target) -> web.Response:
        token = self.access.issue(target.namespace, target.name)
        status = {"token": token, "expirationTimestamp": now_micro()}
        head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}}
        return web.json_response({**head, "spec": {}, "status": status}, status=201)


def _action(request: web.Request, target: Target) -> Action:
    verb = _METHODS.get(request.method, "get")
    if not target.name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    if request.method == "GET" and is_set(request.query, "watch"):
        verb = "watch"
    namespace = target.namespace or (target.name if target.kind is NAMESPACES else "")
    resource = f"{target.kind.plural}/{target.part}" if target.part else target.kind.plural
    return Action(
        verb=verb, resource=resource, group=target.kind.group, namespace=namespace, name=target.name
    )


def _test(request: web.Request, target: Target) -> Test:
    """Whether an object belongs to what a list or watch asks for."""
    labels = by_labels(request.query.get("labelSelector", ""))
    fields = by_fields(request.query.get("fieldSelector", ""))

    def test(item: Object) -> bool:
        place = not target.namespace or item["metadata"].get("namespace") == target.namespace
        named = not target.name or name_of(item) == target.name
        return place and named and labels(item) and fields(item)

    return test


async def _body(request: web.Request) -> Any:
    text = await request.text()
    if not text:
        return None
    try:
        return yaml.safe_load(text) if "yaml" in request.content_type else json.loads(text)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from None


def _manager(request: web.Request) -> str:
    agent = request.headers.get("User-Agent", "").partition("/")[0]
    return request.query.get("fieldManager") or agent or "unknown"


def _list(kind: Kind, items: list[Object], version: str) -> Object:
    head = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}
    return {**head, "metadata": {"resourceVersion": version}, "items": items}


def _page(found: Object, query: Mapping[str, str]) -> Object:
    """A part of a list: ``limit`` items after those that ``continue`` says were sent."""
    start, limit = int(query.get("continue") or 0), int(query.get("limit") or 0)
    items = found["items"][start:]
    if not limit or len(items) <= limit:
        return {**found, "items": items}
    more = {"continue": str(start + limit), "remainingItemCount": len(items) - limit}
    return {**found, "metadata": {**found["metadata"], **more}, "items": items[:limit]}


def _scale(item: Object) -> Object:
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    metadata = {k: v for k, v in item["metadata"].items() if k in names}
    chosen = ",".join(f"{k}={v}" for k, v in (item["spec"]["selector"].get("matchLabels") or {}).items())
    status = {"replicas": item["status"].get("replicas", 0), "selector": chosen}
    head = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata}
    return {**head, "spec": {"replicas": item["spec"]["replicas"]}, "status": status}


def _scaled(item: Object, scale: Object) -> Object:
    """The object that a Scale stands for."""
    version = scale.get("metadata", {}).get("resourceVersion") or item["metadata"]["resourceVersion"]
    metadata = {**item["metadata"], "resourceVersion": version}
    return {**item, "metadata": metadata, "spec": {**item["spec"], "replicas": scale["spec"]["replicas"]}}
