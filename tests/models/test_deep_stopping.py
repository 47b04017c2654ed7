"""SIGTERM is held back, handed on, or ends what may be ended at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from sqlrec.models.deep.stopping import Interrupted, Stop


class Stopped(BaseException):
    """What the handler of these tests raises."""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Stopped

    previous = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, previous)


def test_the_signal_waits_for_the_end_and_reaches_the_handler_before() -> None:
    done: list[bool] = []

    def work() -> None:
        with Stop() as stop:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            done.append(stop.asked)

    with pytest.raises(Stopped):
        work()
    assert done == [True]


def test_without_a_signal_nothing_happens() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        assert signal.getsignal(signal.SIGTERM) != before
    assert not stop.asked
    assert signal.getsignal(signal.SIGTERM) is before


def test_work_that_changes_nothing_ends_at_once() -> None:
    done: list[str] = []

    def work() -> None:
        with Stop() as stop:
            try:
                with stop.at_once():
                    signal.raise_signal(signal.SIGTERM)
                    done.append("not reached")
            except Interrupted:
                done.append("interrupted")

    with pytest.raises(Stopped):
        work()
    assert done == ["interrupted"]


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
    assert not stop.asked


def test_a_thread_that_gets_no_signals_is_left_alone() -> None:
    seen: list[bool] = []

    def work() -> None:
        with Stop() as stop:
            seen.append(stop.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
