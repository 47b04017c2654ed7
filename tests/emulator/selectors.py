"""Selectors of labels and fields."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.emulator.errors import bad_request
from tests.emulator.objects import Object, at, labels_of

Test = Callable[[Object], bool]
Labels = dict[str, str]

_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)")
_EQUALITY = re.compile(r"([^=!\s]+)\s*(==|=|!=)\s*(\S*)")
_PRESENCE = re.compile(r"(!?)\s*([^=!\s(),]+)")


def by_labels(text: str) -> Test:
    """The test that a labelSelector's text stands for; raises 400 for one that cannot be read."""
    parts = [p.strip() for p in re.findall(r"(?:[^,(]|\([^)]*\))+", text)]
    tests = [_requirement(part, text) for part in parts if part]
    return lambda item: all(test(labels_of(item)) for test in tests)


def _requirement(part: str, text: str) -> Callable[[Labels], bool]:
    if found := _SET.fullmatch(part):
        key, operator = found[1], {"in": "In", "notin": "NotIn"}[found[2]]
        return _expression(key, operator, {v.strip() for v in found[3].split(",")})
    if found := _EQUALITY.fullmatch(part):
        return _expression(found[1], "NotIn" if found[2] == "!=" else "In", {found[3]})
    if found := _PRESENCE.fullmatch(part):
        return _expression(found[2], "DoesNotExist" if found[1] else "Exists", set())
    raise bad_request(f'unable to parse requirement: found "{part}" in "{text}"')


def _expression(key: str, operator: str, values: set[str]) -> Callable[[Labels], bool]:
    match operator:
        case "In":
            return lambda labels: labels.get(key) in values
        case "NotIn":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
        case _:
            return lambda labels: key not in labels


def by_selector(selector: Object) -> Test:
    """The test of a ``{"matchLabels": …, "matchExpressions": …}``; an empty one takes everything."""
    tests = [_expression(k, "In", {v}) for k, v in (selector.get("matchLabels") or {}).items()]
    for e in selector.get("matchExpressions") or []:
        tests.append(_expression(e["key"], e["operator"], set(e.get("values") or [])))
    return lambda item: all(test(labels_of(item)) for test in tests)


def by_fields(text: str) -> Test:
    """The test of a fieldSelector's text; a field that is not there is an empty text."""
    tests = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part)
        if not found:
            raise bad_request(f'invalid field selector "{part}"')
        tests.append((found[1].strip().split("."), found[2] != "!=", found[3]))

    def test(item: Object) -> bool:
        return all((str(at(item, path) or "") == value) is wanted for path, wanted, value in tests)

    return test
