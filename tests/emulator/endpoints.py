"""Which pods stand behind a Service, kept as Endpoints and EndpointSlices that follow readiness."""

from __future__ import annotations

from collections.abc import Iterator

from tests.emulator.kinds import ENDPOINTS, PODS, SERVICES, SLICES, Kind
from tests.emulator.objects import (
    Object,
    controller_reference,
    is_deleting,
    is_finished,
    is_ready,
    name_of,
    namespace_of,
    uid_of,
)
from tests.emulator.selectors import by_selector
from tests.emulator.store import Store


def backends(store: Store, service: Object) -> list[Object]:
    """Pods with an address that a Service selects and that are neither finished nor being deleted."""
    selector = service["spec"].get("selector")
    if not selector:
        return []
    chosen = by_selector({"matchLabels": selector})
    pods = store.find(PODS, namespace_of(service), chosen)
    return [p for p in pods if p["status"].get("podIP") and not is_finished(p) and not is_deleting(p)]


def is_published(service: Object, pod: Object) -> bool:
    """Whether a pod gets connections: it is ready, or the Service does not ask."""
    return is_ready(pod) or bool(service["spec"].get("publishNotReadyAddresses"))


def target_port(pod: Object, port: Object) -> int:
    """The number of a pod's port behind a Service's port; 0 where the pod has none of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    named = (p for c in pod["spec"]["containers"] for p in c.get("ports") or [] if p.get("name") == target)
    return int(next(named, {"containerPort": 0})["containerPort"])


def sync(store: Store, service: Object) -> None:
    """Bring Endpoints and EndpointSlice of a Service up to date."""
    if not service["spec"].get("selector"):
        return
    pods = backends(store, service)
    labels = service["metadata"].get("labels") or {}
    head: Object = {"name": name_of(service), "namespace": namespace_of(service), "labels": labels}
    endpoints = {"subsets": list(_subsets(service, pods))}
    _keep(store, ENDPOINTS, {**head}, endpoints, service)
    sliced: Object = {"addressType": "IPv4", "ports": _ports(service, pods), "endpoints": []}
    for pod in pods:
        ready = is_published(service, pod)
        conditions = {"ready": ready, "serving": ready, "terminating": False}
        entry = {
            "addresses": [pod["status"]["podIP"]],
            "conditions": conditions,
            "targetRef": _reference(pod),
        }
        sliced["endpoints"].append({**entry, "nodeName": pod["spec"].get("nodeName", "")})
    labelled = {**labels, "kubernetes.io/service-name": name_of(service)}
    _keep(store, SLICES, {**head, "name": f"{name_of(service)}-slice", "labels": labelled}, sliced, service)


def _keep(store: Store, kind: Kind, head: Object, body: Object, service: Object) -> None:
    present = store.look(kind, head["namespace"], head["name"])
    if present is None:
        store.add(kind, {"metadata": {**head, "ownerReferences": controller_reference(service)}, **body})
    elif {k: present.get(k) for k in body} != body:
        store.put(kind, {**present, **body})


def _subsets(service: Object, pods: list[Object]) -> Iterator[Object]:
    if not pods:
        return
    subset: Object = {"ports": _ports(service, pods)}
    for part, wanted in (("addresses", True), ("notReadyAddresses", False)):
        chosen = [p for p in pods if is_published(service, p) is wanted]
        if chosen:
            subset[part] = [{"ip": p["status"]["podIP"], "targetRef": _reference(p)} for p in chosen]
    yield subset


def _ports(service: Object, pods: list[Object]) -> list[Object]:
    ports = service["spec"].get("ports") or []
    numbers = [(p, target_port(pods[0], p) if pods else p["port"]) for p in ports]
    return [{"name": p.get("name", ""), "port": n, "protocol": p["protocol"]} for p, n in numbers]


def _reference(pod: Object) -> Object:
    return {"kind": "Pod", "name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)}


def sync_all(store: Store) -> None:
    """Bring those of all Services up to date."""
    for service in store.find(SERVICES):
        if not is_deleting(service):
            sync(store, service)
