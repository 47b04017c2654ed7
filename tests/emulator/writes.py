"""Creating and changing objects as the API server does: read, check, fill in, keep what is fixed, store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.emulator import checks, defaults, schema
from tests.emulator.errors import ApiError, bad_request, conflict, invalid, not_found, outdated
from tests.emulator.kinds import ACCOUNTS, NAMESPACES, Kind
from tests.emulator.objects import Object, clone, is_deleting, name_of, now, suffix, uid_of, without_nulls
from tests.emulator.ownership import APPLY, UPDATE, Manager, applied, updated
from tests.emulator.patches import json_patch, merge_patch, strategic_merge
from tests.emulator.pod_checks import required, wrong
from tests.emulator.store import Store

APPLY_PATCH = "application/apply-patch+yaml"
_KEPT = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")
_KEPT_WHEN_SET = ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "generateName")
_CONDITIONAL = ("leases", "poddisruptionbudgets")
"""Kinds whose PUT must name the version it replaces."""
INITIAL_STATUS: dict[str, Object] = {
    "pods": {"phase": "Pending"},
    "deployments": {},
    "replicasets": {"replicas": 0},
    "jobs": {},
    "services": {"loadBalancer": {}},
    "namespaces": {"phase": "Active"},
    "persistentvolumeclaims": {"phase": "Bound"},
    "poddisruptionbudgets": {},
    "horizontalpodautoscalers": {},
}


class Writes:
    """The writing half of the API."""

    def __init__(self, store: Store, allocate: Callable[[], str]) -> None:
        self.store = store
        self.allocate = allocate
        """Gives a Service its address."""

    def create(self, kind: Kind, namespace: str, body: Any, manager: str, dry: bool = False) -> Object:
        """Create an object; raises 400, 404, 409, 422 as the API server does."""
        item = self._new(kind, namespace, body)
        who = Manager(name=manager, operation=UPDATE, api_version=kind.api_version)
        return self._add(kind, updated(None, item, who, schema.root(kind)), dry)

    def _new(self, kind: Kind, namespace: str, body: Any) -> Object:
        item = _read(kind, body)
        metadata = item["metadata"]
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                why = required("metadata.name", "name or generateName is required")
                raise invalid(kind.qualified_kind, "", [why])
            metadata["name"] = metadata["generateName"][:58] + suffix()
        self._place(kind, namespace, metadata)
        dropped = ("uid", "creationTimestamp", "deletionTimestamp", "managedFields", "generation", "selfLink")
        item["metadata"] = {k: v for k, v in metadata.items() if k not in dropped}
        item.pop("status", None)
        _check(kind, item)
        return item

    def _place(self, kind: Kind, namespace: str, metadata: Object) -> None:
        if not kind.namespaced:
            return
        if metadata.get("namespace", namespace) != namespace:
            why = "the namespace of the provided object does not match the namespace sent on the request"
            raise bad_request(why)
        metadata["namespace"] = namespace
        home = self.store.look(NAMESPACES, "", namespace)
        if home is None:
            raise not_found("namespaces", namespace)
        if is_deleting(home):
            named = f'{kind.qualified} "{metadata["name"]}"'
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise ApiError(403, "Forbidden", f"{named} is forbidden: {why}")

    def _add(self, kind: Kind, item: Object, dry: bool) -> Object:
        metadata = {**item["metadata"], "uid": str(uuid4())}
        item = self._generate(kind, {**item, "metadata": metadata})
        if kind.plural in INITIAL_STATUS:
            item["status"] = clone(INITIAL_STATUS[kind.plural])
        if dry:
            if self.store.look(kind, metadata.get("namespace", ""), metadata["name"]):
                return self.store.add(kind, item)  # which says that it exists
            return {**item, "metadata": {**metadata, "creationTimestamp": now(), "generation": 1}}
        added = self.store.add(kind, item)
        if kind is NAMESPACES:
            account: Object = {"metadata": {"name": "default", "namespace": name_of(added)}}
            self.store.add(ACCOUNTS, account)
        return added

    def _generate(self, kind: Kind, item: Object) -> Object:
        """What the server makes up for a new object."""
        match kind.plural:
            case "jobs" if not item["spec"].get("manualSelector"):
                uid, spec = uid_of(item), clone(item["spec"])
                labels = {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid}
                labels |= {"batch.kubernetes.io/job-name": name_of(item), "job-name": name_of(item)}
                template = spec["template"]["metadata"]
                template["labels"] = {**(template.get("labels") or {}), **labels}
                spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
                return {**item, "spec": spec}
            case "services" if not item["spec"].get("clusterIP") and item["spec"]["type"] != "ExternalName":
                address = self.allocate()
                spec = {**item["spec"], "clusterIP": address, "clusterIPs": [address]}
                return {**item, "spec": spec}
            case "pods":
                self._account(item)
                account = item["spec"].get("serviceAccountName", "default")
                spec = {**item["spec"], "serviceAccountName": account, "serviceAccount": account}
                return {**item, "spec": spec}
            case "namespaces":
                labels = {
                    **(item["metadata"].get("labels") or {}),
                    "kubernetes.io/metadata.name": name_of(item),
                }
                return {**item, "metadata": {**item["metadata"], "labels": labels}}
            case _:
                return item

    def _account(self, pod: Object) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName", "default")
        if self.store.look(ACCOUNTS, namespace, name) is None:
            why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            raise ApiError(403, "Forbidden", f'pods "{name_of(pod)}" is forbidden: {why}')

    def replace(
        self, kind: Kind, present: Object, body: Any, manager: str, part: str = "", dry: bool = False
    ) -> Object:
        """PUT: another state of an object, or of its ``status``."""
        item = _read(kind, body)
        version = item["metadata"].get("resourceVersion")
        if not version and kind.plural in _CONDITIONAL:
            why = wrong("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(kind.qualified_kind, name_of(present), [why])
        if item["metadata"].get("name") not in (None, name_of(present)):
            raise bad_request("the name of the object does not match the name on the URL")
        return self._update(kind, present, item, manager, part, dry)

    def patch(
        self,
        kind: Kind,
        present: Object,
        type: str,
        body: Any,
        manager: str,
        part: str = "",
        dry: bool = False,
    ) -> Object:
        """A JSON, merge or strategic merge patch; raises 415 for another type."""
        changed = patched(kind, present, type, body)
        return self._update(kind, present, _read(kind, changed), manager, part, dry)

    def _update(
        self, kind: Kind, present: Object, item: Object, manager: str, part: str, dry: bool
    ) -> Object:
        who = Manager(name=manager, operation=UPDATE, api_version=kind.api_version, subresource=part)
        item = self._next(kind, present, item, part)
        if part != "status":
            item = updated(present, item, who, schema.root(kind))
        return self._put(kind, present, item, dry)

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        body: Any,
        manager: str,
        force: bool = False,
        dry: bool = False,
    ) -> tuple[Object, bool]:
        """Server-side apply: the object, and whether it is new."""
        if not manager:
            why = required("fieldManager", "is required for apply patch")
            raise invalid("PatchOptions.meta.k8s.io", "", [why])
        config = _read(kind, body)
        config["metadata"].setdefault("name", name)
        if kind.namespaced:
            config["metadata"].setdefault("namespace", namespace)
        if found := schema.problems(kind, config, partial=True):
            raise invalid(kind.qualified_kind, name, found)
        who = Manager(name=manager, operation=APPLY, api_version=kind.api_version)
        present = self.store.look(kind, namespace, name)
        merged = applied(present, config, who, schema.root(kind), force)
        if present is None:
            item = self._new(kind, namespace, merged)
            item["metadata"]["managedFields"] = merged["metadata"].get("managedFields", [])
            return self._add(kind, item, dry), True
        item = self._next(kind, present, merged, "")
        item["metadata"]["managedFields"] = merged["metadata"].get("managedFields", [])
        return self._put(kind, present, item, dry), False

    def _next(self, kind: Kind, present: Object, item: Object, part: str) -> Object:
        """The next state of ``present``, without its managedFields brought up to date."""
        old = present["metadata"]
        for name in ("resourceVersion", "uid"):
            if item["metadata"].get(name, old[name]) != old[name]:
                raise _precondition(kind, present, name, item["metadata"][name])
        if part == "status":
            return {**present, "status": item.get("status") or {}}
        metadata = {k: v for k, v in item["metadata"].items() if k not in _KEPT_WHEN_SET}
        metadata |= {k: old[k] for k in (*_KEPT, *_KEPT_WHEN_SET) if k in old}
        new = {**item, "metadata": metadata, "kind": kind.kind, "apiVersion": kind.api_version}
        new.pop("status", None)
        if kind.plural == "services" and not new["spec"].get("clusterIP"):
            new["spec"] = {**new["spec"], "clusterIP": present["spec"].get("clusterIP")}
            new["spec"]["clusterIPs"] = present["spec"].get("clusterIPs")
        new = clone(new)
        _check(kind, new)
        if found := checks.changes_forbidden(kind, present, new):
            raise invalid(kind.qualified_kind, name_of(present), found)
        if "status" in present:
            new["status"] = present["status"]
        if new.get("spec") != present.get("spec"):
            new["metadata"]["generation"] = old.get("generation", 1) + 1
        return new

    def _put(self, kind: Kind, present: Object, item: Object, dry: bool) -> Object:
        if dry:
            return item
        stored = self.store.put(kind, item)
        if is_deleting(stored) and not stored["metadata"].get("finalizers") and kind.plural != "pods":
            self.store.remove(kind, stored)
        return stored


def _precondition(kind: Kind, present: Object, name: str, value: object) -> ApiError:
    """409 of an update of another version or of an object that has been replaced."""
    if name == "resourceVersion":
        return outdated(kind.qualified, name_of(present))
    why = f"Precondition failed: UID in precondition: {value}, UID in object meta: {uid_of(present)}"
    return conflict(kind.qualified, name_of(present), why)


def patched(kind: Kind, present: Object, type: str, body: Any) -> Object:
    """An object after a patch of a type that needs nothing but the patch."""
    target = clone(present)
    match type:
        case "application/json-patch+json":
            return json_patch(target, body)
        case "application/merge-patch+json":
            merged: Object = merge_patch(target, body)
        case "application/strategic-merge-patch+json":
            merged = strategic_merge(target, body, schema.root(kind))
        case _:
            raise ApiError(
                415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {type}"
            )
    return merged


def _read(kind: Kind, body: Any) -> Object:
    """A request's object, without nulls; raises 400 when it is of another kind or none."""
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type object)")
    given = body.get("apiVersion") or kind.api_version, body.get("kind") or kind.kind
    if given != (kind.api_version, kind.kind):
        why = f'{given[1]} in version "{given[0]}" cannot be handled as a {kind.kind}'
        raise bad_request(why)
    item: Object = clone(without_nulls(body))
    item["apiVersion"], item["kind"] = given
    item["metadata"] = dict(item.get("metadata") or {})
    return item


def _check(kind: Kind, item: Object) -> None:
    """Validate an object and set its defaults; raises 422 with everything that is wrong."""
    found = schema.problems(kind, item)
    if not found:
        defaults.fill(kind, item)
        found = checks.problems(kind, item)
    if found:
        raise invalid(kind.qualified_kind, item["metadata"].get("name", ""), found)
