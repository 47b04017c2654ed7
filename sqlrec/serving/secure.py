"""Who may ask, and over which wire: the bearer tokens and the certificate of the service port.

Both come from files (or, a token, from a variable) that the server's options only name, so that no spec, log
or error holds a secret. Files are read again when they change; what cannot be read then is logged, and
what was read before stays in force.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import ssl
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

from sqlrec.errors import SetupError
from sqlrec.serving.config import Tls, TokenSource
from sqlrec.serving.connection import Request
from sqlrec.serving.errors import RequestError
from sqlrec.serving.logs import log


class Watched:
    """Files whose content is in force; ``read`` makes it so, or raises ``SetupError``."""

    def __init__(self, paths: Sequence[str], read: Callable[[], None]) -> None:
        self._paths = [Path(path) for path in paths]
        self._read = read
        self._stamps = self._stamp()
        read()

    def refresh(self) -> None:
        """Read again what has changed."""
        stamps = self._stamp()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        names = [str(path) for path in self._paths]
        try:
            self._read()
        except SetupError as error:
            log("not reloaded", files=names, error=str(error))
        else:
            log("reloaded", files=names)

    def _stamp(self) -> list[tuple[int, int, int]]:
        return [_stamp(path) for path in self._paths]


class Gate:
    """Lets requests with a known bearer token pass."""

    def __init__(self, source: TokenSource) -> None:
        """Raises ``SetupError`` SR675 when there is no token where it should be."""
        self._source = source
        self._known: tuple[bytes, ...] = ()
        self.watched = Watched([source.file] if source.file else [], self._read)

    def check(self, request: Request) -> None:
        """Raises ``RequestError`` SR664. Takes as long for a wrong token as for a right one."""
        scheme, _, token = request.header(b"authorization").partition(" ")
        digest = _digest(token.strip())
        matches = [hmac.compare_digest(digest, known) for known in self._known]
        if scheme.lower() != "bearer" or not any(matches):
            raise RequestError(
                "SR664",
                "this service is for known callers" if not scheme else "the bearer token is not known here",
                status=HTTPStatus.UNAUTHORIZED,
                hint="send the header Authorization: Bearer <token>",
                headers=(("WWW-Authenticate", 'Bearer realm="sqlrec"'),),
            )

    def _read(self) -> None:
        """Tokens of the variable or the file, one a line, so that a new one can join before the old goes."""
        source = self._source
        if source.file:
            try:
                text, place = Path(source.file).read_text(encoding="utf-8"), source.file
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not text"
                raise SetupError("SR675", f"cannot read the token file {source.file}: {reason}") from None
        else:
            text, place = os.environ.get(source.env, ""), f"the variable {source.env}"
        tokens = [line.strip() for line in text.splitlines() if line.strip()]
        if not tokens:
            raise SetupError("SR675", f"there is no token in {place}", hint="put one there, a line each")
        if not all(token.isascii() and token.isprintable() for token in tokens):
            raise SetupError("SR675", f"a token in {place} has characters that no HTTP header can carry")
        self._known = tuple(_digest(token) for token in tokens)


class Certificate:
    """The TLS side of the service port. New handshakes take the certificate read last."""

    def __init__(self, files: Tls) -> None:
        """Raises ``SetupError`` SR675 when certificate and key cannot be read or do not belong together."""
        self._files = files
        self.context = _server_context()
        self.watched = Watched([files.cert, files.key], self._read)

    def _read(self) -> None:
        files = self._files
        try:
            for context in (_server_context(), self.context):  # one that fails half-way is not in use
                context.load_cert_chain(files.cert, files.key, password="")
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or error.strerror or "not readable"
            message = f"cannot use the certificate {files.cert} with the key {files.key}: {reason}"
            raise SetupError("SR675", message, hint="both are PEM files, and belong together") from None


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("latin-1")).digest()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_ino, found.st_size
