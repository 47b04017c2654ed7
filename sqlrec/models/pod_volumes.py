"""Volumes as options and settings write them: ``KIND:SOURCE:/MOUNT``, with ``:ro`` for reading only."""

from __future__ import annotations

import re

from sqlrec.errors import OptionError
from sqlrec.spec.pod import Volume, VolumeKind

KINDS = {
    "pvc": VolumeKind.CLAIM,
    "host": VolumeKind.HOST,
    "empty": VolumeKind.EMPTY,
    "configmap": VolumeKind.CONFIG_MAP,
    "secret-files": VolumeKind.SECRET,
}
"""Kinds by their spelling. ``secret:NAME`` is a reference to one value everywhere, so files have another."""
FORMS = "pvc:CLAIM:/mnt, host:/path:/mnt, empty:5Gi:/mnt, configmap:NAME:/mnt or secret-files:NAME:/mnt"
READ_ONLY = frozenset({VolumeKind.CONFIG_MAP, VolumeKind.SECRET})


def volume(name: str, text: str) -> Volume:
    """The volume of a text; raises ``OptionError`` SR373."""
    found = re.fullmatch(r"([a-z-]+):([^:]+):(/[^:]*)(:ro)?", text.strip())
    if found is None or found[1] not in KINDS:
        raise OptionError("SR373", f"volume {name!r} cannot be {text!r}", hint=f"write {FORMS}")
    kind = KINDS[found[1]]
    return Volume(
        name=name,
        kind=kind,
        source=found[2],
        mount=found[3],
        read_only=found[4] is not None or kind in READ_ONLY,
    )
