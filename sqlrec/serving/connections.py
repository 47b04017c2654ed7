"""All connections of a server: their number, their clock and their end."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Protocol

from sqlrec.serving.config import Limits
from sqlrec.serving.connection import JSON, OK, STATUS_LINES, Connection, Request
from sqlrec.serving.errors import RequestError
from sqlrec.serving.http import Heads

SWEEP_SECONDS = 0.5


class RequestHandler(Protocol):
    """What the connections bring requests to."""

    def handle(self, request: Request) -> None:
        """Answer a request, now or later; raises nothing."""

    def refused(self, error: RequestError) -> None:
        """A request was answered with an error before it was complete."""


class Connections:
    """Makes and holds connections. While ``draining``, each closes after its next answer.

    ``date`` is a header as it is now, and ``ok`` the head of the usual answer, up to the body's length.
    ``handshakes`` counts those that will be connections when their keys are agreed.
    """

    def __init__(self, handler: RequestHandler, limits: Limits) -> None:
        self.handler = handler
        self.limits = limits
        self.draining = False
        self.held_bytes = 0
        self.handshakes = 0
        self.heads = Heads()
        self.date = self.ok = b""
        self._open: set[Connection] = set()
        self._sweep()

    def public(self) -> Connection:
        """A connection of the service port."""
        return Connection(self, private=False)

    def private(self) -> Connection:
        """A connection of the private port; these are not counted against the limit."""
        return Connection(self, private=True)

    def admit(self, connection: Connection) -> int:
        """Hold a new connection; by how many the limit is exceeded now."""
        self._open.add(connection)
        return len(self._open) - self.limits.connections

    @property
    def size(self) -> int:
        """How many connections there are, those in their handshake included."""
        return len(self._open) + self.handshakes

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        self._open.discard(connection)

    async def finish(self, seconds: float) -> bool:
        """Close connections as they come to rest, for up to ``seconds``; False when some were cut off."""
        self.draining = True
        deadline = time.monotonic() + seconds
        while self.size and (now := time.monotonic()) < deadline:
            for connection in list(self._open):
                if not connection.is_busy(now):
                    connection.close()
            await asyncio.sleep(0.01)
        self._timer.cancel()
        unfinished = bool(self.size)
        for connection in list(self._open):
            connection.close()
        return not unfinished

    def _sweep(self) -> None:
        now = time.monotonic()
        self.date = f"Date: {formatdate(usegmt=True)}\r\n".encode()
        self.ok = b"%b%bContent-Type: %b\r\nContent-Length: " % (STATUS_LINES[OK], self.date, JSON)
        for connection in list(self._open):
            connection.check_time(now)
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)
