"""Files wherever they are: plain paths of this machine, and through fsspec whatever other URIs name.

A path needs nothing but the standard library; fsspec and the package of a file system are imported with the
first URI of it. Where a store is and who asks it is told by the environment (``AWS_ENDPOINT_URL``,
``AWS_ACCESS_KEY_ID``, …), as its package has it. Failures become errors of our tree that repeat nothing of a
request, so that no credentials stand in them.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from sqlrec.artifacts.durable import write_text
from sqlrec.errors import SetupError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What a full or read-only disk of this machine says."""

Place = str | Path
"""A path, or a URI."""


def is_local(place: Place) -> bool:
    """Whether a place is on this machine: a path, or a ``file://`` URI."""
    return isinstance(place, Path) or "://" not in place or place.startswith("file://")


def local_path(place: Place) -> Path:
    """The path of a local place."""
    if isinstance(place, Path) or "://" not in place:
        return Path(place)
    return Path(unquote(place.removeprefix("file://")))


def join(place: Place, *names: str) -> str:
    """The place of what lies below another."""
    return "/".join((str(place).rstrip("/"), *names))


def beside(place: Place, ending: str) -> str:
    """The place whose name continues that of another: ``output.progress`` of ``output``."""
    return str(place).rstrip("/") + ending


def read(place: Place) -> bytes:
    """The content of a file; raises ``FileNotFoundError``, and ``SetupError`` SR75x for a store."""
    if is_local(place):
        return local_path(place).read_bytes()
    system, path = _opened(place)
    with reaching(place):
        return bytes(system.cat_file(path))


@contextmanager
def opened(place: Place) -> Iterator[BinaryIO]:
    """A file to read from; raises ``FileNotFoundError``, and ``SetupError`` SR75x for a store."""
    if is_local(place):
        with local_path(place).open("rb") as file:
            yield file
        return
    system, path = _opened(place)
    with reaching(place), system.open(path, "rb") as file:
        yield file


def write(place: Place, content: bytes) -> None:
    """Write a file, whole or not at all, in the place of one that is there; raises SR703, SR75x."""
    if is_local(place):
        write_text(local_path(place), content.decode())
        return
    system, path = _opened(place)
    with reaching(place):
        system.pipe_file(path, content)


def create(place: Place, content: bytes) -> bool:
    """Put a file into a store unless there is one of the name; whether it was put there by this call."""
    system, path = _opened(place)
    try:
        with reaching(place):
            system.pipe_file(path, content, mode="create")
    except FileExistsError:
        return False
    return True


def exists(place: Place) -> bool:
    """Whether there is a file, or a folder, which in a store is one with files in it."""
    if is_local(place):
        return local_path(place).exists()
    return size(place) is not None or bool(files(place))


def files(place: Place) -> dict[str, int]:
    """Sizes in bytes of all files below a place, by relative path; none where there is nothing."""
    if is_local(place):
        root = local_path(place)
        return {p.relative_to(root).as_posix(): p.stat().st_size for p in root.rglob("*") if p.is_file()}
    system, path = _opened(place)
    with reaching(place):
        found = system.find(path, detail=True)
    start = len(path.rstrip("/")) + 1
    return {name[start:]: int(info["size"]) for name, info in found.items() if name[start:]}


def matching(pattern: str) -> list[str]:
    """URIs of the files of a store that a glob matches, sorted."""
    system, path = _opened(pattern)
    with reaching(pattern):
        found = system.glob(path, detail=True)
    return sorted(f"{scheme(pattern)}://{name}" for name, info in found.items() if info["type"] == "file")


def size(place: Place) -> int | None:
    """Bytes of a file of a store; None when there is none."""
    try:
        return stamp(place)[0]
    except FileNotFoundError:
        return None


def stamp(place: Place) -> tuple[int, str]:
    """Bytes of a file of a store, and what changes with its content; raises ``FileNotFoundError``."""
    system, path = _opened(place)
    with reaching(place):
        info = system.info(path)
    if info["type"] != "file":
        raise FileNotFoundError(str(place))
    return int(info["size"]), str(info.get("ETag") or info.get("LastModified") or info.get("mtime") or "")


