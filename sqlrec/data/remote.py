"""Tables in object stores: which files are theirs, and how several change at one moment.

A store has neither renames nor locks, but a file can be put there only if there is none of its name. A write
uploads its files below ``<table>/_tmp/``; then ``_tmp/commit-N.json``, which lists what appears and what
disappears, *is* the commit: N is one more than the last, and of two writers one has to look again. Carrying
the list out (copies within the store, then removals, then ``commit-N.done``) may be cut off anywhere: until
it is done, readers see what it says, and the next writer finishes it. Others see files that are whole.
"""

from __future__ import annotations

import glob
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlrec.artifacts import store
from sqlrec.data.commit import STAGE, Change, is_hidden, suffixes
from sqlrec.errors import NameNotFoundError, RemoteError
from sqlrec.spec.table import TableFormat, TableSource

TRIES = 20
_COMMIT = re.compile(rf"{STAGE}/commit-(\d{{12}})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A commit that is not carried out yet; ``stage`` is the folder of what appears."""

    number: int
    stage: str
    change: Change


def find(source: TableSource) -> list[str]:
    """URIs of a table's files in a fixed order: one file, those of a folder, or those that a glob matches.

    Raises ``NameNotFoundError`` SR401 when there is nothing, ``SetupError`` SR75x for the store.
    """
    if glob.has_magic(source.path):
        found = [uri for uri in store.matching(source.path) if not is_hidden(uri.rpartition("/")[2])]
    else:
        names = store.files(source.path)
        found = [source.path] if not names and store.size(source.path) is not None else []
        found += visible(source.path, names, source.format).values()
        if names or found:
            return found
    if not found:
        raise NameNotFoundError(
            "SR401",
            f"table {source.name!r}: there is nothing at {store.shown(source.path)}",
            hint="correct the table's path",
        )
    return found


def visible(place: str, names: Mapping[str, int], format: TableFormat) -> dict[str, str]:
    """URIs of data files by their path in the table, given all that lies below it."""
    found = {name: store.join(place, name) for name in names if _is_data(name, format)}
    if pending := _pending(place, names):
        for name in pending.change.remove:
            found.pop(name, None)
        found |= {name: store.join(place, pending.stage, name) for name in pending.change.add}
    return dict(sorted(found.items()))


def _is_data(name: str, format: TableFormat) -> bool:
    return name.endswith(suffixes(format)) and not any(map(is_hidden, name.split("/")))


def stamp(file: str) -> tuple[str, int, str]:
    """What tells a file, of this machine or a store, from another of its name."""
    if store.is_local(file):
        found = Path(file).stat()
        return file, found.st_size, str(found.st_mtime_ns)
    return file, *store.stamp(file)


def register(connection: Any, files: Iterable[str]) -> None:
    """Let DuckDB read files of stores through fsspec; it has no network of its own here."""
    for place in {store.scheme(file): file for file in files if not store.is_local(file)}.values():
        system, _ = store.file_system(place)
        if not connection.filesystem_is_registered(store.scheme(place)):
            connection.register_filesystem(system)


def publish(
    folder: Path,
    names: tuple[str, ...],
    target: TableSource,
    key: str,
    replaced: Callable[[Iterable[str]], tuple[str, ...]],
) -> None:
    """Make files of a local folder part of a table, in one step.

    ``replaced`` says which of the table's files go. Raises ``SetupError`` SR75x, and ``RemoteError`` SR755
    when others change the table all the time.
    """
    place, stage = target.path, f"{STAGE}/{key}-{secrets.token_hex(4)}"
    if names:
        store.upload(folder, names, store.join(place, stage))
    for _ in range(TRIES):
        there = store.files(place)
        if pending := _pending(place, there):
            _carry_out(place, pending)
            there = store.files(place)
        number = max(_numbers(there), default=0) + 1
        change = Change(add=names, remove=replaced(visible(place, there, target.format)))
        content = {"stage": stage, "add": change.add, "remove": change.remove}
        if store.create(_commit_file(place, number, "json"), json.dumps(content).encode()):
            _carry_out(place, _Pending(number=number, stage=stage, change=change))
            return
    raise RemoteError(
        "SR755", f"table {target.name!r} is changed by others all the time", hint="try again", retriable=True
    )


def _numbers(names: Iterable[str]) -> list[int]:
    return [int(found[1]) for name in names if (found := _COMMIT.fullmatch(name))]


def _commit_file(place: str, number: int, ending: str) -> str:
    return store.join(place, STAGE, f"commit-{number:012}.{ending}")


def _pending(place: str, names: Mapping[str, int]) -> _Pending | None:
    """The last commit, if it is not carried out."""
    number = max(_numbers(names), default=0)
    if not number or f"{STAGE}/commit-{number:012}.done" in names:
        return None
    told = json.loads(store.read(_commit_file(place, number, "json")))
    change = Change(add=tuple(told["add"]), remove=tuple(told["remove"]))
    return _Pending(number=number, stage=str(told["stage"]), change=change)


def _carry_out(place: str, commit: _Pending) -> None:
    """Do what a commit says, unless somebody else has; then files of its stage may be gone already."""
    stage, done = store.join(place, commit.stage), _commit_file(place, commit.number, "done")
    try:
        store.copy(stage, place, commit.change.add)
    except FileNotFoundError:
        if store.size(done) is None:
            raise
    if store.size(done) is not None:
        return
    for name in commit.change.remove:
        store.remove(store.join(place, name))
    store.write(done, b"")
    store.remove(stage)
    for ending in ("json", "done"):
        store.remove(_commit_file(place, commit.number - 1, ending))
