"""Where DuckDB keeps what exceeds its memory: a folder for each database, which goes with it.

A process that is killed leaves its folders; the first database of a later process removes them.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlrec.artifacts.claims import Claim, sweep_temporary
from sqlrec.artifacts.durable import writing

PREFIX = "sqlrec-spill-"


def spill_folder(owner: object) -> tuple[Path, Callable[[], object]]:
    """A new folder below TMPDIR, and what removes it, which is also done when ``owner`` is used no more.

    Raises ``SetupError`` SR703.
    """
    with writing(Path(tempfile.gettempdir())):
        _sweep_once()
        folder = Claim.temporary(PREFIX)
    return folder.path, weakref.finalize(owner, folder.remove)


@cache
def _sweep_once() -> None:
    sweep_temporary(PREFIX)
