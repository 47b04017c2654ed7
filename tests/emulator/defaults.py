"""The values that the API server fills in: what is read differs from what was written, as it really does."""

from __future__ import annotations

import base64

from tests.emulator.kinds import Kind
from tests.emulator.objects import Object, containers_of
from tests.emulator.pod_checks import PROBES
from tests.emulator.quantities import canonical


def fill(kind: Kind, item: Object) -> None:
    """Set the defaults of a new or changed object that has passed its schema; changes ``item``."""
    match kind.plural:
        case "pods":
            _pod_spec(item["spec"])
            _requests(item["spec"])
        case "deployments" | "replicasets":
            _workload(kind, item["spec"])
        case "jobs":
            _job(item)
        case "services":
            _service(item["spec"])
        case "secrets":
            item.setdefault("type", "Opaque")
            texts = item.pop("stringData", None) or {}
            data = {k: base64.b64encode(v.encode()).decode() for k, v in texts.items()}
            if data:
                item["data"] = {**(item.get("data") or {}), **data}
        case "horizontalpodautoscalers":
            item["spec"].setdefault("minReplicas", 1)
        case "networkpolicies":
            item.setdefault("spec", {}).setdefault("policyTypes", ["Ingress"])
        case _:
            return


def _set(target: Object, **values: object) -> None:
    for name, value in values.items():
        target.setdefault(name, value)


def _workload(kind: Kind, spec: Object) -> None:
    _set(spec, replicas=1)
    spec["template"].setdefault("metadata", {})
    _pod_spec(spec["template"]["spec"])
    if kind.plural == "deployments":
        _set(spec, revisionHistoryLimit=10, progressDeadlineSeconds=600)
        strategy = spec.setdefault("strategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            _set(rolling, maxSurge="25%", maxUnavailable="25%")


def _job(item: Object) -> None:
    spec = item["spec"]
    _set(spec, backoffLimit=6, completionMode="NonIndexed", suspend=False, manualSelector=False)
    _set(spec, podReplacementPolicy="Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    _set(spec, parallelism=1)
    spec["template"].setdefault("metadata", {})
    _pod_spec(spec["template"]["spec"])


def _service(spec: Object) -> None:
    _set(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        _set(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec.get("clusterIP") == "None":
        spec["clusterIPs"] = ["None"]
    for port in spec.get("ports") or []:
        _set(port, protocol="TCP", targetPort=port["port"])


def _pod_spec(spec: Object) -> None:
    _set(spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst")
    _set(spec, securityContext={}, schedulerName="default-scheduler")
    if "serviceAccountName" in spec:
        _set(spec, serviceAccount=spec["serviceAccountName"])
    for volume in spec.get("volumes") or []:
        _volume(volume)
    for container in containers_of(spec):
        _container(container)


def _volume(volume: Object) -> None:
    if len(volume) == 1:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if source in volume:
            _set(volume[source], defaultMode=0o644)
    if "hostPath" in volume:
        _set(volume["hostPath"], type="")
    if limit := (volume.get("emptyDir") or {}).get("sizeLimit"):
        volume["emptyDir"]["sizeLimit"] = _canonical(limit)


def _container(container: Object) -> None:
    image = container.get("image", "")
    latest = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    _set(container, imagePullPolicy="Always" if latest else "IfNotPresent", resources={})
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    for port in container.get("ports") or []:
        _set(port, protocol="TCP")
    for entry in container.get("env") or []:
        if "fieldRef" in (entry.get("valueFrom") or {}):
            _set(entry["valueFrom"]["fieldRef"], apiVersion="v1")
    for part in ("limits", "requests"):
        amounts = container["resources"].get(part) or {}
        amounts.update({name: _canonical(value) for name, value in amounts.items()})
    for name in PROBES:
        if name in container:
            probe = container[name]
            _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if "httpGet" in probe:
                _set(probe["httpGet"], path="/", scheme="HTTP")
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and "httpGet" in hook:
            _set(hook["httpGet"], path="/", scheme="HTTP")


def _canonical(quantity: object) -> object:
    try:
        return canonical(quantity)
    except ValueError:
        return quantity  # the checks that follow name it


def _requests(spec: Object) -> None:
    for container in containers_of(spec):
        if limits := container["resources"].get("limits"):
            container["resources"]["requests"] = {**limits, **(container["resources"].get("requests") or {})}
