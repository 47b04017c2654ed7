"""What containers write, kept by line and time, and read as ``pods/log`` does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines, and how."""

    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: datetime | None = None
    limit: int | None = None
    """At most so many bytes."""

    @classmethod
    def after_seconds(cls, seconds: int) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=seconds)


@dataclass
class Log:
    """Lines of one run of a container."""

    lines: list[tuple[datetime, bytes]] = field(default_factory=list)
    _rest: bytes = b""
    _closed: bool = False
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        self.lines += [(datetime.now(UTC), line + b"\n") for line in whole]
        if whole:
            self._wake()

    def close(self) -> None:
        if self._rest:
            self.lines.append((datetime.now(UTC), self._rest))
            self._rest = b""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()

    def last(self, lines: int, size: int) -> str:
        """The end, as it goes into the message of a container that failed."""
        return b"".join(line for _, line in self.lines[-lines:])[-size:].decode(errors="replace")

    async def read(self, wanted: Wanted) -> AsyncIterator[bytes]:
        """The lines, and those still to come with ``follow``."""
        index, left = 0, wanted.limit
        if wanted.since is not None:
            index = sum(time < wanted.since for time, _ in self.lines)
        if wanted.tail is not None:
            index = max(index, len(self.lines) - wanted.tail)
        while True:
            while index < len(self.lines):
                time, line = self.lines[index]
                index += 1
                if wanted.timestamps:
                    line = time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() + line
                if left is not None:
                    line = line[:left]
                    left -= len(line)
                yield line
            if self._closed or not wanted.follow or left == 0:
                return
            await self._more.wait()
