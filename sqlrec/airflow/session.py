"""The run of a script in this very process, for the operators: whom to tell, and which environment to use.

Under a scheduler there is none: operators log to Airflow and read the settings of their project.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from logging import Logger
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlrec.execution.environment import Environment


class EventKind(StrEnum):
    """What happened to a task."""

    STARTED = "started"
    PROGRESS = "progress"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. ``seconds`` since the task started."""

    kind: EventKind
    task: str
    message: str = ""
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Session:
    """A run in this process.

    ``errors`` are the last ones of each task, ``began`` when its last try did and ``seconds`` what that took.
    ``interrupt`` is what the user or the machine sent to stop the run, which Airflow would take for the
    failure of one task.
    """

    env: Environment
    on_event: Callable[[Event], None]
    errors: dict[str, BaseException] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    interrupt: BaseException | None = None

    def tell(self, name: str, kind: EventKind, message: str = "") -> None:
        """Say what happened to a task."""
        self.seconds[name] = time.monotonic() - self.began[name]
        self.on_event(Event(kind=kind, task=name, message=message, seconds=self.seconds[name]))


_sessions: list[Session] = []


def current() -> Session | None:
    """The run in progress in this process."""
    return _sessions[-1] if _sessions else None


@contextmanager
def opened(session: Session) -> Iterator[Session]:
    """Make ``session`` the current one."""
    _sessions.append(session)
    try:
        yield session
    finally:
        _sessions.remove(session)


def failed(name: str, error: BaseException) -> None:
    """Note that a task failed before its body was run."""
    running = current()
    if running is not None:
        running.errors[name] = error
        running.on_event(Event(kind=EventKind.FAILED, task=name, message=str(error)))


def interrupted(stop: BaseException) -> bool:
    """Note that the run is to stop; False when there is none in this process."""
    running = current()
    if running is not None:
        running.interrupt = stop
    return running is not None


def progress(name: str, line: str) -> None:
    """Tell a line of a task that stands in its log already."""
    running = current()
    if running is not None:
        running.tell(name, EventKind.PROGRESS, line)


@contextmanager
def task(name: str, log: Logger) -> Iterator[Callable[[str], None]]:
    """Run a task's body; gives the function it reports its progress to."""
    running = current()
    if running is None:
        yield log.info
        return
    if running.interrupt is not None:
        raise running.interrupt
    running.began[name] = time.monotonic()

    def report(line: str) -> None:
        log.info(line)
        progress(name, line)

    running.tell(name, EventKind.STARTED)
    try:
        yield report
    except BaseException as error:
        running.errors[name] = error
        running.tell(name, EventKind.FAILED, str(error))
        raise
    running.errors.pop(name, None)
    running.tell(name, EventKind.FINISHED)
