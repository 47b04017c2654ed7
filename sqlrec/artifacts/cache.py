"""Checkpoints of an object store as folders of this machine: fetched once, verified, shared by processes.

A copy is a folder named after the digest of its ``result.json``, so it is never out of date. It appears
by a rename, complete; whoever uses it holds a shared lock on it to the end of the process, and what
nobody holds is removed, the least recently used first, when all copies are more than ``LIMIT`` bytes.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

from sqlrec.artifacts import store
from sqlrec.artifacts.durable import locked, make_folder, writing
from sqlrec.artifacts.folder import RESULT, digests, marker_of
from sqlrec.artifacts.scratch import own_folder
from sqlrec.artifacts.store import Place
from sqlrec.errors import DataError
from sqlrec.spec import codec
from sqlrec.spec.job import JobResult

LIMIT = 20 * 2**30
"""Bytes of all copies, as far as they are not in use."""

_held: dict[Path, int] = {}
"""Copies that this process uses, with the descriptors that lock them."""


def local_copy(place: Place, *, root: Path | None = None, limit: int = LIMIT) -> Path:
    """The folder of a checkpoint: itself, or a verified copy of it on this machine.

    Raises ``StateError`` SR501 for a place without a result, ``DataError`` SR754 when the files are not those
    that the result names, ``SetupError`` SR75x for the store and SR703 for a full disk.
    """
    if store.is_local(place):
        return store.local_path(place)
    marker = marker_of(place)
    folder = (root or make_folder(own_folder() / "checkpoints")) / store.sha256(marker)
    if folder not in _held or not folder.is_dir():
        recorded = dict(cast(JobResult, codec.loads(JobResult, marker)).files)
        with locked(_lock(folder)):
            if not _hold(folder) or _wrong(folder, recorded):
                _discard(folder)
                _fetch(place, folder, recorded)
                _hold(folder)
    _evict(folder, limit)
    return folder


def _lock(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def _wrong(folder: Path, recorded: dict[str, str]) -> list[str]:
    """Files of a folder that are not as they were recorded."""
    found = digests(folder)
    return sorted(name for name, digest in recorded.items() if found.get(name) != digest)


def _fetch(place: Place, folder: Path, recorded: dict[str, str]) -> None:
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        with writing(folder):
            draft.mkdir(parents=True)
            _download(place, [*recorded, RESULT], draft)
        if wrong := _wrong(draft, recorded):
            hint = "export or train it again; the store changed or lost the file"
            message = f"{store.join(store.shown(place), wrong[0])} is not the file that its job wrote"
            raise DataError("SR754", message, hint=hint)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _download(place: Place, names: list[str], folder: Path) -> None:
    try:
        store.download(place, names, folder)
    except FileNotFoundError as error:
        hint = "it was removed: train or export it again"
        raise DataError("SR754", f"a file of {store.shown(place)} is gone: {error}", hint=hint) from None


def _hold(folder: Path) -> bool:
    """Lock a copy against removal to the end of this process; whether it is there."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return False
    fcntl.flock(handle, fcntl.LOCK_SH)
    os.utime(folder)
    _held[folder] = handle
    return True


def _discard(folder: Path) -> None:
    """Remove a copy, whoever reads it: what is open stays readable."""
    if (handle := _held.pop(folder, None)) is not None:
        os.close(handle)
    gone = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    with suppress(FileNotFoundError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _evict(asked: Path, limit: int) -> None:
    """Remove other copies that no other process uses, the least recently used first, until the rest fits."""
    copies = sorted(_copies(asked.parent), key=lambda folder: folder.stat().st_mtime)
    sizes = {folder: sum(store.files(folder).values()) for folder in copies}
    total = sum(sizes.values())
    for folder in copies:
        if total <= limit:
            return
        with locked(_lock(folder)):
            if folder != asked and (folder in _held or _is_idle(folder)):
                _discard(folder)
                total -= sizes[folder]


def _copies(root: Path) -> Iterator[Path]:
    return (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _is_idle(folder: Path) -> bool:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
