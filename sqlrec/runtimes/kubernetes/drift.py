"""What somebody changed by hand in a Deployment: what the cluster made of ours, against what is there now.

The spec is kept as the API server gave it back, with its defaults, when the revision was applied. So every
difference is somebody's change: a field changed, one added, one taken away. Who did it is read from the
managers that the API server notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlrec.runtimes.kubernetes.manifest import Manifest
from sqlrec.runtimes.runtime import Change

RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""What ``kubectl rollout restart`` leaves: pods were replaced by the same ones."""
_GONE = object()


def comparable(deployment: Manifest, *, autoscaled: bool) -> Manifest:
    """The spec of a Deployment without what others may change: the scale of an autoscaled one, restarts."""
    spec: Manifest = json.loads(json.dumps(deployment["spec"]))
    if autoscaled:
        spec.pop("replicas", None)
    metadata = spec["template"].get("metadata") or {}
    kept = {key: text for key, text in (metadata.get("annotations") or {}).items() if key != RESTARTED}
    metadata.pop("annotations", None)
    if kept:
        metadata["annotations"] = kept
    return spec


def changes(applied: Manifest, found: Manifest, deployment: Manifest) -> tuple[Change, ...]:
    """Differences of two comparable specs; ``deployment`` tells who manages which field."""
    return tuple(
        Change(field=_shown(path), applied=_text(old), found=_text(new), by=_manager(deployment, path))
        for path, old, new in _differences(("spec",), applied, found)
    )


def undoing(applied: object, found: object) -> Any:
    """The merge patch that makes ``found`` what was applied."""
    if not (isinstance(applied, dict) and isinstance(found, dict)):
        return applied
    gone = {key: None for key in found if key not in applied}
    different = {key: value for key, value in applied.items() if value != found.get(key, _GONE)}
    return gone | {key: undoing(value, found.get(key)) for key, value in different.items()}


Path = tuple[str, ...]


def _differences(path: Path, old: object, new: object) -> Iterator[tuple[Path, object, object]]:
    olds, news = _children(old), _children(new)
    if olds is None or news is None or old is _GONE or new is _GONE:
        if old != new:
            yield path, old, new
        return
    for key in [*olds, *(key for key in news if key not in olds)]:
        yield from _differences((*path, key), olds.get(key, _GONE), news.get(key, _GONE))


def _children(value: object) -> Mapping[str, object] | None:
    """Fields of an object; entries of a list of named things by their names."""
    match value:
        case dict():
            return value
        case list() if value and all(isinstance(item, dict) and "name" in item for item in value):
            return {f"name={item['name']}": item for item in value}
        case _:
            return None


def _shown(path: Path) -> str:
    """``spec.template.spec.containers[server].image``."""
    text = ""
    for part in path:
        text += f"[{part.removeprefix('name=')}]" if part.startswith("name=") else f".{part}"
    return text.removeprefix(".")


def _text(value: object) -> str:
    if value is _GONE:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _manager(deployment: Manifest, path: Path) -> str:
    """Who changed the field last; empty when the API server does not tell, or nobody has it any more."""
    entries = deployment["metadata"].get("managedFields") or ()
    owners = [e for e in entries if e.get("manager") != "sqlrec" and _has(e.get("fieldsV1") or {}, path)]
    return str(max(owners, key=lambda e: str(e.get("time", "")))["manager"]) if owners else ""


def _has(fields: Mapping[str, Any], path: Path) -> bool:
    """Whether a set of managed fields has the one at a path, or all of one above it."""
    for part in path:
        keys = [key for key in fields if _means(key, part)]
        if not keys:
            return False
        fields = fields[keys[0]]
        if not fields:
            return True
    return True


def _means(key: str, part: str) -> bool:
    if key.startswith("k:"):
        named = json.loads(key[2:]).get("name")
        return part == f"name={named}"
    return key == f"f:{part}"