def upload(folder: Path, names: Iterable[str], place: Place) -> None:
    """Put files of a local folder below a place of a store."""
    wanted = list(names)
    system, path = _opened(place)
    with reaching(place):
        system.put([str(folder / name) for name in wanted], [join(path, name) for name in wanted])


def download(place: Place, names: Iterable[str], folder: Path) -> None:
    """Bring files below a place of a store into a local folder; raises ``FileNotFoundError``."""
    wanted = list(names)
    system, path = _opened(place)
    with reaching(place):
        system.get([join(path, name) for name in wanted], [str(folder / name) for name in wanted])


def copy(place: Place, target: Place, names: Iterable[str]) -> None:
    """Copy files below one place of a store to another of the same, without bringing them here."""
    system, path = _opened(place)
    _, final = _opened(target)
    with reaching(target):
        for name in names:
            system.cp_file(join(path, name), join(final, name))


def same_store(place: Place, other: Place) -> bool:
    """Whether :func:`copy` goes from one to the other."""
    return not is_local(place) and not is_local(other) and scheme(place) == scheme(other)


def remove(place: Place) -> None:
    """Remove a file, or all files below a place; none there is no error."""
    if is_local(place):
        here = local_path(place)
        shutil.rmtree(here, ignore_errors=True) if here.is_dir() else here.unlink(missing_ok=True)
        return
    system, path = _opened(place)
    with reaching(place):
        if found := system.find(path):
            system.rm(found)


def sha256(content: bytes) -> str:
    """The digest by which content is known."""
    return hashlib.sha256(content).hexdigest()


def scheme(place: Place) -> str:
    """What a URI begins with: ``s3``."""
    return urlsplit(str(place)).scheme


def file_system(place: Place) -> tuple[Any, str]:
    """The file system of a URI, as fsspec has it, and the path in it; raises ``SetupError`` SR750."""
    return _opened(place)


def _opened(place: Place) -> tuple[Any, str]:
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(str(place), **_OPTIONS.get(scheme(place), {}))
    except ImportError as error:
        hint = f"pip install '{_PACKAGES.get(scheme(place), 'fsspec')}' where this runs"
        raise SetupError("SR750", f"{shown(place)} needs a package: {error.msg}", hint=hint) from None
    except ValueError as error:
        hint = "write a path or a URI of s3://, gs://, or another file system of fsspec"
        raise SetupError("SR750", f"{shown(place)} cannot be reached: {error}", hint=hint) from None
    return system, path


_OPTIONS: Mapping[str, Mapping[str, object]] = {"s3": {"use_listings_cache": False}}
"""Others change the store, so what was listed before means nothing."""
_PACKAGES = {"s3": "sqlrec[s3]", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "hdfs": "pyarrow"}


@contextmanager
def reaching(place: Place) -> Iterator[None]:
    """Turn what packages of stores raise into ``SetupError``: SR751 no bucket, SR752 refused, SR753 the rest.

    A file that is missing or in the way stays ``FileNotFoundError`` and ``FileExistsError``, and a full disk
    of this machine ``OSError``.
    """
    try:
        yield
    except Exception as error:  # each package has exceptions of its own
        told = _translated(place, error)
        if told is None:
            raise
        raise told from None


def _translated(place: Place, error: Exception) -> SetupError | None:
    if type(error).__module__.startswith("sqlrec."):
        return None
    where, code = shown(place), _answer(error)
    if code == "NoSuchBucket":
        hint = f"create the bucket {urlsplit(where).netloc}, or correct its name"
        return SetupError("SR751", f"there is no bucket for {where}", hint=hint)
    if isinstance(error, FileNotFoundError | FileExistsError) or getattr(error, "errno", 0) in NO_ROOM:
        return None
    name = code or type(error).__name__
    if isinstance(error, PermissionError) or "Credentials" in name:
        hint = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of that key, where this runs"
        return SetupError("SR752", f"access to {where} was refused: {name}", hint=hint)
    hint = "check AWS_ENDPOINT_URL and the network, where this runs; then run it again"
    return SetupError("SR753", f"the store of {where} does not answer as it should: {name}", hint=hint)


def _answer(error: BaseException | None) -> str:
    """The store's own word for a failure, as boto keeps it, or an empty string."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__ or error.__context__
    return ""


def shown(place: Place) -> str:
    """A place without what a URI may hold before its host."""
    parts = urlsplit(str(place))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.scheme else str(place)
