"""Where Airflow's log lines go in this process: into the log file of the run in progress.

Airflow's loggers keep the stream they were made with, for good. So they are given one stream that passes
what it gets to a file that can change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase
from typing import IO, cast


class Sink(TextIOBase):
    """A text stream into ``target``; what comes while there is none is dropped."""

    target: IO[str] | None = None

    def write(self, text: str) -> int:
        """Pass text on."""
        return self.target.write(text) if self.target else len(text)

    def flush(self) -> None:
        """Pass the request on."""
        if self.target:
            self.target.flush()


SINK = Sink()


@contextmanager
def logging_to(file: IO[str]) -> Iterator[None]:
    """Send Airflow's log lines to ``file`` while the block runs."""
    before, SINK.target = SINK.target, file
    try:
        yield
    finally:
        SINK.target = before


def import_airflow() -> None:
    """Import Airflow, whose import configures logging to what is standard output at that moment."""
    from sqlrec.airflow.compat import log_to

    with redirect_stdout(SINK):
        import airflow  # noqa: F401  (its import reads the configuration and opens the database)

        log_to(cast(IO[str], SINK))
