"""What the API server checks of a pod's spec that a schema cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.emulator.errors import Cause
from tests.emulator.names import dns_label
from tests.emulator.objects import Object
from tests.emulator.quantities import amount

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_ENV_NAME = re.compile(r"[^=\x00-\x1f]+")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")


def required(field: str, why: str = "") -> Cause:
    return Cause(
        field=field, message=f"Required value{': ' if why else ''}{why}", reason="FieldValueRequired"
    )


def unsupported(field: str, value: object, supported: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{s}"' for s in supported)
    message = f'Unsupported value: "{value}": supported values: {listed}'
    return Cause(field=field, message=message, reason="FieldValueNotSupported")


def duplicate(field: str, value: object) -> Cause:
    return Cause(field=field, message=f'Duplicate value: "{value}"', reason="FieldValueDuplicate")


def wrong(field: str, value: object, why: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else value
    return Cause(field=field, message=f"Invalid value: {shown}: {why}")


def pod_problems(
    spec: Object, field: str, restart: tuple[str, ...] = ("Always", "OnFailure", "Never")
) -> Iterator[Cause]:
    """Everything wrong with a pod's spec (with defaults set) at ``field``."""
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    if spec["restartPolicy"] not in restart:
        yield unsupported(f"{field}.restartPolicy", spec["restartPolicy"], restart)
    for name in ("hostname", "subdomain"):
        if name in spec and (why := dns_label(spec[name])):
            yield Cause(field=f"{field}.{name}", message=why)
    for name, least in (("terminationGracePeriodSeconds", 0), ("activeDeadlineSeconds", 1)):
        if spec.get(name, least) < least:
            yield wrong(f"{field}.{name}", spec[name], f"must be greater than or equal to {least}")
    yield from _volumes(spec, field)
    yield from _tolerations(spec, field)
    names: set[str] = set()
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            here = f"{field}.{part}[{index}]"
            if container["name"] in names:
                yield duplicate(f"{here}.name", container["name"])
            names.add(container["name"])
            yield from _container(container, here, spec)


def _volumes(spec: Object, field: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or []):
        here = f"{field}.volumes[{index}]"
        if why := dns_label(volume["name"]):
            yield Cause(field=f"{here}.name", message=why)
        if volume["name"] in seen:
            yield duplicate(f"{here}.name", volume["name"])
        seen.add(volume["name"])
        if len(volume) > 2:
            yield Cause(field=here, message="Forbidden: may not specify more than 1 volume type")
        path = (volume.get("hostPath") or {}).get("path", "")
        if "hostPath" in volume and ".." in path.split("/"):
            yield wrong(f"{here}.hostPath.path", path, "must not contain '..'")


def _tolerations(spec: Object, field: str) -> Iterator[Cause]:
    for index, toleration in enumerate(spec.get("tolerations") or []):
        here, operator = f"{field}.tolerations[{index}]", toleration.get("operator", "Equal")
        if operator not in ("Equal", "Exists"):
            yield unsupported(f"{here}.operator", operator, ("Equal", "Exists"))
        if operator == "Exists" and toleration.get("value"):
            yield wrong(
                f"{here}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'"
            )
        if not toleration.get("key") and operator != "Exists":
            yield wrong(f"{here}.operator", operator, "operator must be Exists when `key` is empty")
        effect = toleration.get("effect", "")
        if effect not in ("", "NoSchedule", "PreferNoSchedule", "NoExecute"):
            yield unsupported(f"{here}.effect", effect, ("NoSchedule", "PreferNoSchedule", "NoExecute"))


def _container(container: Object, field: str, spec: Object) -> Iterator[Cause]:
    if why := dns_label(container["name"]):
        yield Cause(field=f"{field}.name", message=why)
    if not container.get("image"):
        yield required(f"{field}.image")
    elif container["image"] != container["image"].strip():
        yield wrong(f"{field}.image", container["image"], "must not have leading or trailing whitespace")
    pull = container.get("imagePullPolicy", "Always")
    if pull not in ("Always", "IfNotPresent", "Never"):
        yield unsupported(f"{field}.imagePullPolicy", pull, ("Always", "IfNotPresent", "Never"))
    yield from _mounts(container, field, spec)
    yield from _env(container, field)
    yield from _ports(container, field)
    yield from _resources(container.get("resources") or {}, f"{field}.resources")
    for name in PROBES:
        if name in container:
            yield from _probe(container[name], f"{field}.{name}", container, name)
    for name, hook in (container.get("lifecycle") or {}).items():
        if name in ("preStop", "postStart") and sum(h in hook for h in HANDLERS) != 1:
            yield required(f"{field}.lifecycle.{name}", "must specify a handler type")
    user = (container.get("securityContext") or {}).get("runAsUser", 0)
    if user < 0:
        yield wrong(f"{field}.securityContext.runAsUser", user, "must be between 0 and 2147483647, inclusive")


