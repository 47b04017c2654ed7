"""Lists as tables, which is how ``kubectl get`` asks for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.emulator.kinds import Kind
from tests.emulator.objects import Object, at, holds, is_deleting, name_of

Cells = Callable[[Object], list[Any]]


def _ago(time: str | None) -> str:
    if not time:
        return "<unknown>"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(time.replace("Z", "+00:00"))).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _age(item: Object) -> str:
    return _ago(item["metadata"].get("creationTimestamp"))


def pod_state(pod: Object) -> str:
    """The column STATUS of a pod: the reason that matters most."""
    status = pod["status"]
    state = str(status.get("reason") or status.get("phase"))
    for index, entry in enumerate(status.get("initContainerStatuses") or []):
        reason = _reason(entry)
        if (entry["state"].get("terminated") or {}).get("exitCode") == 0:
            continue
        waiting = reason not in ("", "PodInitializing", "ContainerCreating")
        total = len(status["initContainerStatuses"])
        state = f"Init:{reason}" if waiting else f"Init:{index}/{total}"
        break
    else:
        for entry in status.get("containerStatuses") or []:
            state = _reason(entry) or state
    if is_deleting(pod):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return state


def _reason(entry: Object) -> str:
    state = entry["state"].get("waiting") or entry["state"].get("terminated") or {}
    return str(state.get("reason", ""))


def _pod(pod: Object) -> list[Any]:
    entries = pod["status"].get("containerStatuses") or []
    ready = f"{sum(bool(e['ready']) for e in entries)}/{len(pod['spec']['containers'])}"
    restarts = sum(e["restartCount"] for e in entries)
    wide = [pod["status"].get("podIP", "<none>"), pod["spec"].get("nodeName", "<none>")]
    return [name_of(pod), ready, pod_state(pod), restarts, _age(pod), *wide]


def _deployment(item: Object) -> list[Any]:
    status, wanted = item["status"], item["spec"]["replicas"]
    ready = f"{status.get('readyReplicas', 0)}/{wanted}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [name_of(item), ready, *counts, _age(item)]


def _replica_set(item: Object) -> list[Any]:
    counts = [item["status"].get("replicas", 0), item["status"].get("readyReplicas", 0)]
    return [name_of(item), item["spec"]["replicas"], *counts, _age(item)]


def _job(item: Object) -> list[Any]:
    status, spec = item["status"], item["spec"]
    ends = (end for end in ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget") if holds(item, end))
    state = next(ends, "Suspended" if spec.get("suspend") else "Running")
    done = f"{status.get('succeeded', 0)}/{spec.get('completions', spec['parallelism'])}"
    return [name_of(item), state, done, _ago(status.get("startTime")), _age(item)]


def _service(item: Object) -> list[Any]:
    spec = item["spec"]
    ports = ",".join(f"{p['port']}/{p['protocol']}" for p in spec.get("ports") or []) or "<none>"
    return [name_of(item), spec["type"], spec.get("clusterIP", "<none>"), "<none>", ports, _age(item)]


def _event(item: Object) -> list[Any]:
    about = f"{item['involvedObject']['kind'].lower()}/{item['involvedObject']['name']}"
    return [_ago(item.get("lastTimestamp")), item["type"], item["reason"], about, item["message"]]


def _data(item: Object) -> list[Any]:
    return [name_of(item), len(item.get("data") or {}) + len(item.get("binaryData") or {}), _age(item)]


def _budget(item: Object) -> list[Any]:
    spec = item.get("spec") or {}
    low, high = spec.get("minAvailable", "N/A"), spec.get("maxUnavailable", "N/A")
    return [name_of(item), str(low), str(high), item["status"].get("disruptionsAllowed", 0), _age(item)]


def _lease(item: Object) -> list[Any]:
    return [name_of(item), at(item, ("spec", "holderIdentity")) or "", _age(item)]


def _node(item: Object) -> list[Any]:
    state = "Ready" if holds(item, "Ready") else "NotReady"
    return [name_of(item), state, "<none>", _age(item), at(item, ("status", "nodeInfo", "kubeletVersion"))]


def _other(item: Object) -> list[Any]:
    return [name_of(item), _age(item)]


_COLUMNS: dict[str, tuple[str, Cells]] = {
    "pods": ("Name Ready Status Restarts Age IP Node", _pod),
    "deployments": ("Name Ready Up-to-date Available Age", _deployment),
    "replicasets": ("Name Desired Current Ready Age", _replica_set),
    "jobs": ("Name Status Completions Duration Age", _job),
    "services": ("Name Type Cluster-IP External-IP Port(s) Age", _service),
    "events": ("Last-Seen Type Reason Object Message", _event),
    "configmaps": ("Name Data Age", _data),
    "secrets": ("Name Data Age", _data),
    "poddisruptionbudgets": ("Name Min-Available Max-Unavailable Allowed-Disruptions Age", _budget),
    "leases": ("Name Holder Age", _lease),
    "nodes": ("Name Status Roles Age Version", _node),
}
_WIDE = frozenset({"IP", "Node"})


def table(kind: Kind, items: list[Object], version: str) -> Object:
    """A ``meta.k8s.io/v1`` Table of objects."""
    names, cells = _COLUMNS.get(kind.plural, ("Name Age", _other))
    columns = [
        {"name": n, "type": "string", "format": "name" if n == "Name" else "", "priority": int(n in _WIDE)}
        for n in names.split()
    ]
    rows = [{"cells": cells(item), "object": _partial(item)} for item in items]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version}}
    return {**head, "columnDefinitions": columns, "rows": rows}


def _partial(item: Object) -> Object:
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**head, "metadata": item["metadata"]}


def is_wanted(accept: str) -> bool:
    """Whether a request's Accept header asks for a table."""
    return "as=Table" in accept
