from __future__ import annotations

import pytest

from sqlrec.serving.backlog import REQUEST_COST, WINDOW_SECONDS, Backlog


def worked(backlog: Backlog, *, seconds: float, times: int = 10) -> float:
    """Requests without bodies one after the other, while one more waits; the clock at the end."""
    now = 100.0
    backlog.begin(0, now)
    for _ in range(times):
        backlog.begin(0, now)
        now += seconds
        backlog.end(0, now, done=True)
    return now


def test_nothing_is_known_before_some_work_was_seen() -> None:
    backlog = Backlog()
    for _ in range(1000):
        backlog.begin(10**6, 0.0)
    assert backlog.seconds == 0


def test_the_wait_is_what_the_waiting_would_take_at_the_speed_of_late() -> None:
    backlog = Backlog()
    now = worked(backlog, seconds=WINDOW_SECONDS)
    for _ in range(9):
        backlog.begin(0, now)
    assert backlog.seconds == pytest.approx(10 * WINDOW_SECONDS)
    backlog.begin(10 * REQUEST_COST, now)
    assert backlog.seconds == pytest.approx(21 * WINDOW_SECONDS)


def test_one_that_is_alone_does_not_wait() -> None:
    backlog = Backlog()
    worked(backlog, seconds=1.0)
    assert (backlog.count, backlog.seconds) == (1, 0)


def test_what_was_refused_is_no_work() -> None:
    backlog = Backlog()
    now = worked(backlog, seconds=WINDOW_SECONDS)
    before = backlog.speed
    for _ in range(100):
        backlog.begin(0, now)
        now += WINDOW_SECONDS / 10
        backlog.end(0, now, done=False)
    assert backlog.speed == before
    assert backlog.waiting == REQUEST_COST


def test_the_speed_follows_the_work() -> None:
    backlog = Backlog()
    worked(backlog, seconds=WINDOW_SECONDS)
    before = backlog.speed
    worked(backlog, seconds=10 * WINDOW_SECONDS)
    assert backlog.speed < before / 5


def test_a_pause_is_not_counted_as_slow_work() -> None:
    backlog = Backlog()
    for start in (0.0, 1000.0):
        backlog.begin(0, start)
        backlog.end(0, start + 2 * WINDOW_SECONDS, done=True)
    assert backlog.speed == pytest.approx(REQUEST_COST / (2 * WINDOW_SECONDS))
