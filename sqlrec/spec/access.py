"""How a service of our own is asked: what its options name, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a client on the server's machine finds the bearer token and the certificate of a service.

    A client that has one talks to our own server: it may send Arrow, and may ask twice.
    """

    token_file: str = ""
    token_env: str = ""
    cert_file: str = ""


def access_of(options: Mapping[str, object]) -> Access:
    """What the options of a service say, by canonical key."""

    def text(key: str) -> str:
        return str(options.get(key) or "")

    return Access(
        token_file=text("auth_token_file"), token_env=text("auth_token_env"), cert_file=text("tls_cert_file")
    )