def _mounts(container: Object, field: str, spec: Object) -> Iterator[Cause]:
    known, seen = {v["name"] for v in spec.get("volumes") or []}, set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        here = f"{field}.volumeMounts[{index}]"
        if mount["name"] not in known:
            message = f'Not found: "{mount["name"]}"'
            yield Cause(field=f"{here}.name", message=message, reason="FieldValueNotFound")
        if mount["mountPath"] in seen:
            yield wrong(f"{here}.mountPath", mount["mountPath"], "must be unique")
        seen.add(mount["mountPath"])
        sub = mount.get("subPath", "")
        if sub.startswith("/") or ".." in sub.split("/"):
            yield wrong(f"{here}.subPath", sub, "must be a relative path without '..'")


def _env(container: Object, field: str) -> Iterator[Cause]:
    for index, entry in enumerate(container.get("env") or []):
        here = f"{field}.env[{index}]"
        if not entry.get("name"):
            yield required(f"{here}.name")
        elif not _ENV_NAME.fullmatch(entry["name"]):
            yield wrong(
                f"{here}.name", entry["name"], "a valid environment variable name must not contain '='"
            )
        source = entry.get("valueFrom")
        if source is not None and entry.get("value"):
            yield wrong(f"{here}.valueFrom", "", "may not be specified when `value` is not empty")
        if source is not None and len(source) != 1:
            yield wrong(f"{here}.valueFrom", "", "must specify exactly one source")


def _ports(container: Object, field: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, port in enumerate(container.get("ports") or []):
        here, name = f"{field}.ports[{index}]", port.get("name", "")
        if not 0 < port["containerPort"] < 65536:
            yield wrong(
                f"{here}.containerPort", port["containerPort"], "must be between 1 and 65535, inclusive"
            )
        if name and not _PORT_NAME.fullmatch(name):
            yield wrong(f"{here}.name", name, "must be at most 15 of [-a-z0-9], with at least one letter")
        if name in seen:
            yield duplicate(f"{here}.name", name)
        seen.add(name or str(index))


def _resources(resources: Object, field: str) -> Iterator[Cause]:
    for part in ("limits", "requests"):
        for name, quantity in (resources.get(part) or {}).items():
            here = f"{field}.{part}[{name}]"
            try:
                value = amount(quantity)
            except ValueError as error:
                yield wrong(here, quantity, str(error))
                continue
            if value < 0:
                yield wrong(here, quantity, "must be greater than or equal to 0")
            if "/" in name and value != value.to_integral_value():
                yield wrong(here, quantity, "must be an integer")
    limits = resources.get("limits") or {}
    for name, quantity in (resources.get("requests") or {}).items():
        if name in limits and _exceeds(quantity, limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{field}.requests", quantity, why)


def _exceeds(quantity: object, limit: object) -> bool:
    try:
        return amount(quantity) > amount(limit)
    except ValueError:
        return False


def _probe(probe: Object, field: str, container: Object, name: str) -> Iterator[Cause]:
    handlers = [h for h in HANDLERS if h in probe]
    if len(handlers) != 1:
        yield required(field, "must specify a handler type")
    if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        yield wrong(f"{field}.successThreshold", probe["successThreshold"], "must be 1")
    for key in ("periodSeconds", "timeoutSeconds", "failureThreshold"):
        if probe.get(key, 1) < 1:
            yield wrong(f"{field}.{key}", probe[key], "must be greater than 0")
    port = next((probe[h]["port"] for h in handlers if h in ("httpGet", "tcpSocket")), 1)
    named = {p.get("name") for p in container.get("ports") or []}
    if isinstance(port, str) and port not in named:
        yield wrong(f"{field}.port", port, "no container port has this name")
