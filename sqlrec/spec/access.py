"""How a service is asked: what its options name, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CA_FILE = "tls_ca_file"
"""The option that names the authorities of a service's certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a client finds the bearer token of a service, and the certificate or the authorities to trust.

    The first two are on the server's machine. A service of our ``own`` may be sent Arrow, and asked twice.
    """

    token_file: str = ""
    token_env: str = ""
    cert_file: str = ""
    ca_file: str = ""
    own: bool = True


def access_of(options: Mapping[str, object], *, own: bool = True) -> Access:
    """What the options of a service say, by canonical key."""

    def text(key: str) -> str:
        return str(options.get(key) or "")

    return Access(
        token_file=text("auth_token_file"),
        token_env=text("auth_token_env"),
        cert_file=text("tls_cert_file"),
        ca_file=text(CA_FILE),
        own=own,
    )
