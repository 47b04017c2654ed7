"""What a client needs to be let in and to trust: the bearer token, and the certificate or its authorities.

The services' options name files and variables, which the client reads where it runs.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx

from sqlrec.errors import SetupError
from sqlrec.spec.access import Access

END = "-----END CERTIFICATE-----"


LOOPBACK = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
"""Addresses that no proxy is asked for."""


def connection(service: str, access: Access | None) -> dict[str, Any]:
    """How a client of httpx connects to a service; raises ``SetupError`` SR621, SR622."""
    with_token = access is not None and (access.token_file or access.token_env)
    return {
        "auth": Bearer(service, access) if access and with_token else None,
        "verify": _verified(service, access),
        "mounts": LOOPBACK,
    }


def _verified(service: str, access: Access | None) -> ssl.SSLContext | bool:
    """Authorities that are named, else the service's own certificate, else whom this machine trusts."""
    if access and access.ca_file:
        return authorities(service, access)
    return trusted(service, access) if access and access.cert_file else True


class Bearer(httpx.Auth):
    """Sends the token; one that is refused is read again, for the file may have changed."""

    def __init__(self, service: str, access: Access) -> None:
        """Raises ``SetupError`` SR621 when there is no token where the service's options say."""
        self._service = service
        self._access = access
        self._token = self._read()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request, or two when the token has changed."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and (token := self._read()) != self._token:
            self._token = token
            request.headers["Authorization"] = f"Bearer {token}"
            yield request

    def _read(self) -> str:
        """The first token: a file may have several, one a line."""
        access = self._access
        place = access.token_file or f"the variable {access.token_env}"
        try:
            file = access.token_file
            text = Path(file).read_text(encoding="ascii") if file else os.environ.get(access.token_env, "")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not ASCII text"
            raise self._missing(f"{place} cannot be read: {reason}") from None
        token = next((line.strip() for line in text.splitlines() if line.strip()), "")
        if not (token and token.isascii() and token.isprintable()):
            raise self._missing(f"there is none in {place}")
        return token

    def _missing(self, why: str) -> SetupError:
        return SetupError(
            "SR621",
            f"service {self._service} wants a bearer token, and {why}",
            hint="give this process the file or variable that the service's options name",
        )


def authorities(service: str, access: Access) -> ssl.SSLContext:
    """Trust certificates that these authorities signed for the host of the URL; raises ``SetupError`` SR622.

    An authority in the middle of a chain will do, for that is what is given out.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=access.ca_file)
    except OSError as error:
        what = f"the authorities of service {service}, {access.ca_file},"
        raise _unreadable(what, "tls_ca_file", error) from None
    return context


def trusted(service: str, access: Access) -> ssl.SSLContext:
    """Trust the service's own certificate and no other, whatever name it is made out to.

    The address is one of this machine, which no public certificate names. Raises ``SetupError`` SR622.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        first, end, _ = Path(access.cert_file).read_text(encoding="ascii").partition(END)
        context.load_verify_locations(cadata=first + end)
    except (OSError, ValueError) as error:
        what = f"the certificate of service {service}, {access.cert_file},"
        raise _unreadable(what, "tls_cert_file", error) from None
    return context


def _unreadable(what: str, option: str, error: OSError | ValueError) -> SetupError:
    told = getattr(error, "strerror", None)
    is_foreign = isinstance(error, ssl.SSLError) or not told
    why = "it holds no certificate in PEM" if is_foreign else told
    return SetupError(
        "SR622",
        f"{what} cannot be read: {why}",
        hint=f"give this process the PEM file that the service's option {option} names",
    )
