"""What a client of our own services needs of their machine: the bearer token and the certificate.

The services' options name files and variables; a client on the same machine reads the same.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Generator
from pathlib import Path

import httpx

from sqlrec.errors import SetupError
from sqlrec.spec.access import Access

END = "-----END CERTIFICATE-----"


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
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it is no PEM file"
        raise SetupError(
            "SR622",
            f"the certificate of service {service}, {access.cert_file}, cannot be read: {reason}",
            hint="give this process the file that the service's option tls_cert_file names",
        ) from None
    return context
