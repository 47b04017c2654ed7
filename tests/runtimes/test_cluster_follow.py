"""Logs over broken connections: each line once, whatever breaks and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sqlrec.runtimes.kubernetes.follow import follow_log
from sqlrec.runtimes.kubernetes.rest import Closing

BEGAN = datetime(2026, 11, 21, 23, 59, 58, tzinfo=UTC)
ZONES = st.sampled_from(["Z", "+08:00"])


class Hurry(Closing):
    """Does not pause."""

    def pause(self, seconds: float) -> bool:
        return self.closed


class Log:
    """A container's log as the API gives it: ``sinceTime`` to the second, and connections that break.

    ``breaks`` are how many lines there are, and how many of those asked for come through, each time.
    """

    def __init__(self, lines: list[tuple[int, str]], zone: str, breaks: list[tuple[int, int]]) -> None:
        self.raw = [(BEGAN + timedelta(milliseconds=at), f"{stamp(at, zone)} {text}") for at, text in lines]
        self.breaks = breaks
        self.asked: list[Mapping[str, str]] = []

    def runs(self) -> bool:
        return bool(self.breaks)

    def text(self, path: str, query: Mapping[str, str]) -> str:
        return "\n".join(self._from(query, len(self.raw)))

    def lines(
        self, path: str, query: Mapping[str, str], *, seconds: float, closing: Closing
    ) -> Iterator[bytes]:
        self.asked.append(query)
        written, passed = self.breaks.pop(0)
        yield from (line.encode() for line in self._from(query, written)[:passed])

    def _from(self, query: Mapping[str, str], written: int) -> list[str]:
        since = datetime.fromisoformat(query.get("sinceTime", "2000-01-01T00:00:00Z"))
        assert since.microsecond == 0
        return [line for at, line in self.raw[:written] if at >= since]


def stamp(milliseconds: int, zone: str) -> str:
    at = BEGAN + timedelta(milliseconds=milliseconds, hours=8 if zone != "Z" else 0)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000" + zone


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(["", "a", "b", " two  words"])), max_size=30),
    ZONES,
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8),
)
def test_each_line_comes_once(lines: list[tuple[int, str]], zone: str, breaks: list[tuple[int, int]]) -> None:
    ordered = sorted(lines, key=lambda line: line[0])
    log = Log(ordered, zone, sorted(breaks))
    seen = list(follow_log(log, "/log", {"container": "c"}, runs=log.runs, closing=Hurry()))
    assert seen == [text for _, text in ordered]


def test_the_last_lines_are_asked_for_only_once() -> None:
    log = Log([(0, "a"), (1500, "b")], "Z", [(2, 1), (2, 2)])
    query = {"container": "c", "tailLines": "5"}
    assert list(follow_log(log, "/log", query, runs=log.runs, closing=Hurry())) == ["a", "b"]
    assert [q.get("tailLines") for q in log.asked] == ["5", None]
    assert [q.get("sinceTime") for q in log.asked] == [None, "2026-11-21T23:59:58Z"]


def test_lines_without_a_stamp_are_given_as_they_are() -> None:
    log = Log([], "Z", [])
    log.raw = [(BEGAN, "failed to read the log"), (BEGAN, "")]
    assert list(follow_log(log, "/log", {}, runs=log.runs, closing=Hurry())) == ["failed to read the log"]


def test_closing_ends_it() -> None:
    closing = Hurry()
    log = Log([(0, "a"), (1, "b")], "Z", [(2, 2)] * 5)
    lines = follow_log(log, "/log", {}, runs=log.runs, closing=closing)
    assert [next(lines), next(lines)] == ["a", "b"]
    closing.close()
    assert list(lines) == []
