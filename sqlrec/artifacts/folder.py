"""Folders of result files that appear whole or not at all.

A program writes into a staging folder beside the final one; :func:`publish` writes ``result.json`` last
and renames. A folder with ``result.json`` in it is therefore complete, whatever was killed and when.
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

from sqlrec.errors import StateError
from sqlrec.spec import codec
from sqlrec.spec.job import JobResult
from sqlrec.spec.profile import Profile
from sqlrec.spec.signature import Signature

RESULT = "result.json"
SIGNATURE = "signature.json"
PROFILE = "profile.json"


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


def progress_folder(folder: Path) -> Path:
    """Where the program that fills ``folder`` keeps what lets it go on after it was killed.

    ``<final>.progress`` beside the final folder, also when ``folder`` is one of its staging folders: every
    start of the same job has the same one.
    """
    name = re.fullmatch(r"\.(.+)\.[0-9a-f]{8}\.tmp", folder.name)
    return folder.with_name(f"{name[1] if name else folder.name}.progress")


def sweep(final: Path) -> None:
    """Remove staging folders of ``final`` that killed programs left; none may be at work on it."""
    if final.parent.is_dir():
        for left in final.parent.iterdir():
            if left.name.startswith(f".{final.name}.") and left.name.endswith(".tmp"):
                shutil.rmtree(left, ignore_errors=True)


def seal(folder: Path, result: JobResult) -> JobResult:
    """Write ``result.json`` with the digests of all files of a folder, or of a part that stands by itself."""
    result = replace(result, files=digests(folder))
    (folder / RESULT).write_text(codec.dumps(result, indent=2), encoding="utf-8")
    return result


def publish(folder: Path, final: Path, result: JobResult) -> JobResult:
    """Move a filled staging folder to its place; an earlier complete result is kept and returned.

    The move is one rename, so of several programs that publish at once the first one wins.
    """
    result = seal(folder, result)
    while not is_complete(final):
        try:
            folder.rename(final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            _clear(final)
        else:
            return result
    shutil.rmtree(folder)
    return read_result(final)


def _clear(final: Path) -> None:
    """Remove a folder that is in the way, unless it was completed meanwhile."""
    if not is_complete(final):
        shutil.rmtree(final)


def is_complete(folder: Path) -> bool:
    """Whether a published result is there."""
    return (folder / RESULT).is_file()


def read_result(folder: Path) -> JobResult:
    """The result of a published folder; ``StateError`` SR501 when it is not complete."""
    if not is_complete(folder):
        raise StateError("SR501", f"{folder} holds no finished result")
    return cast(JobResult, codec.loads(JobResult, (folder / RESULT).read_bytes()))


def read_signature(folder: Path) -> Signature:
    """The signature of an exported model; ``StateError`` SR502 when there is none."""
    path = folder / SIGNATURE
    if not path.is_file():
        raise StateError("SR502", f"{folder} is not an exported model: no {SIGNATURE}")
    return cast(Signature, codec.loads(Signature, path.read_bytes()))


def write_signature(folder: Path, signature: Signature) -> None:
    """Write ``signature.json`` into an export's folder."""
    (folder / SIGNATURE).write_text(codec.dumps(signature, indent=2), encoding="utf-8")


def read_profile(folder: Path) -> Profile:
    """What training saw of an export's inputs; an empty profile where nothing is known."""
    try:
        return cast(Profile, codec.loads(Profile, (folder / PROFILE).read_bytes()))
    except FileNotFoundError:
        return Profile()


def write_profile(folder: Path, profile: Profile) -> None:
    """Write ``profile.json`` into an export's folder."""
    (folder / PROFILE).write_text(codec.dumps(profile), encoding="utf-8")
