"""The service port with TLS: handshakes are bounded as connections are.

asyncio makes a protocol's connection known only when its handshake is done, so clients that never finish one
would be as many as they like. Here each has a place from the start, or is dropped.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from sqlrec.serving.connection import OVERFLOW
from sqlrec.serving.connections import Connections
from sqlrec.serving.logs import log

HANDSHAKE_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
"""For a client to agree to the end of a connection; one that rests does so only when it asks again."""
PAUSE_SECONDS = 0.5
"""Until the next connection is taken when there are no file descriptors left."""


class SecureDoor:
    """Takes connections from a listening socket, which it owns, and hands them on when keys are agreed."""

    def __init__(self, pool: Connections, context: ssl.SSLContext, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._pool = pool
        self._context = context
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._taking = asyncio.ensure_future(self._take())

    def close(self) -> None:
        """Take no more; handshakes under way go on."""
        self._taking.cancel()
        self._taking.add_done_callback(lambda _: self._listener.close())

    async def _take(self) -> None:
        while True:
            try:
                client, _ = await self._loop.sock_accept(self._listener)
            except ConnectionError:
                continue  # it went away before its turn
            except OSError as error:
                log("not accepting", error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if self._pool.size >= self._pool.limits.connections + OVERFLOW:
                client.close()  # not even to be told why: that would take a handshake
                continue
            self._pool.handshakes += 1
            task = asyncio.ensure_future(self._agree(client))
            self._handshakes.add(task)
            task.add_done_callback(self._done)

    async def _agree(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._pool.public,
                client,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        except OSError:  # ssl.SSLError among them: too late, no TLS, or gone
            client.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._handshakes.discard(task)
        self._pool.handshakes -= 1
