"""The published schemas of the API: strict checks of objects, and how lists and maps merge.

They are those of ``kubernetes-validate``: unknown fields and wrong types are errors, and each list says
whether it is one value, a set, or a map by keys.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.emulator.errors import Cause
from tests.emulator.kinds import Kind
from tests.emulator.objects import Object

VERSION = "1.37.0"
DEFAULT_KEYS = {"protocol": "TCP"}
"""Values of keys of list items that a manifest may leave out."""


@functools.cache
def _definitions() -> Mapping[str, Any]:
    found = importlib.util.find_spec("kubernetes_validate")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "kubernetes-json-schema" / f"v{VERSION}-local-strict"
    definitions: Mapping[str, Any] = json.loads((folder / "_definitions.json").read_text())
    return definitions


def _name(kind: Kind) -> str:
    return f"io.k8s.api.{(kind.group or 'core').partition('.')[0]}.{kind.version}.{kind.kind}"


@functools.cache
def _validator(kind: Kind) -> Any:
    definitions = _definitions()
    resource = Resource.from_contents(dict(definitions), default_specification=DRAFT202012)
    registry: Any = Registry().with_resource(definitions["$id"], resource)
    schema = {"$ref": f"{definitions['$id']}#/$defs/{_name(kind)}"}
    return Draft202012Validator(schema, registry=registry)


def problems(kind: Kind, item: Object, partial: bool = False) -> list[Cause]:
    """Everything about an object that its schema does not allow; ``partial`` objects may lack fields."""
    errors = sorted(_validator(kind).iter_errors(item), key=lambda e: [str(p) for p in e.absolute_path])
    errors = [e for e in errors if not partial or e.validator != "required"]
    return [Cause(field=_field(e.absolute_path), message=_shortened(e.message)) for e in errors]


def _field(path: Any) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.lstrip(".") or "<root>"


def _shortened(message: str) -> str:
    return message if len(message) < 300 else f"{message[:150]} … {message[-140:]}"


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a schema: what is known of the value of a field."""

    schema: Mapping[str, Any]

    def field(self, name: str) -> Node:
        """The schema of a field of a map; one that says nothing for a field without a schema."""
        found = (self.schema.get("properties") or {}).get(name)
        more = self.schema.get("additionalProperties")
        return _resolved(found or (more if isinstance(more, dict) else {}))

    @property
    def items(self) -> Node:
        """The schema of a list's items."""
        return _resolved(self.schema.get("items") or {})

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields that tell items of a list apart; none for a list that is one value or a set."""
        if self.schema.get("x-kubernetes-list-type") != "map":
            return ()
        return tuple(self.schema.get("x-kubernetes-list-map-keys") or ())

    @property
    def is_set(self) -> bool:
        return bool(self.schema.get("x-kubernetes-list-type") == "set")

    @property
    def is_atomic_map(self) -> bool:
        return bool(self.schema.get("x-kubernetes-map-type") == "atomic")

    @property
    def merge_key(self) -> str:
        """The key by which a strategic merge patch merges a list; empty: the list is replaced."""
        strategy = str(self.schema.get("x-kubernetes-patch-strategy", ""))
        return str(self.schema.get("x-kubernetes-patch-merge-key", "")) if "merge" in strategy else ""

    @property
    def merges_values(self) -> bool:
        """Whether a strategic merge patch adds the values of a list of plain values (finalizers)."""
        strategy = str(self.schema.get("x-kubernetes-patch-strategy", ""))
        return "merge" in strategy and not self.merge_key

    def key_of(self, item: Object) -> tuple[tuple[str, Any], ...]:
        """The key fields of an item of this list, those left out filled in."""
        return tuple((k, item.get(k, DEFAULT_KEYS.get(k))) for k in self.keys)


def _resolved(schema: Mapping[str, Any]) -> Node:
    if "$ref" not in schema:
        return Node(schema)
    target = _definitions()["$defs"][schema["$ref"].rpartition("/")[2]]
    return Node({**target, **{k: v for k, v in schema.items() if k != "$ref"}})


def root(kind: Kind) -> Node:
    """The schema of a kind's objects."""
    return Node(_definitions()["$defs"][_name(kind)])
