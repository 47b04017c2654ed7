"""The service port, which several processes share: replicas, or an old revision and its successor.

A port has one listening socket and one queue of connections, however many processes accept from it. The
first process binds it; each later one of the same service is handed the open socket by a process that has
it. So closing it in one process resets no connection and refuses none, which separate sockets on one port
(``SO_REUSEPORT``) would do: the kernel resets what such a socket has queued when it closes. And
another service can never slip in beside it.

The socket is passed through a Unix socket of a random abstract name, the *door*, which ``/healthz`` tells.
Only processes of the same user get it. Abstract names exist on Linux; elsewhere ``SO_REUSEPORT`` is used, and
a connection may be lost in a handover.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
import struct
import sys
from dataclasses import dataclass
from ipaddress import ip_address

import orjson

from sqlrec.errors import StateError

BACKLOG = 2048
ANSWER_SECONDS = 1.0
"""How long a neighbour on this machine may take to answer."""

HINT = "choose another port, or stop what listens there"
HAS_DOORS = sys.platform == "linux"


def listen(host: str, port: int) -> socket.socket:
    """A new listening socket; ``StateError`` SR673 when the address cannot be had."""
    listener: socket.socket | None = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not HAS_DOORS:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener:
            listener.close()
        reason = error.strerror or error
        raise StateError("SR673", f"cannot listen on {host}:{port}: {reason}", hint=HINT) from None
    listener.setblocking(False)
    return listener


async def share_or_listen(host: str, port: int, service: str, *, tls: bool = False) -> socket.socket:
    """The socket of the service port: that of the service's other processes, or a new one.

    All processes of a port speak TLS, or none does. Raises ``StateError`` SR673 when something else holds it.
    """
    neighbour = await _neighbour(host, port, tls=tls) if port else None
    if neighbour is None:
        return listen(host, port)
    if neighbour.service != service:
        held = f"service {neighbour.service}" if neighbour.service else "something that is no service of ours"
        raise StateError("SR673", f"{host}:{port} is held by {held}", hint=HINT)
    if not HAS_DOORS:
        return listen(host, port)
    try:
        return await asyncio.to_thread(_take, neighbour.door)
    except OSError as error:
        message = f"the process of service {service} on {host}:{port} does not share its socket: {error}"
        raise StateError("SR673", message, hint=HINT) from None


class Door:
    """Hands a listening socket to other processes of this user, until it is closed."""

    def __init__(self) -> None:
        self.name = f"sqlrec-serving-{secrets.token_hex(8)}" if HAS_DOORS else ""
        self._door: socket.socket | None = None

    def open(self, listener: socket.socket) -> None:
        """Begin; from the event loop."""
        if not HAS_DOORS:
            return
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(f"\0{self.name}")
        self._door.listen()
        self._door.setblocking(False)
        asyncio.get_running_loop().add_reader(self._door, self._give, self._door, listener)

    def close(self) -> None:
        """End."""
        if self._door is not None:
            asyncio.get_running_loop().remove_reader(self._door)
            self._door.close()
            self._door = None

    @staticmethod
    def _give(door: socket.socket, listener: socket.socket) -> None:
        try:
            visitor, _ = door.accept()
        except OSError:
            return
        with visitor:
            credentials = visitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            _, user, _ = struct.unpack("3i", credentials)
            if user == os.geteuid():
                socket.send_fds(visitor, [b"1"], [listener.fileno()])


def _take(door: str) -> socket.socket:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(ANSWER_SECONDS)
        visitor.connect(f"\0{door}")
        _, received, _, _ = socket.recv_fds(visitor, 1, 1)
    if not received:
        raise OSError("it belongs to another user")
    listener = socket.socket(fileno=received[0])
    listener.setblocking(False)
    return listener


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """Who answers at a port; an empty ``service`` is none of ours."""

    service: str = ""
    door: str = ""


async def _neighbour(host: str, port: int, *, tls: bool) -> _Neighbour | None:
    """Who holds the port, if anybody does."""
    try:
        answer = await asyncio.wait_for(_health(_reachable(host), port, tls=tls), ANSWER_SECONDS)
        return _Neighbour(answer["service"], answer["handover"])
    except (ConnectionRefusedError, socket.gaierror):
        return None
    except (OSError, ValueError, TypeError, KeyError, TimeoutError):
        return _Neighbour()


async def _health(address: str, port: int, *, tls: bool) -> dict[str, str]:
    reader, writer = await asyncio.open_connection(address, port, ssl=_any_certificate() if tls else None)
    try:
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = await reader.read(-1)
    finally:
        writer.close()
    document: dict[str, str] = orjson.loads(answer.partition(b"\r\n\r\n")[2])
    return document


def _any_certificate() -> ssl.SSLContext:
    """A neighbour is told nothing, and hands its socket over by another way."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reachable(host: str) -> str:
    """An address at which a listener on ``host``, which may be all addresses, is reached from here."""
    try:
        everywhere = ip_address(host).is_unspecified
    except ValueError:
        return host
    return ("::1" if ":" in host else "127.0.0.1") if everywhere else host
