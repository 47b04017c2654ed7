"""The service port, shared by processes: several replicas, or an old revision and its successor.

Sockets with ``SO_REUSEPORT`` share a port: the kernel spreads new connections over them. Two dangers come
with it. Another service of the same user could share the port by mistake; so whoever answers there is asked
for its name first. And a closing listener resets the connections that it has not accepted yet; so
before the end, new ones are turned away in the kernel: their SYN is dropped, and the client's own kernel
sends it again, one second later, to a listener that stays.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
from ipaddress import ip_address

import orjson

from sqlrec.errors import StateError
from sqlrec.serving.logs import log

BACKLOG = 2048
PROBE_SECONDS = 1.0
SETTLE_SECONDS = 0.02
"""For handshakes under way to end, and their connections to be accepted."""

_SO_ATTACH_FILTER = 26
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load byte 13 of the TCP header: flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # a SYN without ACK?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take
)
"""Classic BPF, as in filter(4) of the Linux manual; needs no privilege."""


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A listening socket; ``StateError`` SR673 when the address cannot be had."""
    listener: socket.socket | None = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener:
            listener.close()
        hint = "choose another port, or stop what listens there"
        raise StateError(
            "SR673", f"cannot listen on {host}:{port}: {error.strerror or error}", hint=hint
        ) from None
    listener.setblocking(False)
    return listener


async def check_neighbour(host: str, port: int, service: str) -> None:
    """Raise ``StateError`` SR673 unless the port is free or held by the same service."""
    try:
        name = await asyncio.wait_for(_service_at(_reachable(host), port), PROBE_SECONDS)
    except ConnectionRefusedError:
        return
    except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
        name = None
    if name != service:
        held = f"by service {name}" if name else "by something that is no service of ours"
        hint = "choose another port, or stop what listens there"
        raise StateError("SR673", f"{host}:{port} is held {held}", hint=hint)


def _reachable(host: str) -> str:
    """An address at which a listener on ``host``, which may be all addresses, is reached from here."""
    try:
        everywhere = ip_address(host).is_unspecified
    except ValueError:
        return host
    return ("::1" if ":" in host else "127.0.0.1") if everywhere else host


async def _service_at(address: str, port: int) -> str | None:
    """The name that the server at this port gives at ``/healthz``."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = await reader.read(-1)
    finally:
        writer.close()
    document = orjson.loads(answer.partition(b"\r\n\r\n")[2])
    return document.get("service") if isinstance(document, dict) else None


def turn_away(listener: socket.socket) -> None:
    """Have the kernel drop new connection attempts at this listener, so that it can be closed."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN))
    pointer = struct.pack("HL", len(_DROP_SYN), ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)
    except OSError as error:
        log("warning", message=f"cannot filter new connections while closing: {error}")
