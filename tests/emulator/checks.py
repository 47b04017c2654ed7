"""What the API server checks of whole objects beyond their schema, and which fields never change."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from tests.emulator.errors import Cause
from tests.emulator.kinds import Kind
from tests.emulator.names import annotation_problems, data_key_problem, dns_label, form_of, label_problems
from tests.emulator.objects import Object, at, labels_of, name_of, without_empty
from tests.emulator.pod_checks import duplicate, pod_problems, required, unsupported, wrong
from tests.emulator.selectors import by_selector

DATA_LIMIT = 1024 * 1024
_IMMUTABLE = "field is immutable"
_PERCENT = re.compile(r"[0-9]+%")


def problems(kind: Kind, item: Object) -> list[Cause]:
    """Everything wrong with an object that has passed its schema and has its defaults."""
    return [*_metadata(kind, item), *_of_kind(kind, item)]


def _metadata(kind: Kind, item: Object) -> Iterator[Cause]:
    metadata = item["metadata"]
    if why := form_of(kind.plural)(name_of(item)):
        yield Cause(field="metadata.name", message=why)
    yield from label_problems(labels_of(item), "metadata.labels")
    yield from annotation_problems(metadata.get("annotations") or {}, "metadata.annotations")
    for index, owner in enumerate(metadata.get("ownerReferences") or []):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield required(f"metadata.ownerReferences[{index}].{name}", "must not be empty")


def _of_kind(kind: Kind, item: Object) -> Iterator[Cause]:
    match kind.plural:
        case "pods":
            yield from pod_problems(item["spec"], "spec")
        case "deployments" | "replicasets":
            yield from _workload(kind, item["spec"])
        case "jobs":
            yield from _job(item)
        case "services":
            yield from _service(item["spec"])
        case "configmaps" | "secrets":
            yield from _data(kind, item)
        case "poddisruptionbudgets":
            spec = item.get("spec") or {}
            if "minAvailable" in spec and "maxUnavailable" in spec:
                yield wrong("spec", "", "minAvailable and maxUnavailable cannot be both set")
        case "horizontalpodautoscalers":
            yield from _autoscaler(item["spec"])
        case _:
            return


def _template(template: Object, restart: tuple[str, ...]) -> Iterator[Cause]:
    metadata = template.get("metadata") or {}
    yield from label_problems(metadata.get("labels") or {}, "spec.template.labels")
    yield from annotation_problems(metadata.get("annotations") or {}, "spec.template.annotations")
    yield from pod_problems(template["spec"], "spec.template.spec", restart)


def _workload(kind: Kind, spec: Object) -> Iterator[Cause]:
    if spec["replicas"] < 0:
        yield wrong("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector, labels = spec["selector"], at(spec, ("template", "metadata", "labels")) or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield wrong("spec.selector", "", "empty selector is invalid for deployment")
    elif not by_selector(selector)({"metadata": {"labels": labels}}):
        yield wrong(
            "spec.template.metadata.labels", str(labels), "`selector` does not match template `labels`"
        )
    yield from _template(spec["template"], ("Always",))
    if kind.plural == "deployments":
        yield from _strategy(spec)


def _strategy(spec: Object) -> Iterator[Cause]:
    strategy = spec["strategy"]
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate" and rolling:
        why = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        yield Cause(field="spec.strategy.rollingUpdate", message=why, reason="FieldValueForbidden")
    here = "spec.strategy.rollingUpdate"
    for name in ("maxSurge", "maxUnavailable"):
        value = (rolling or {}).get(name, 1)
        if isinstance(value, str) and not _PERCENT.fullmatch(value):
            yield wrong(f"{here}.{name}", value, "a valid percent string must be a numeric string and '%'")
        elif not isinstance(value, str) and value < 0:
            yield wrong(f"{here}.{name}", value, "must be greater than or equal to 0")
    if rolling and all(str(rolling.get(n, 1)).rstrip("%") == "0" for n in ("maxSurge", "maxUnavailable")):
        yield wrong(f"{here}.maxUnavailable", 0, "may not be 0 when `maxSurge` is 0")
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        yield wrong(
            "spec.progressDeadlineSeconds",
            spec["progressDeadlineSeconds"],
            "must be greater than minReadySeconds",
        )


def _job(item: Object) -> Iterator[Cause]:
    spec = item["spec"]
    yield from _template(spec["template"], ("OnFailure", "Never"))
    for name in ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished"):
        if spec.get(name, 0) < 0:
            yield wrong(f"spec.{name}", spec[name], "must be greater than or equal to 0")
    if spec["completionMode"] not in ("Indexed", "NonIndexed"):
        yield unsupported("spec.completionMode", spec["completionMode"], ("NonIndexed", "Indexed"))
    if spec["completionMode"] == "Indexed":
        if "completions" not in spec:
            yield required("spec.completions", "when completion mode is Indexed")
        last = f"{name_of(item)}-{max(spec.get('completions', 1) - 1, 0)}"
        if why := dns_label(last):
            yield Cause(field="metadata.name", message=f"will not be able to create pod hostnames: {why}")


def _service(spec: Object) -> Iterator[Cause]:
    ports = spec.get("ports") or []
    headless = spec.get("clusterIP") == "None"
    if not ports and not headless and spec["type"] != "ExternalName":
        yield required("spec.ports")
    seen: set[object] = set()
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            yield required(f"{here}.name")
        if not 0 < port["port"] < 65536:
            yield wrong(f"{here}.port", port["port"], "must be between 1 and 65535, inclusive")
        if (port["port"], port["protocol"]) in seen:
            yield duplicate(here, port["port"])
        seen.add((port["port"], port["protocol"]))
    types = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in types:
        yield unsupported("spec.type", spec["type"], types)
    yield from label_problems(spec.get("selector") or {}, "spec.selector")


def _data(kind: Kind, item: Object) -> Iterator[Cause]:
    size = 0
    for part in ("data", "binaryData"):
        for key, value in (item.get(part) or {}).items():
            size += len(value.encode())
            if why := data_key_problem(key):
                yield Cause(field=f"{part}[{key}]", message=why)
            if (kind.plural == "secrets" or part == "binaryData") and not _is_base64(value):
                yield wrong(f"{part}[{key}]", "<binary>", "must be base64")
    if size > DATA_LIMIT:
        why = f"Too long: may not be more than {DATA_LIMIT} bytes"
        yield Cause(field="data", message=why, reason="FieldValueTooLong")


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _autoscaler(spec: Object) -> Iterator[Cause]:
    if spec["maxReplicas"] < spec["minReplicas"]:
        yield wrong("spec.maxReplicas", spec["maxReplicas"], "must be greater than or equal to `minReplicas`")
    if spec["minReplicas"] < 1:
        yield wrong("spec.minReplicas", spec["minReplicas"], "must be greater than or equal to 1")


def changes_forbidden(kind: Kind, old: Object, new: Object) -> list[Cause]:
    """Fields that differ although they never change."""
    fixed: dict[str, tuple[str, ...]] = {
        "deployments": ("spec.selector",),
        "replicasets": ("spec.selector",),
        "jobs": ("spec.selector", "spec.completionMode", "spec.template", "spec.completions"),
        "services": ("spec.clusterIP",),
        "rolebindings": ("roleRef",),
        "clusterrolebindings": ("roleRef",),
    }
    causes = []
    for field in fixed.get(kind.plural, ()):
        before, after = (without_empty(at(item, field.split("."))) for item in (old, new))
        if before != after:
            causes.append(wrong(field, "…", _IMMUTABLE))
    if kind.plural == "pods" and _pod_without_images(old) != _pod_without_images(new):
        why = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
        causes.append(Cause(field="spec", message=why, reason="FieldValueForbidden"))
    if kind.plural in ("configmaps", "secrets") and old.get("immutable") and _data_of(old) != _data_of(new):
        why = "Forbidden: field is immutable when `immutable` is set"
        causes.append(Cause(field="data", message=why, reason="FieldValueForbidden"))
    return causes


def _data_of(item: Object) -> tuple[object, object]:
    return item.get("data"), item.get("binaryData")


def _pod_without_images(pod: Object) -> Object:
    free = ("containers", "initContainers", "activeDeadlineSeconds", "tolerations", "nodeName")
    kept = {k: v for k, v in pod["spec"].items() if k not in free}
    for part in ("containers", "initContainers"):
        kept[part] = [{k: v for k, v in c.items() if k != "image"} for c in pod["spec"].get(part) or []]
    cleaned: Object = without_empty(kept)
    return cleaned
