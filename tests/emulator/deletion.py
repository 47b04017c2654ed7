"""Deleting objects: preconditions, grace of pods, what becomes of dependants, and the garbage collector."""

from __future__ import annotations

import asyncio

from tests.emulator.errors import conflict
from tests.emulator.kinds import JOBS, KINDS, NAMESPACES, PODS, Kind
from tests.emulator.objects import (
    Object,
    is_deleting,
    is_finished,
    is_owned_by,
    name_of,
    now,
    owners_of,
    uid_of,
)
from tests.emulator.store import ADDED, DELETED, Change, Store

FOREGROUND = "foregroundDeletion"


class Deletion:
    """The deleting half of the API, and the controller that collects what nobody owns any more."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.hooks.append(self._notice)

    def delete(self, kind: Kind, item: Object, options: Object | None = None) -> Object:
        """Delete, or begin to; the object's last or next state. Raises 409 where a precondition fails."""
        options = options or {}
        for name, wanted in (options.get("preconditions") or {}).items():
            if wanted not in (None, item["metadata"][name]):
                shown = {"uid": "UID", "resourceVersion": "ResourceVersion"}[name]
                why = f"Precondition failed: {shown} in precondition: {wanted}"
                raise conflict(kind.qualified, name_of(item), why)
        if kind is PODS:
            return self._pod(item, options.get("gracePeriodSeconds"))
        if kind is NAMESPACES:
            return self._namespace(item)
        match options.get("propagationPolicy") or ("Orphan" if kind is JOBS else "Background"):
            case "Foreground":
                return self._foreground(kind, item)
            case "Orphan":
                for other, dependant in self._dependants(item):
                    self._disown(other, dependant, item)
        return self._remove(kind, item)

    def _remove(self, kind: Kind, item: Object) -> Object:
        if item["metadata"].get("finalizers"):
            return item if is_deleting(item) else self._mark(kind, item)
        self.store.remove(kind, item)
        return item

    def _mark(self, kind: Kind, item: Object, **metadata: object) -> Object:
        """Say that the object is being deleted."""
        return self.store.change_metadata(kind, item, deletionTimestamp=now(), **metadata)

    def _pod(self, pod: Object, grace: int | None) -> Object:
        """The kubelet removes it once its processes have gone; one that runs nowhere goes at once."""
        if "nodeName" not in pod["spec"]:
            self.store.remove(PODS, pod)
            return pod
        seconds = pod["spec"]["terminationGracePeriodSeconds"] if grace is None else grace
        seconds = 0 if is_finished(pod) else seconds
        if is_deleting(pod) and seconds >= pod["metadata"]["deletionGracePeriodSeconds"]:
            return pod
        return self._mark(PODS, pod, deletionGracePeriodSeconds=seconds)

    def _namespace(self, item: Object) -> Object:
        """Pods of a namespace that is deleted are given no grace, unlike elsewhere: tests end with it."""
        marked = item if is_deleting(item) else self._mark(NAMESPACES, item)
        self.store.set_status(NAMESPACES, marked, phase="Terminating")
        for kind, content in self.store.everything(name_of(item)):
            if (present := self.store.current(kind, content)) is not None:
                self.delete(kind, present, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
        for event in self.store.find(KINDS["events"], name_of(item)):
            self.store.remove(KINDS["events"], event)
        self._finish_namespace(name_of(item))
        return marked

    def _finish_namespace(self, name: str) -> None:
        home = self.store.look(NAMESPACES, "", name)
        if home and is_deleting(home) and not any(True for _ in self.store.everything(name)):
            self.store.remove(NAMESPACES, home)

    def _foreground(self, kind: Kind, item: Object) -> Object:
        finalizers = item["metadata"].get("finalizers") or []
        if FOREGROUND not in finalizers:
            item = self._mark(kind, item, finalizers=[*finalizers, FOREGROUND])
        for other, dependant in self._dependants(item):
            if not is_deleting(dependant):
                self.delete(other, dependant, {"propagationPolicy": "Foreground"})
        self._finish_foreground(kind, item)
        return item

    def _finish_foreground(self, kind: Kind, owner: Object) -> None:
        """Let an owner go that waits for its dependants, when none that block it are left."""
        present = self.store.current(kind, owner)
        finalizers = (present or owner)["metadata"].get("finalizers") or []
        if present is None or FOREGROUND not in finalizers:
            return
        uid = uid_of(owner)
        refs = (ref for _, d in self._dependants(owner) for ref in owners_of(d) if ref["uid"] == uid)
        if not any(ref.get("blockOwnerDeletion") for ref in refs):
            left = [f for f in finalizers if f != FOREGROUND]
            present = self.store.change_metadata(kind, present, finalizers=left or None)
            self._remove(kind, present)

    def _dependants(self, owner: Object) -> list[tuple[Kind, Object]]:
        return [(kind, item) for kind, item in self.store.everything() if is_owned_by(item, owner)]

    def _disown(self, kind: Kind, item: Object, owner: Object) -> None:
        left = [ref for ref in owners_of(item) if ref["uid"] != uid_of(owner)]
        self.store.change_metadata(kind, item, ownerReferences=left or None)

    def _notice(self, change: Change) -> None:
        if change.type == DELETED or (change.type == ADDED and owners_of(change.item)):
            asyncio.get_running_loop().call_soon(self._collect, change)

    def _collect(self, change: Change) -> None:
        """Delete what lost its last owner, or never had one that exists."""
        if change.type == ADDED:
            self._collect_one(change.kind, change.item)
            return
        for kind, dependant in self._dependants(change.item):
            self._collect_one(kind, dependant)
        waiting = {ref["uid"] for ref in owners_of(change.item)}
        for kind, item in self.store.everything(change.item["metadata"].get("namespace", "")):
            if uid_of(item) in waiting:
                self._finish_foreground(kind, item)
        if namespace := change.item["metadata"].get("namespace"):
            self._finish_namespace(namespace)

    def _collect_one(self, kind: Kind, item: Object) -> None:
        present = self.store.current(kind, item)
        if present is None:
            return
        alive = [ref for ref in owners_of(present) if self.store.knows(ref["uid"])]
        if not alive:
            if not is_deleting(present):
                self.delete(kind, present, {"propagationPolicy": "Background"})
        elif len(alive) < len(owners_of(present)):
            self.store.change_metadata(kind, present, ownerReferences=alive)
