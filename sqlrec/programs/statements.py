"""Where an error of a program happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlrec.errors import SqlRecError
from sqlrec.spec.function import ProgramStep

SHOWN_CHARACTERS = 200


@contextmanager
def located(step: ProgramStep) -> Iterator[None]:
    """Let an error inside say which statement it is of."""
    try:
        yield
    except SqlRecError as error:
        if step.sql:
            line = " ".join(step.sql.split())
            shown = line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"
            error.message = f"{error.message}; in: {shown}"
        raise
