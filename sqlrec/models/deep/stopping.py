"""SIGTERM while weights change: held back until they are whole, then handed on to who would have had it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self


class Interrupted(BaseException):
    """SIGTERM arrived within :meth:`Stop.at_once`."""


class Stop:
    """Within this context SIGTERM only sets ``asked``; at its end the signal is raised again.

    In a thread that gets no signals, and where SIGTERM is ignored, the context does nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._at_once = False
        self._previous: signal._HANDLER = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGTERM)
            if previous is not signal.SIG_IGN:
                self._previous = previous
                signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGTERM, self._previous)
        if self.asked:
            signal.raise_signal(signal.SIGTERM)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Work that changes nothing: SIGTERM ends it with :class:`Interrupted`."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def check(self) -> None:
        """Raise :class:`Interrupted` when SIGTERM arrived; for work that others take part in."""
        if self.asked:
            raise Interrupted

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._at_once:
            self._at_once = False
            raise Interrupted
