"""The life of a server process: load, prove, open, serve, drain.

    start ──▶ private port open, content loading (alive, not ready)
          ──▶ ready: content warm, private port answers requests
          ──▶ active: POST /admin/activate opened the service port
    SIGTERM ▶ draining: not ready at once; goes on serving, closing connections after their next answer
          ──▶ service port closed, requests in flight finished, exit 0

A new revision is started beside the old one, proved on its private port and activated, whereby it gets the
old one's listening socket (:mod:`sqlrec.serving.listener`); then the old one gets SIGTERM. At every moment
at least one of them takes connections.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio import AbstractServer

import orjson

from sqlrec.serving.config import AnyConfig
from sqlrec.serving.connections import Connections
from sqlrec.serving.handshake import SecureDoor
from sqlrec.serving.listener import Door, listen, share_or_listen
from sqlrec.serving.logs import log
from sqlrec.serving.secure import Certificate, Gate
from sqlrec.serving.site import Content, Site

PRIVATE_HOST = "127.0.0.1"
REFRESH_SECONDS = 5.0
"""How often the files of tokens and certificates are looked at."""


class Server:
    """One process of one service, which serves ``content``."""

    def __init__(self, config: AnyConfig, content: Content) -> None:
        """Raises ``SetupError`` SR675 when the token or the certificate cannot be read."""
        self._config = config
        self._content = content
        self._door = Door()
        self._gate = Gate(config.token) if config.token else None
        self._certificate = Certificate(config.tls) if config.tls else None
        self._site = Site(content, self.activate, door=self._door.name, gate=self._gate)
        self.connections = Connections(self._site, config.limits)
        self._activating = asyncio.Lock()
        self._listener: socket.socket | None = None
        self._server: AbstractServer | SecureDoor | None = None
        self.private_port = 0
        self.ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; raises ``SqlRecError`` when that cannot begin."""
        loop = asyncio.get_running_loop()
        listener = listen(PRIVATE_HOST, self._config.private_port)
        private = await loop.create_server(self.connections.private, sock=listener)
        self.private_port = listener.getsockname()[1]
        _report("listening", private_port=self.private_port)
        await self._site.load()
        self.ready = True
        log("ready", **self._content.facts)
        if self._config.activate:
            _report("active", url=await self.activate())
        refreshing = asyncio.ensure_future(self._refresh())
        await stop.wait()
        await self._drain()
        refreshing.cancel()
        private.close()
        await self._finish()

    async def activate(self) -> str:
        """Open the service port, once; the URL of requests. Raises ``StateError`` SR673."""
        async with self._activating:
            if self._listener is None:
                config = self._config
                listener = await share_or_listen(
                    config.host, config.port, config.spec.name, tls=self._certificate is not None
                )
                loop = asyncio.get_running_loop()
                if self._certificate:
                    self._server = SecureDoor(self.connections, self._certificate.context, listener)
                else:
                    self._server = await loop.create_server(self.connections.public, sock=listener)
                self._listener = listener
                self._door.open(listener)
                log("active", url=self._url(listener))
            return self._url(self._listener)

    def _url(self, listener: socket.socket) -> str:
        host, port = listener.getsockname()[:2]
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{self._content.path}"

    async def _refresh(self) -> None:
        """Take new tokens and certificates into force as their files change."""
        watched = [secret.watched for secret in (self._gate, self._certificate) if secret]
        while watched:
            await asyncio.sleep(REFRESH_SECONDS)
            for files in watched:
                files.refresh()

    async def _drain(self) -> None:
        """Serve on for a while, for callers that have not heard yet, then close the service port."""
        self._site.drain()
        self.connections.draining = True
        if self._server is None:
            return
        log("draining", seconds=self._config.drain_seconds)
        await asyncio.sleep(self._config.drain_seconds)
        self._door.close()
        self._server.close()

    async def _finish(self) -> None:
        finished = await self.connections.finish(self._config.limits.request_timeout)
        await self._content.close()
        log("stopped", finished=finished)


def _report(event: str, **facts: object) -> None:
    """One JSON line on stdout, for the program that started this one."""
    sys.stdout.write(orjson.dumps({"event": event, **facts}).decode() + "\n")
    sys.stdout.flush()
