"""Sets of fields of an object, as managedFields writes them (FieldsV1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.emulator.objects import Object
from tests.emulator.schema import Node

Path = tuple[str, ...]
"""``f:NAME`` a field, ``k:{KEYS}`` a list's item by its keys, ``v:VALUE`` one of a set, ``.`` that item."""

_MISSING = object()
_UNMANAGED = frozenset({"apiVersion", "kind", "status"})
_MANAGED_METADATA = frozenset({"labels", "annotations", "ownerReferences", "finalizers"})


def of_object(item: Object, root: Node) -> set[Path]:
    """The fields of an object that somebody can manage."""
    body = {k: v for k, v in item.items() if k not in _UNMANAGED}
    body["metadata"] = {k: v for k, v in item.get("metadata", {}).items() if k in _MANAGED_METADATA}
    if not body["metadata"]:
        del body["metadata"]
    return set(_walk(body, root, ()))


def _walk(value: Any, node: Node, path: Path) -> Iterator[Path]:
    match value:
        case dict() if value and not node.is_atomic_map:
            for name, child in value.items():
                yield from _walk(child, node.field(name), (*path, f"f:{name}"))
        case list() if node.keys:
            for item in value:
                here = (*path, _key(node, item))
                yield (*here, ".")
                yield from _walk(item, node.items, here)
        case list() if node.is_set:
            yield from ((*path, f"v:{json.dumps(v)}") for v in value)
        case _:
            yield path


def _key(node: Node, item: Object) -> str:
    return "k:" + json.dumps(dict(node.key_of(item)), separators=(",", ":"), sort_keys=True)


def value_at(item: Any, path: Path) -> Any:
    """The value of a field; a sentinel that equals nothing else where there is none."""
    for part in path:
        kind, rest = part[:2], part[2:]
        if kind == "f:":
            item = item.get(rest, _MISSING) if isinstance(item, dict) else _MISSING
        elif kind == "k:":
            item = find_item(item, part)
        elif kind == "v:":
            return isinstance(item, list) and json.loads(rest) in item
        else:
            return item is not _MISSING
        if item is _MISSING:
            return _MISSING
    return item


def find_item(items: Any, part: str) -> Any:
    """The item of a list that has the keys of a ``k:`` part; the sentinel where there is none."""
    wanted = json.loads(part[2:])
    for item in items if isinstance(items, list) else ():
        if all(item.get(k, "TCP" if k == "protocol" else None) == v for k, v in wanted.items()):
            return item
    return _MISSING


def is_missing(value: Any) -> bool:
    return value is _MISSING


def to_json(paths: Iterable[Path]) -> Object:
    """The nested form of managedFields."""
    tree: Object = {}
    for path in sorted(paths):
        place = tree
        for part in path:
            place = place.setdefault(part, {})
    return tree


def from_json(tree: Object, path: Path = ()) -> set[Path]:
    """The paths of the nested form."""
    if not tree:
        return {path} if path else set()
    return {found for part, child in tree.items() for found in from_json(child, (*path, part))}


def shown(path: Path) -> str:
    """A path as messages write it: ``.spec.containers[name="main"].image``."""
    text = ""
    for part in path:
        if part.startswith("f:"):
            text += f".{part[2:]}"
        elif part.startswith("k:"):
            text += "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(part[2:]).items()) + "]"
        elif part.startswith("v:"):
            text += f"[={part[2:]}]"
    return text
