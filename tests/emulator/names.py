"""The forms that names, labels and keys must have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tests.emulator.errors import Cause
from tests.emulator.objects import Object

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
ANNOTATIONS_LIMIT = 256 * 1024


def dns_label(text: str) -> str:
    """What is wrong with a name of at most 63 characters without dots; empty: nothing."""
    if len(text) <= 63 and _LABEL.fullmatch(text):
        return ""
    if len(text) > 63:
        return f'Invalid value: "{text}": must be no more than 63 characters'
    return (
        f'Invalid value: "{text}": a lowercase RFC 1123 label must consist of lower case alphanumeric '
        "characters or '-', and must start and end with an alphanumeric character"
    )


def service_name(text: str) -> str:
    """What is wrong with the name of a Service, which begins with a letter."""
    if len(text) <= 63 and _SERVICE.fullmatch(text):
        return ""
    return (
        f'Invalid value: "{text}": a DNS-1035 label must consist of lower case alphanumeric characters or '
        "'-', start with an alphabetic character, and end with an alphanumeric character (at most 63)"
    )


def subdomain(text: str) -> str:
    """What is wrong with the name of most objects."""
    if len(text) <= 253 and _SUBDOMAIN.fullmatch(text):
        return ""
    return (
        f'Invalid value: "{text}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
        "characters, '-' or '.', and must start and end with an alphanumeric character (at most 253)"
    )


def role_name(text: str) -> str:
    """What is wrong with the name of a role: it may hold nearly everything."""
    bad = text in (".", "..") or "/" in text or "%" in text
    return f"Invalid value: \"{text}\": may not contain '/' or '%'" if bad else ""


def form_of(plural: str) -> Callable[[str], str]:
    """The rule for names of a kind of objects."""
    match plural:
        case "namespaces":
            return dns_label
        case "services":
            return service_name
        case "roles" | "rolebindings" | "clusterroles" | "clusterrolebindings":
            return role_name
        case _:
            return subdomain


def label_problems(labels: Object, field: str) -> Iterable[Cause]:
    """What is wrong with labels."""
    for key, value in labels.items():
        if why := _key_problem(key):
            yield Cause(field=field, message=why)
        if len(value) > 63 or not _VALUE.fullmatch(value):
            why = (
                f'Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric '
                "characters, '-', '_' or '.', and must start and end with an alphanumeric one (at most 63)"
            )
            yield Cause(field=field, message=why)


def annotation_problems(annotations: Object, field: str) -> Iterable[Cause]:
    """What is wrong with annotations: their keys, and their size in all."""
    for key in annotations:
        if why := _key_problem(key.lower()):
            yield Cause(field=field, message=why)
    if sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items()) > ANNOTATIONS_LIMIT:
        why = f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"
        yield Cause(field=field, message=why, reason="FieldValueTooLong")


def data_key_problem(key: str) -> str:
    """What is wrong with a key of a ConfigMap or Secret."""
    good = len(key) <= 253 and _DATA_KEY.fullmatch(key) and key not in (".", "..")
    return "" if good else f'Invalid value: "{key}": a valid config key must consist of [-._a-zA-Z0-9]'


def _key_problem(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if slash and subdomain(prefix):
        return f'Invalid value: "{key}": prefix part {subdomain(prefix)}'
    if len(name) > 63 or not _QUALIFIED.fullmatch(name):
        return (
            f"Invalid value: \"{key}\": name part must consist of alphanumeric characters, '-', '_' or "
            "'.', and must start and end with an alphanumeric character (at most 63)"
        )
    return ""
