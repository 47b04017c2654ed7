"""Server-side apply: who manages which fields, what two managers disagree about, what applying changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.emulator import fields
from tests.emulator.errors import ApiError
from tests.emulator.fields import Path
from tests.emulator.objects import Object, clone, now
from tests.emulator.schema import Node

APPLY, UPDATE = "Apply", "Update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One entry of managedFields."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""
    owned: frozenset[Path] = frozenset()
    time: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.name, self.operation, self.subresource

    def without(self, paths: set[Path]) -> Manager:
        return replace(self, owned=self.owned - paths) if self.owned & paths else self

    def to_json(self) -> Object:
        entry = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version}
        entry |= {"time": self.time, "fieldsType": "FieldsV1"}
        extra = {"subresource": self.subresource} if self.subresource else {}
        return {**entry, "fieldsV1": fields.to_json(self.owned), **extra}


def managers_of(item: Object) -> list[Manager]:
    """The managers of an object's fields."""
    return [
        Manager(
            name=e["manager"],
            operation=e["operation"],
            api_version=e["apiVersion"],
            subresource=e.get("subresource", ""),
            owned=frozenset(fields.from_json(e["fieldsV1"])),
            time=e["time"],
        )
        for e in item["metadata"].get("managedFields") or []
    ]


def _with_managers(item: Object, managers: list[Manager]) -> Object:
    entries = [m.to_json() for m in managers if m.owned]
    metadata = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
    return {**item, "metadata": {**metadata, **({"managedFields": entries} if entries else {})}}


def updated(old: Object | None, new: Object, who: Manager, root: Node) -> Object:
    """``new`` with managedFields after a create, PUT or patch: ``who`` manages what it changed."""
    before = fields.of_object(old, root) if old else set()
    after = fields.of_object(new, root)
    changed = {p for p in after if old is None or p not in before or _differ(old, new, p)}
    gone = before - after
    managers = managers_of(old) if old else []
    mine = next((m for m in managers if m.identity == who.identity), who)
    others = [m.without(changed | gone) for m in managers if m is not mine]
    kept = mine.without(gone)
    if changed - kept.owned:
        kept = replace(kept, owned=kept.owned | changed)
    if changed:
        kept = replace(kept, time=now())
    return _with_managers(new, [*others, kept])


def _differ(one: Object, other: Object, path: Path) -> bool:
    return bool(fields.value_at(one, path) != fields.value_at(other, path))


def applied(live: Object | None, config: Object, who: Manager, root: Node, force: bool) -> Object:
    """The object after ``who`` applied ``config``.

    Raises 409 with every field that another manager owns with another value, unless ``force``.
    """
    wanted = fields.of_object(config, root)
    managers = managers_of(live) if live else []
    mine = next((m for m in managers if m.identity == who.identity), who)
    others = [m for m in managers if m is not mine]
    contested = {m.identity: _contested(m, wanted, live, config) for m in others} if live else {}
    if any(contested.values()) and not force:
        raise _conflict([(m, contested[m.identity]) for m in others if contested[m.identity]])
    others = [m.without(contested.get(m.identity, set())) for m in others]
    dropped = set(mine.owned) - wanted
    shared = {p for m in others for p in m.owned}
    merged: Object = _merge(clone(live) if live else {}, clone(config), root)
    for path in sorted(dropped - shared, key=lambda p: (p[-1] != ".", p)):
        _remove(merged, path, root, shared)
    same = mine.owned == frozenset(wanted)
    entry = replace(mine, owned=frozenset(wanted), time=mine.time if same and mine.time else now())
    return _with_managers(merged, [*others, entry])


def _contested(manager: Manager, wanted: set[Path], live: Object | None, config: Object) -> set[Path]:
    return {p for p in manager.owned & wanted if live and _differ(live, config, p)}


def _conflict(found: list[tuple[Manager, set[Path]]]) -> ApiError:
    causes, lines = [], []
    for manager, paths in found:
        said = f'conflict with "{manager.name}"'
        said += f' with subresource "{manager.subresource}"' if manager.subresource else ""
        said += f" using {manager.api_version}" if manager.operation == UPDATE else ""
        for path in sorted(paths):
            where = fields.shown(path)
            causes.append({"reason": "FieldManagerConflict", "message": said, "field": where})
            lines.append(f"{said}: {where}")
    count = f"{len(lines)} conflict{'s' if len(lines) > 1 else ''}"
    text = lines[0] if len(lines) == 1 else "".join(f"\n- {line}" for line in lines)
    return ApiError(409, "Conflict", f"Apply failed with {count}: {text}", {"causes": causes})


def _merge(live: Any, config: Any, node: Node) -> Any:
    match config:
        case dict() if isinstance(live, dict) and not node.is_atomic_map:
            merged = {k: _merge(live.get(k), v, node.field(k)) for k, v in config.items()}
            return {**live, **merged}
        case list() if isinstance(live, list) and node.keys:
            old = {node.key_of(item): item for item in live}
            new = {node.key_of(item): item for item in config}
            joined = [_merge(old[k], v, node.items) if k in old else v for k, v in new.items()]
            return [*joined, *(v for k, v in old.items() if k not in new)]
        case list() if isinstance(live, list) and node.is_set:
            return [*live, *(v for v in config if v not in live)]
        case _:
            return config


def _remove(item: Object, path: Path, root: Node, shared: set[Path]) -> None:
    """Delete a field, with the maps and lists that are empty without it."""
    whole = path[-1] == "."
    path = path[:-1] if whole else path
    if whole and any(p[: len(path)] == path for p in shared):
        return
    trail: list[tuple[Any, str]] = []
    place: Any = item
    for part in path:
        trail.append((place, part))
        place = fields.value_at(place, (part,))
        if fields.is_missing(place):
            return
    _cut(trail, root)


def _cut(trail: list[tuple[Any, str]], root: Node) -> None:
    nodes = [root]
    for _, part in trail:
        nodes.append(nodes[-1].field(part[2:]) if part.startswith("f:") else nodes[-1].items)
    for index in range(len(trail) - 1, -1, -1):
        parent, part = trail[index]
        if part.startswith("k:"):
            parent.remove(fields.find_item(parent, part))
        elif part.startswith("v:"):
            parent[:] = [v for v in parent if fields.value_at([v], (part,)) is False]
        elif index and trail[index - 1][1].startswith("k:") and part[2:] in nodes[index - 1].keys:
            return  # the key of an item that others still have
        else:
            parent.pop(part[2:], None)
        if parent:
            return
