"""The objects of the cluster, their versions, and the history that watches read.

Stored objects are values: a change stores a new one, so whoever holds an old one sees no change of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

from tests.emulator.errors import already_exists, not_found, outdated
from tests.emulator.kinds import EVENTS, KINDS, Kind
from tests.emulator.objects import Object, name_of, namespace_of, now, suffix, uid_of
from tests.emulator.selectors import Test

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"
HISTORY = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history."""

    version: int
    type: str
    kind: Kind
    item: Object


def _everything(_: Object) -> bool:
    return True


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self.version = 100
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self.oldest = self.version
        self.queues: set[asyncio.Queue[Change | None]] = set()
        self.hooks: list[Callable[[Change], None]] = []
        self._objects: dict[str, dict[tuple[str, str], Object]] = {plural: {} for plural in KINDS}
        self._uids: set[str] = set()

    def find(self, kind: Kind, namespace: str = "", test: Test = _everything) -> list[Object]:
        """Objects of a kind by namespace and name (an empty namespace: of all)."""
        found = sorted(self._objects[kind.plural].items(), key=lambda entry: entry[0])
        return [o for (place, _), o in found if (not namespace or place == namespace) and test(o)]

    def look(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self._objects[kind.plural].get((namespace if kind.namespaced else "", name))

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """An object; raises 404."""
        found = self.look(kind, namespace, name)
        if found is None:
            raise not_found(kind.qualified, name)
        return found

    def current(self, kind: Kind, item: Object) -> Object | None:
        """The present state of the very object (not of a later one of the same name)."""
        found = self.look(kind, namespace_of(item), name_of(item))
        return found if found is not None and uid_of(found) == uid_of(item) else None

    def everything(self, namespace: str = "") -> Iterator[tuple[Kind, Object]]:
        """All objects but Events, those of one namespace where it is given."""
        for kind in KINDS.values():
            if kind is not EVENTS:
                found = list(self._objects[kind.plural].items())
                yield from ((kind, item) for (place, _), item in found if not namespace or place == namespace)

    def knows(self, uid: str) -> bool:
        """Whether there is an object with this uid."""
        return uid in self._uids

    def add(self, kind: Kind, item: Object) -> Object:
        """Store a new object with uid, time stamp and version; raises 409 AlreadyExists."""
        metadata = item["metadata"]
        key = (metadata.get("namespace") or "", metadata["name"])
        if key in self._objects[kind.plural]:
            raise already_exists(kind.qualified, metadata["name"])
        fixed = {"uid": metadata.get("uid") or str(uuid4()), "creationTimestamp": now(), "generation": 1}
        head = {"kind": kind.kind, "apiVersion": kind.api_version}
        return self._emit(ADDED, kind, {**head, **item, "metadata": {**metadata, **fixed}})

    def put(self, kind: Kind, item: Object) -> Object:
        """Store another state of an object; raises 404 when it is gone and 409 when ``item`` is outdated."""
        present = self.get(kind, namespace_of(item), name_of(item))
        if uid_of(present) != uid_of(item):
            raise not_found(kind.qualified, name_of(item))
        if present["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            raise outdated(kind.qualified, name_of(item))
        return present if present == item else self._emit(MODIFIED, kind, item)

    def change_metadata(self, kind: Kind, item: Object, **changes: object) -> Object:
        """Set fields of the metadata (None: take away)."""
        metadata = {k: v for k, v in {**item["metadata"], **changes}.items() if v is not None}
        return self.put(kind, {**item, "metadata": metadata})

    def set_status(self, kind: Kind, item: Object, **changes: object) -> Object | None:
        """Merge fields into the status of the present state of an object; None when it is gone."""
        present = self.current(kind, item)
        if present is None:
            return None
        status = {k: v for k, v in {**present.get("status", {}), **changes}.items() if v is not None}
        return self.put(kind, {**present, "status": status})

    def remove(self, kind: Kind, item: Object) -> None:
        """Delete at once; nothing when it is gone already."""
        present = self.current(kind, item)
        if present is not None:
            del self._objects[kind.plural][(namespace_of(item), name_of(item))]
            self._uids.discard(uid_of(item))
            self._emit(DELETED, kind, present)

    def _emit(self, type: str, kind: Kind, item: Object) -> Object:
        self.version += 1
        item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        if type != DELETED:
            self._objects[kind.plural][(namespace_of(item), name_of(item))] = item
            self._uids.add(uid_of(item))
        change = Change(self.version, type, kind, item)
        if len(self.history) == HISTORY:
            self.oldest = self.history[0].version
        self.history.append(change)
        for queue in self.queues:
            queue.put_nowait(change)
        for hook in self.hooks:
            hook(change)
        return item

    def forget_history(self) -> None:
        """Let watches from an earlier version be too old."""
        self.version += 1
        self.history.clear()
        self.oldest = self.version

    def event(self, about: Object, reason: str, message: str, warning: bool = False) -> None:
        """Record an Event about an object."""
        namespace, time = namespace_of(about) or "default", now()
        involved = {"kind": about["kind"], "apiVersion": about["apiVersion"], "name": name_of(about)}
        involved |= {"namespace": namespace, "uid": uid_of(about)}
        involved |= {"resourceVersion": about["metadata"]["resourceVersion"]}
        body: Object = {"type": "Warning" if warning else "Normal", "reason": reason, "message": message}
        body |= {"count": 1, "firstTimestamp": time, "lastTimestamp": time}
        body |= {
            "source": {"component": "emulator"},
            "reportingComponent": "emulator",
            "reportingInstance": "",
        }
        name = f"{name_of(about)}.{uuid4().hex[:10]}{suffix(6)}"
        self.add(
            EVENTS, {"metadata": {"name": name, "namespace": namespace}, **body, "involvedObject": involved}
        )
