"""Volumes as options and settings write them: ``KIND:SOURCE:/MOUNT``, with ``:ro`` for reading only."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from sqlrec.errors import OptionError
from sqlrec.models.pod_names import require_object
from sqlrec.spec.pod import Volume, VolumeKind
from sqlrec.spec.quantity import quantity

KINDS = {
    "pvc": VolumeKind.CLAIM,
    "host": VolumeKind.HOST,
    "empty": VolumeKind.EMPTY,
    "configmap": VolumeKind.CONFIG_MAP,
    "secret-files": VolumeKind.SECRET,
}
"""Kinds by their spelling. ``secret:NAME`` is a reference to one value everywhere, so files have another."""
FORMS = "pvc:CLAIM:/mnt, host:/path:/mnt, empty:5Gi:/mnt, configmap:NAME:/mnt or secret-files:NAME:/mnt"
_FORM = re.compile(r"([a-z-]+):([^:\x00-\x1f]+):(/[^:\x00-\x1f]*)(:ro)?")
READ_ONLY = frozenset({VolumeKind.CONFIG_MAP, VolumeKind.SECRET})
OURS = ("/data", "/tmp", "/dev/shm")  # noqa: S108  (paths in a container)
"""Where every pod has something of ours: the job's files, scratch space, memory that processes share."""
SYSTEM = ("/proc", "/sys", "/dev", "/data")
"""Folders that nothing can be mounted in; in /tmp there is room."""


def volume(name: str, text: str) -> Volume:
    """The volume of a text; raises ``OptionError`` SR373 and, for the name of its object, SR371."""
    found = _FORM.fullmatch(text.strip())
    if found is None or found[1] not in KINDS or not _is_source(KINDS[found[1]], found[2]):
        raise OptionError("SR373", f"volume {name!r} cannot be {text!r}", hint=f"write {FORMS}")
    kind, mount = KINDS[found[1]], "/" + posixpath.normpath(found[3]).lstrip("/")
    if ".." in found[3].split("/") or mount == "/":
        raise OptionError("SR373", f"volume {name!r} cannot be mounted at {found[3]!r}", hint="write /mnt/…")
    if kind in (VolumeKind.CLAIM, VolumeKind.CONFIG_MAP, VolumeKind.SECRET):
        require_object(f"kubernetes.volume.{name}", found[2])
    read_only = found[4] is not None or kind in READ_ONLY
    return Volume(name=name, kind=kind, source=found[2], mount=mount, read_only=read_only)


def _is_source(kind: VolumeKind, source: str) -> bool:
    if kind is VolumeKind.EMPTY:
        try:
            return quantity(source) > 0
        except ValueError:
            return False
    return kind is not VolumeKind.HOST or source.startswith("/")


def require_apart(one: Volume, others: Iterable[Volume]) -> None:
    """A volume is mounted where nothing else is; raises ``OptionError`` SR374."""
    taken = {v.mount: f"volume {v.name!r} is" for v in others} | dict.fromkeys(OURS, "sqlrec has its own")
    inside = any(f"{one.mount}/".startswith(f"{place}/") for place in SYSTEM)
    if inside or one.mount in taken:
        there = taken.get(one.mount, "sqlrec or the system has its own")
        raise OptionError(
            "SR374",
            f"volume {one.name!r} cannot be mounted at {one.mount}, where {there}",
            hint="mount it elsewhere, such as /mnt/data",
        )
