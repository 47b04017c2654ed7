"""Ports of this machine: one a service, kept over its life.

Server processes share a port through ``SO_REUSEPORT``, so the kernel would let two services of one user
share it too. Therefore a port is reserved under a lock of the whole machine until the server listens.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil

from sqlrec.artifacts.durable import make_folder, writing
from sqlrec.errors import JobError

HOST = "127.0.0.1"
FIRST, COUNT = 18600, 1000


def is_free(port: int) -> bool:
    """Whether nobody listens on ``port``; connections that are winding down do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def reserved(port: int) -> Iterator[bool]:
    """Keep other deployments of this user off ``port`` for the block; False when it is not free."""
    path = make_folder(Path(tempfile.gettempdir()) / f"sqlrec-ports-{os.getuid()}") / str(port)
    with writing(path):
        file = path.open("a", encoding="utf-8")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield is_free(port)


@contextlib.contextmanager
def reserved_any(seed: str, excluded: Collection[int]) -> Iterator[int]:
    """Reserve the first free port from a start that ``seed`` decides. Raises ``JobError`` SR508."""
    start = zlib.crc32(seed.encode())
    for offset in range(COUNT):
        port = FIRST + (start + offset) % COUNT
        if port in excluded:
            continue
        with reserved(port) as free:
            if free:
                yield port
                return
    raise JobError("SR508", f"no free port between {FIRST} and {FIRST + COUNT - 1} on {HOST}")


def user_of(port: int) -> str:
    """Who listens on a port, in words; empty when nobody does."""
    if is_free(port):
        return ""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        connections = []
    pids = sorted({c.pid for c in connections if c.laddr and c.laddr[1] == port and c.pid})
    return ", ".join(f"process {pid} ({_name(pid)})" for pid in pids) or "a process of another user"


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "gone"
