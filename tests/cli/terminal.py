"""A program on a pseudo-terminal, driven as a person drives it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS = 60
ASKS_FOR_CURSOR = b"\x1b[6n"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>()][A-Z0-9]?|\r")


class Terminal:
    """Starts ``sqlrec`` with arguments; what it shows is kept without colours and cursor movements."""

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests started in the background ignore it
            os.environ.pop("NO_COLOR", None)
            os.environ.update({"TERM": "xterm-256color", "PYTHONFAULTHANDLER": "1", **(environment or {})})
            os.execv(sys.executable, [sys.executable, "-m", "sqlrec", *arguments])
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._raw = b""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._fd)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._fd, keys.encode())

    def expect(self, text: str) -> str:
        """Wait until a text is shown after what was expected before; gives all that came up to it."""
        until = time.monotonic() + SECONDS
        while True:
            shown = CONTROL.sub("", self._raw.decode(errors="replace"))
            found = shown.find(text, self._seen)
            if found >= 0:
                passed = shown[self._seen : found + len(text)]
                self._seen = found + len(text)
                return passed
            if time.monotonic() > until or not self._read():
                self._stacks()
                shown = CONTROL.sub("", self._raw.decode(errors="replace"))
                raise AssertionError(f"{text!r} is not shown, but:\n{shown[self._seen :]}")

    def signal(self, number: int) -> None:
        """Send a signal to the program, and to nothing else."""
        os.kill(self._pid, number)

    def leave(self) -> int:
        """Wait for the end; gives the exit status."""
        while self._read():
            pass
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def _stacks(self) -> None:
        """Have a program that hangs show what its threads are at; it ends with that."""
        os.kill(self._pid, signal.SIGABRT)
        while self._read():
            pass

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], 1)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        if ASKS_FOR_CURSOR in data:
            os.write(self._fd, b"\x1b[1;1R")
        self._raw += data
        return bool(data)
