"""The three kinds of patches that are computed from the patch alone: JSON, merge, strategic merge."""

from __future__ import annotations

import copy
from typing import Any

from tests.emulator.errors import ApiError, bad_request
from tests.emulator.objects import Object
from tests.emulator.schema import Node

_ORDER, _DELETE_VALUES, _RETAIN = "$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys"


def json_patch(document: Object, operations: list[Object]) -> Object:
    """RFC 6902; raises 422 for a test that fails and for a path that is not there."""
    document = copy.deepcopy(document)
    try:
        for operation in operations:
            _operate(document, operation)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise _unprocessable(
            f"the server rejected our request due to an error in our request: {error}"
        ) from None
    return document


def _unprocessable(message: str) -> ApiError:
    return ApiError(422, "Invalid", message)


def _operate(document: Object, operation: Object) -> None:
    name, (parent, key) = operation["op"], _place(document, operation["path"])
    value = operation.get("value")
    if name in ("move", "copy"):
        source, source_key = _place(document, operation["from"])
        value = copy.deepcopy(source[source_key])
        if name == "move":
            del source[source_key]
            parent, key = _place(document, operation["path"])
    match name:
        case "test":
            if parent[key] != value:
                raise _unprocessable(f"testing value {operation['path']} failed")
        case "remove":
            del parent[key]
        case "replace":
            if isinstance(parent, dict) and key not in parent:
                raise KeyError(operation["path"])
            parent[key] = value
        case "add" | "move" | "copy":
            if isinstance(parent, list):
                parent.insert(key, value)
            else:
                parent[key] = value
        case _:
            raise bad_request(f"unexpected kind of operation: {name}")


def _place(document: Any, path: str) -> tuple[Any, Any]:
    keys = [k.replace("~1", "/").replace("~0", "~") for k in path.split("/")[1:]]
    place = document
    for key in keys[:-1]:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        return place, len(place) if keys[-1] == "-" else int(keys[-1])
    return place, keys[-1]


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null deletes, everything else is replaced."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def strategic_merge(target: Any, patch: Any, node: Node) -> Any:
    """The merge patch of Kubernetes: lists merge by the keys that their schema names."""
    match patch:
        case dict():
            return _merge_map(target if isinstance(target, dict) else {}, patch, node)
        case list() if isinstance(target, list) and node.merge_key:
            return _merge_list(target, patch, node)
        case list() if isinstance(target, list) and node.merges_values:
            return [*target, *(v for v in patch if v not in target)]
        case list():
            return [_clean(v) for v in patch]
        case _:
            return patch


def _merge_map(target: Object, patch: Object, node: Node) -> Object:
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    merged = dict(target)
    if _RETAIN in patch:
        merged = {k: v for k, v in merged.items() if k in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE_VALUES):
            field = key.removeprefix(_DELETE_VALUES)
            merged[field] = [v for v in merged.get(field) or [] if v not in value]
        elif key.startswith(_ORDER) or key in (_RETAIN, "$patch"):
            continue
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge(merged.get(key), value, node.field(key))
    for key, order in patch.items():
        field = key.removeprefix(_ORDER)
        if key.startswith(_ORDER) and field in merged:
            merged[field] = _ordered(merged[field], order, node.field(field).merge_key)
    return merged


def _merge_list(target: list[Object], patch: list[Object], node: Node) -> list[Object]:
    key, merged = node.merge_key, list(target)
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        index = next((i for i, old in enumerate(merged) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            merged = [old for old in merged if old.get(key) != item[key]]
        elif index is None:
            merged.append(_clean(item))
        else:
            merged[index] = strategic_merge(merged[index], item, node.items)
    return merged


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    def rank(item: Any) -> int:
        wanted = [o.get(key) if key else o for o in order]
        value = item.get(key) if key else item
        return wanted.index(value) if value in wanted else len(wanted)

    return sorted(items, key=rank)


def _clean(value: Any) -> Any:
    """A patch's value without its directives."""
    match value:
        case dict():
            return {k: _clean(v) for k, v in value.items() if not k.startswith("$") and v is not None}
        case list():
            return [_clean(v) for v in value]
        case _:
            return value
