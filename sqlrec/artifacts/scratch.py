"""Where a job works whose output goes to an object store: a folder of this machine, and what is kept beside.

A program knows folders only. It writes its output, and beside it the states from which a training goes on,
into the scratch folder; states that are complete are mirrored to ``<output>.progress`` of the store, so that
another machine can go on. The folder is the same for every start of a job on this machine.
"""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlrec.artifacts import store
from sqlrec.artifacts.durable import make_folder, write_text
from sqlrec.artifacts.folder import progress_folder, progress_place
from sqlrec.artifacts.store import Place
from sqlrec.errors import SetupError

OUTPUT = "output"
ORIGIN = ".origin"
"""File beside the output and its progress that holds the URI they belong to."""


def own_folder() -> Path:
    """This user's folder for temporary files; raises ``SetupError`` SR703 when it is somebody else's."""
    folder = make_folder(Path(tempfile.gettempdir()) / f"sqlrec-{os.getuid()}")
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        hint = "set TMPDIR to a folder of your own"
        raise SetupError("SR703", f"{folder} belongs to another user than {_user()}", hint=hint)
    return folder


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@contextmanager
def workplace(output: Place, *, is_root: bool) -> Iterator[Path]:
    """The folder that a program may take for the final one: it itself, or one of this machine.

    The root process removes the latter at the end, unless it is killed; then the next start finds it.
    """
    if store.is_local(output):
        yield store.local_path(output)
        return
    folder = make_folder(own_folder() / "jobs" / store.sha256(str(output).encode())[:16])
    write_text(folder / ORIGIN, str(output))
    try:
        yield folder / OUTPUT
    finally:
        if is_root:
            shutil.rmtree(folder, ignore_errors=True)


def discard_progress(output: Place) -> None:
    """Remove the states of a job that is done."""
    if store.is_local(output):
        shutil.rmtree(progress_folder(store.local_path(output)), ignore_errors=True)
    else:
        store.remove(progress_place(output))


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder of states in a store that is kept like one of this machine."""

    uri: str

    @staticmethod
    def of(folder: Path) -> Mirror | None:
        """The mirror of a progress folder; None where the output is on this machine."""
        with suppress(FileNotFoundError, NotADirectoryError):
            output = (folder.parent / ORIGIN).read_text(encoding="utf-8")
            return Mirror(progress_place(output))
        return None

    def names(self) -> set[str]:
        """Files that are there; each is whole."""
        return set(store.files(self.uri))

    def put(self, path: Path) -> None:
        """Copy a file there, whole or not at all; raises ``SetupError`` SR75x."""
        store.upload(path.parent, [path.name], self.uri)

    def fetch(self, path: Path) -> None:
        """Bring a file to its place here, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
            store.download(self.uri, [path.name], Path(folder))
            (Path(folder) / path.name).replace(path)

    def drop(self, name: str) -> None:
        """Remove a file there."""
        store.remove(store.join(self.uri, name))
