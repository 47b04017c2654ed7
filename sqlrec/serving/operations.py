"""How a server is operated: who may ask, over which wire, for how long, and what is written down.

Options of CREATE SERVICE and CREATE API say it in SQL, and the spec brings them. Servers take the same by
flags, which win, when they are started by hand or by a manifest.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import dataclass

from sqlrec.errors import SetupError
from sqlrec.serving.config import Limits, Tls, TokenSource
from sqlrec.spec.options import Parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The options of the same names. Times in seconds."""

    access_log: bool
    tracing: bool
    request_timeout: float
    queue_timeout: float
    token: TokenSource | None
    tls: Tls | None


def add_flags(parser: ArgumentParser) -> None:
    """The options as flags."""
    add = parser.add_argument
    add("--auth-token-file", help="file with the bearer tokens that callers must send, one a line")
    add("--auth-token-env", help="variable that holds the bearer token instead")
    add("--tls-cert-file", help="PEM file with the certificate chain of the service port")
    add("--tls-key-file", help="PEM file with the certificate's key")
    add("--request-timeout", type=_seconds, help="seconds to arrive, and to be scored in")
    add("--queue-timeout", type=_seconds, help="refuse requests that would wait longer for their turn")
    add("--access-log", action="store_true", default=None, help="log every request")
    add("--tracing", action="store_true", default=None, help="send a span of every request by OTLP")


def operations(given: Namespace, options: Mapping[str, Parsed]) -> Operations:
    """What flags and options say together; raises ``SetupError`` SR675 for half of a pair, or both of one."""

    def chosen(key: str) -> Parsed:
        flag: Parsed = getattr(given, key)
        return options.get(key) if flag is None else flag

    limits = Limits()
    return Operations(
        access_log=chosen("access_log") is True,
        tracing=chosen("tracing") is True,
        request_timeout=_number(chosen("request_timeout"), limits.request_timeout),
        queue_timeout=_number(chosen("queue_timeout"), limits.queue_timeout),
        token=_token(chosen("auth_token_env"), chosen("auth_token_file")),
        tls=_tls(chosen("tls_cert_file"), chosen("tls_key_file")),
    )


def _token(env: Parsed, file: Parsed) -> TokenSource | None:
    if env and file:
        raise SetupError("SR675", "auth_token_env and auth_token_file are both given", hint="leave one out")
    return TokenSource(env=str(env or ""), file=str(file or "")) if env or file else None


def _tls(cert: Parsed, key: Parsed) -> Tls | None:
    if bool(cert) is not bool(key):
        missing = "tls_key_file" if cert else "tls_cert_file"
        raise SetupError("SR675", f"{missing} is missing", hint="a certificate and its key go together")
    return Tls(cert=str(cert), key=str(key)) if cert else None


def _number(value: Parsed, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < 1e6:
        raise ArgumentTypeError(f"{text} is no time in seconds")
    return seconds
