"""Environment variables of containers, and the ``$(NAME)`` of their commands."""

from __future__ import annotations

import base64
import re
import sys
from typing import Any

from tests.emulator.errors import ApiError
from tests.emulator.kinds import CONFIG_MAPS, SECRETS
from tests.emulator.names_in_pods import hostname
from tests.emulator.objects import Object, at, namespace_of
from tests.emulator.quantities import amount
from tests.emulator.store import Store

PATH = f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Images are this machine's files, with this Python first."""
_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_][-\w.]*)\)")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def config_error(message: str) -> ApiError:
    """What a container waits for: CreateContainerConfigError."""
    return ApiError(404, "CreateContainerConfigError", message)


def expanded(text: str, variables: dict[str, str]) -> str:
    """Replace ``$(NAME)``; one that is not set stays, ``$$`` is ``$``."""
    return _VARIABLE.sub(lambda m: "$" if m[0] == "$$" else variables.get(m[1], m[0]), text)


def environment(store: Store, pod: Object, container: Object) -> dict[str, str]:
    """The variables of a container; raises ``ApiError`` for a ConfigMap, Secret or key that is not there."""
    namespace = namespace_of(pod)
    variables = {"PATH": PATH, "HOME": "/root", "HOSTNAME": hostname(pod)}
    for source in container.get("envFrom") or []:
        variables |= _all_of(store, namespace, source)
    for entry in container.get("env") or []:
        source = entry.get("valueFrom")
        if source is None:
            variables[entry["name"]] = expanded(str(entry.get("value") or ""), variables)
        elif (value := _value(store, pod, container, source)) is not None:
            variables[entry["name"]] = value
    return variables


def data_of(store: Store, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
    """The contents of a ConfigMap or Secret; None when it is not there."""
    found = store.look(SECRETS if kind == "secret" else CONFIG_MAPS, namespace, name)
    if found is None:
        return None
    texts = found.get("data") or {}
    if kind == "secret":
        return {k: base64.b64decode(v) for k, v in texts.items()}
    binary = {k: base64.b64decode(v) for k, v in (found.get("binaryData") or {}).items()}
    return {**{k: v.encode() for k, v in texts.items()}, **binary}


def _all_of(store: Store, namespace: str, source: Object) -> dict[str, str]:
    kind = "secret" if "secretRef" in source else "configmap"
    reference = source.get("secretRef") or source.get("configMapRef") or {}
    data = data_of(store, kind, namespace, reference["name"])
    if data is None:
        if reference.get("optional"):
            return {}
        raise config_error(f'{kind} "{reference["name"]}" not found')
    prefix = source.get("prefix", "")
    return {prefix + k: v.decode() for k, v in data.items() if _NAME.fullmatch(prefix + k)}


def _value(store: Store, pod: Object, container: Object, source: Object) -> str | None:
    for field, kind in (("secretKeyRef", "secret"), ("configMapKeyRef", "configmap")):
        if field in source:
            return _key_of(store, kind, namespace_of(pod), source[field])
    if "fieldRef" in source:
        return field_of(pod, source["fieldRef"]["fieldPath"])
    return _resource(container, source["resourceFieldRef"])


def _key_of(store: Store, kind: str, namespace: str, reference: Object) -> str | None:
    data = data_of(store, kind, namespace, reference["name"])
    if data is not None and reference["key"] in data:
        return data[reference["key"]].decode()
    if reference.get("optional"):
        return None
    if data is None:
        raise config_error(f'{kind} "{reference["name"]}" not found')
    where = {"secret": "Secret", "configmap": "ConfigMap"}[kind]
    raise config_error(f"couldn't find key {reference['key']} in {where} {namespace}/{reference['name']}")


def field_of(pod: Object, path: str) -> str:
    """The value of a fieldRef."""
    if found := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str((pod["metadata"].get(found[1]) or {}).get(found[2], ""))
    value: Any = at(pod, path.split("."))
    return "" if value is None else str(value)


def _resource(container: Object, reference: Object) -> str:
    part, _, name = reference["resource"].partition(".")
    value = amount(((container.get("resources") or {}).get(part) or {}).get(name, 0))
    return str(
        int((value / amount(reference.get("divisor") or 1)).to_integral_value(rounding="ROUND_CEILING"))
    )
