"""What objects of Kubernetes have in common: metadata, owners, conditions, time stamps."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
"""An object of the API as JSON. Stored objects are never changed in place: make a new one."""


def now() -> str:
    """The time as the API writes it, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_micro() -> str:
    """The time as Lease and Event write it, to the microsecond."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def suffix(length: int = 5) -> str:
    """What generateName appends: letters and digits that spell no words."""
    return "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=length))


def name_of(item: Object) -> str:
    return str(item["metadata"]["name"])


def namespace_of(item: Object) -> str:
    """The namespace, empty for objects of the whole cluster."""
    return str(item["metadata"].get("namespace") or "")


def uid_of(item: Object) -> str:
    return str(item["metadata"]["uid"])


def labels_of(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def annotations_of(item: Object) -> dict[str, str]:
    return item["metadata"].get("annotations") or {}


def is_deleting(item: Object) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def owners_of(item: Object) -> list[Object]:
    return item["metadata"].get("ownerReferences") or []


def is_owned_by(item: Object, owner: Object) -> bool:
    return any(ref["uid"] == uid_of(owner) for ref in owners_of(item))


def controller_reference(owner: Object) -> list[Object]:
    """ownerReferences of what a controller makes."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name_of(owner)}
    return [{**reference, "uid": uid_of(owner), "controller": True, "blockOwnerDeletion": True}]


def condition_of(item: Object, kind: str) -> Object:
    """A condition of the status, empty when there is none."""
    found = (c for c in item.get("status", {}).get("conditions") or [] if c["type"] == kind)
    return next(found, {})


def holds(item: Object, kind: str) -> bool:
    """Whether a condition is True."""
    return bool(condition_of(item, kind).get("status") == "True")


def with_conditions(item: Object, *changed: Object) -> list[Object]:
    """The conditions of ``item`` with some set; an unchanged status keeps its transition time."""
    conditions = {c["type"]: c for c in item.get("status", {}).get("conditions") or []}
    for new in changed:
        old = conditions.get(new["type"], {})
        if {**old, **new} == old:
            continue
        same = old.get("status") == new["status"]
        since = old.get("lastTransitionTime") if same else None
        conditions[new["type"]] = {**old, **new, "lastTransitionTime": since or now()}
    return list(conditions.values())


def is_ready(pod: Object) -> bool:
    return holds(pod, "Ready") and not is_finished(pod)


def is_finished(pod: Object) -> bool:
    """Whether no container of a pod will run again."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def containers_of(pod_spec: Object) -> list[Object]:
    """Init containers and containers."""
    return [*(pod_spec.get("initContainers") or []), *(pod_spec.get("containers") or [])]


def without_nulls(value: Any) -> Any:
    """What a server keeps of a request's body: null is a field that is not there."""
    match value:
        case dict():
            return {k: without_nulls(v) for k, v in value.items() if v is not None}
        case list():
            return [without_nulls(v) for v in value]
        case _:
            return value


def without_empty(value: Any) -> Any:
    """For comparing templates: empty maps and lists, which typed clients write, are nothing."""
    match value:
        case dict():
            kept = {k: without_empty(v) for k, v in value.items()}
            return {k: v for k, v in kept.items() if v not in (None, {}, [])}
        case list():
            return [without_empty(v) for v in value]
        case _:
            return value


def at(item: Object, path: Iterable[str]) -> Any:
    """The value at a path of field names, None where there is none."""
    value: Any = item
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def clone(item: Object) -> Object:
    return copy.deepcopy(item)
