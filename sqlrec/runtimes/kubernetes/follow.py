"""The log of a container, followed to its end over any number of broken connections.

The API hands out logs from a second on, not from a line on, and has no marks to go on from. So lines are
asked for with their time stamps, and after a break those of the last second are recognised and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol

from sqlrec.runtimes.kubernetes.rest import Closing

SILENCE_SECONDS = 30.0
"""After so long without a line it is asked whether the container still runs."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Source(Protocol):
    """What reads texts of the API, whole or as they grow."""

    def text(self, path: str, query: Mapping[str, str]) -> str:
        """All of a text."""

    def lines(
        self, path: str, query: Mapping[str, str], *, seconds: float, closing: Closing
    ) -> Iterator[bytes]:
        """Lines until the connection ends in whatever way."""


def follow_log(
    source: Source,
    path: str,
    query: Mapping[str, str],
    *,
    runs: Callable[[], bool],
    closing: Closing,
) -> Iterator[str]:
    """Each line of a log once, until the container has ended and all of it was read, or until closed.

    ``runs`` tells whether lines may still come: it is asked before each reading, so that what is read after
    the end is the whole rest.
    """
    position, pause = _Position(), FIRST_PAUSE
    while not closing.closed:
        going_on = runs()
        asked = position.asked(query)
        if not going_on:
            rest = source.text(path, asked).removesuffix("\n")
            yield from position.new(rest.split("\n") if rest else ())
            return
        stream = source.lines(path, asked | {"follow": "true"}, seconds=SILENCE_SECONDS, closing=closing)
        before = position.count
        yield from position.new(raw.decode(errors="replace") for raw in stream)
        pause = FIRST_PAUSE if position.count > before else min(pause * 2, LONGEST_PAUSE)
        closing.pause(pause)


class _Position:
    """The last second that lines were read of, and the lines of it."""

    def __init__(self) -> None:
        self.count = 0
        self._second = 0
        self._lines: Counter[str] = Counter()

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """The query for what comes now: as it was at first, then from the last second on."""
        asked = dict(query) | {"timestamps": "true"}
        if self.count:
            asked.pop("tailLines", None)
            asked["sinceTime"] = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return asked

    def new(self, stamped: Iterable[str]) -> Iterator[str]:
        """Those of the lines of one answer that earlier answers did not have, without their stamps."""
        since, known = self._second, self._lines.copy()
        for raw in stamped:
            stamp, _, line = raw.partition(" ")
            second = _second(stamp)
            if second is None:
                yield raw
                continue
            if second < since:
                continue
            if second == since and known[raw] > 0:
                known[raw] -= 1
                continue
            self._note(second, raw)
            yield line

    def _note(self, second: int, raw: str) -> None:
        self.count += 1
        if second > self._second:
            self._second = second
            self._lines.clear()
        if second == self._second:
            self._lines[raw] += 1


def _second(stamp: str) -> int | None:
    try:
        return int(datetime.fromisoformat(stamp).timestamp())
    except ValueError:
        return None
