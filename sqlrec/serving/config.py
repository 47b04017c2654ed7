"""What a server is told: what it serves, its addresses and the limits it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlrec.spec.function import ApiServiceSpec
from sqlrec.spec.service import ServiceSpec

Spec = TypeVar("Spec", ServiceSpec, ApiServiceSpec)
"""A model or an API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds against clients that send too much, too slowly or too often. Bytes and seconds.

    ``request_timeout`` is how long a request may take to arrive, and how long after its first byte it is
    still scored; one that would wait longer than ``queue_timeout`` is refused. ``queue_bytes`` bounds the
    bodies that are being received, and separately those that wait to be scored. ``idle_timeout`` is longer
    than that of common clients and balancers, so that they, not the server, close a connection at rest.
    """

    head_bytes: int = 32 * 1024
    body_bytes: int = 16 * 1024 * 1024
    rows: int = 100_000
    queue_bytes: int = 128 * 1024 * 1024
    connections: int = 4096
    request_timeout: float = 30.0
    queue_timeout: float = 10.0
    write_timeout: float = 30.0
    idle_timeout: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSource:
    """Where the bearer tokens are: a variable's name, or a file."""

    env: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files of the service port's certificate and its key."""

    cert: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig(Generic[Spec]):
    """One server process. Port 0 means any free one; ``activate`` opens the service port when ready."""

    spec: Spec
    host: str = "127.0.0.1"
    port: int = 0
    private_port: int = 0
    activate: bool = False
    drain_seconds: float = 1.0
    threads: int = 1
    access_log: bool = False
    tracing: bool = False
    token: TokenSource | None = None
    tls: Tls | None = None
    limits: Limits = Limits()


AnyConfig = ServeConfig[ServiceSpec] | ServeConfig[ApiServiceSpec]
"""A configuration, whatever is served."""
