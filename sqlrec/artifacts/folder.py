"""Folders of result files that appear whole or not at all, on this machine or in an object store.

A program writes into a staging folder beside the final one; :func:`publish` writes ``result.json`` last
and renames. A folder with ``result.json`` in it is therefore complete, whatever was killed and when.

A store has no rename. There the files go to a folder below the output that is named after the digest of
their ``result.json``, and that file, put in the output itself unless there is one, is the moment at which
the result is there. So writers at once never touch each other's files, and the first one wins.
"""

from __future__ import annotations

import errno
import hashlib
import re
import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlrec.artifacts import store
from sqlrec.artifacts.store import Place
from sqlrec.errors import StateError
from sqlrec.spec import codec
from sqlrec.spec.job import JobResult
from sqlrec.spec.profile import Profile
from sqlrec.spec.signature import Signature

RESULT = "result.json"
SIGNATURE = "signature.json"
PROFILE = "profile.json"
PROGRESS = ".progress"
TOLD_DIGITS = 12
"""Of the digest of what a job is told, by which its output is named."""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder``, by relative path, in sorted order."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / RESULT)
    return {p.relative_to(folder).as_posix(): _sha256(p) for p in paths}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def combined(files: dict[str, str]) -> str:
    """One digest over the digests of :func:`digests`: the content digest of a checkpoint."""
    text = "\n".join(f"{digest}  {name}" for name, digest in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def staging(final: Path) -> Path:
    """A new, empty staging folder beside ``final``, on the same file system.

    Its name is random: in containers that share a file system every program has the same process id.
    """
    folder = final.with_name(f".{final.name}.{secrets.token_hex(4)}.tmp")
    folder.mkdir(parents=True)
    return folder


def output_place(place: str, told: str) -> str:
    """Where a job publishes whose digest is ``told``: jobs that are told other things never share a place."""
    return f"{place}.{told[:TOLD_DIGITS]}"


def progress_place(output: Place) -> str:
    """Where the states of a job are kept that publishes at ``output``.

    All jobs of a place of :func:`output_place` have the same one: one that is told to log more, or has
    another image, goes on from the states of the one before. A state says itself what it is good for.
    """
    return re.sub(rf"\.[0-9a-f]{{{TOLD_DIGITS}}}$", "", str(output).rstrip("/")) + PROGRESS


def progress_folder(folder: Path) -> Path:
    """Where the program that fills ``folder`` keeps what lets it go on after it was killed.

    :func:`progress_place` of the final folder, also when ``folder`` is one of its staging folders: every
    start of the same job has the same one.
    """
    name = re.fullmatch(r"\.(.+)\.[0-9a-f]{8}\.tmp", folder.name)
    return Path(progress_place(folder.with_name(name[1]) if name else folder))


def sweep(final: Place) -> None:
    """Remove what killed programs staged for ``final``; none may be at work on it."""
    if not store.is_local(final):
        _clear_store(final)
        return
    path = store.local_path(final)
    if path.parent.is_dir():
        for left in path.parent.iterdir():
            if left.name.startswith(f".{path.name}.") and left.name.endswith(".tmp"):
                shutil.rmtree(left, ignore_errors=True)


def seal(folder: Path, result: JobResult) -> JobResult:
    """Write ``result.json`` with the digests of all files of a folder, or of a part that stands by itself."""
    result = replace(result, files=digests(folder))
    (folder / RESULT).write_text(codec.dumps(result, indent=2), encoding="utf-8")
    return result


def publish(folder: Path, final: Place, result: JobResult) -> JobResult:
    """Bring a filled staging folder to its place; an earlier complete result is kept and returned.

    Of several programs that publish at once the first one wins, and all return its result. Raises
    ``SetupError`` SR75x for a store.
    """
    result = seal(folder, result)
    if not store.is_local(final):
        return _publish_to_store(folder, final)
    path = store.local_path(final)
    while not is_complete(path):
        try:
            folder.rename(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            _clear(path)
        else:
            return result
    shutil.rmtree(folder)
    return read_result(path)


def _publish_to_store(folder: Path, final: Place) -> JobResult:
    marker = (folder / RESULT).read_bytes()
    if not is_complete(final):
        names = [*digests(folder), RESULT]
        store.upload(folder, names, store.join(final, store.sha256(marker)))
        store.create(store.join(final, RESULT), marker)
    _clear_store(final)
    shutil.rmtree(folder)
    return read_result(final)


def _clear_store(final: Place) -> None:
    """Remove what lies at ``final`` beside the complete result, if there is one."""
    kept = files_of(final) if is_complete(final) else ""
    folders = {name.partition("/")[0] for name in store.files(final) if "/" in name}
    for folder in folders:
        if (left := store.join(final, folder)) != kept:
            store.remove(left)


def _clear(final: Path) -> None:
    """Remove a folder that is in the way, unless it was completed meanwhile."""
    if not is_complete(final):
        shutil.rmtree(final)


def is_complete(place: Place) -> bool:
    """Whether a published result is there."""
    if store.is_local(place):
        return (store.local_path(place) / RESULT).is_file()
    try:
        return bool(store.read(store.join(place, RESULT)))
    except FileNotFoundError:
        return False


def files_of(output: Place) -> str:
    """The folder with the files of a published job output: itself, or in a store one below it."""
    if store.is_local(output):
        return str(store.local_path(output))
    return store.join(output, store.sha256(marker_of(output)))


def read_result(place: Place) -> JobResult:
    """The result of a published folder; ``StateError`` SR501 when it is not complete."""
    return cast(JobResult, codec.loads(JobResult, marker_of(place)))


def marker_of(place: Place) -> bytes:
    """The bytes of ``result.json``; ``StateError`` SR501 when there is none."""
    try:
        return store.read(store.join(place, RESULT))
    except (FileNotFoundError, NotADirectoryError):
        raise StateError("SR501", f"{store.shown(place)} holds no finished result") from None


def read_signature(place: Place) -> Signature:
    """The signature of an exported model; ``StateError`` SR502 when there is none."""
    try:
        content = store.read(store.join(place, SIGNATURE))
    except (FileNotFoundError, NotADirectoryError):
        gone = f"{store.shown(place)} is not an exported model: no {SIGNATURE}"
        hint = "export the checkpoint with sqlrec's own trainer: what TorchEasyRec exports, its server serves"
        raise StateError("SR502", gone, hint=hint) from None
    return cast(Signature, codec.loads(Signature, content))


def write_signature(folder: Path, signature: Signature) -> None:
    """Write ``signature.json`` into an export's folder."""
    (folder / SIGNATURE).write_text(codec.dumps(signature, indent=2), encoding="utf-8")


def read_profile(place: Place) -> Profile:
    """What training saw of an export's inputs; an empty profile where nothing is known."""
    try:
        return cast(Profile, codec.loads(Profile, store.read(store.join(place, PROFILE))))
    except FileNotFoundError:
        return Profile()


def write_profile(folder: Path, profile: Profile) -> None:
    """Write ``profile.json`` into an export's folder."""
    (folder / PROFILE).write_text(codec.dumps(profile), encoding="utf-8")
