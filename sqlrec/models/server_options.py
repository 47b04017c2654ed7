"""Options of a service's server: who may ask, over which wire, for how long, and what is written down.

They reach the server in the service's spec (:mod:`sqlrec.serving.command` reads them there). Secrets are
named, never written: a spec is stored and shown.
"""

from __future__ import annotations

from sqlrec.models.rollout_options import rollout_options
from sqlrec.spec.access import CA_FILE
from sqlrec.spec.options import Option, OptionKind, Parsed, Scope


def server_options() -> tuple[Option, ...]:
    """For every model type whose services our server runs."""
    return (
        _option(
            "auth_token_file",
            "File on the server's machine with the bearer tokens that callers must send, one a line.",
        ),
        _option("auth_token_env", "Environment variable of the server that holds the bearer token instead."),
        _option("tls_cert_file", "PEM file with the certificate chain of the service port; unset: no TLS."),
        _option("tls_key_file", "PEM file with the certificate's key."),
        _option(
            CA_FILE,
            "PEM file with the authorities that callers trust, where they run; unset: tls_cert_file alone.",
        ),
        _option(
            "request_timeout",
            "How long a request may take to arrive, and how long after that it is still scored.",
            OptionKind.DURATION,
            default=30.0,
        ),
        _option(
            "queue_timeout",
            "Requests that would wait longer for their turn are refused (429).",
            OptionKind.DURATION,
            default=10.0,
        ),
        _option("access_log", "Log every request.", OptionKind.BOOLEAN, default=False),
        _option(
            "tracing",
            "Send a span of every request by OTLP, to where OpenTelemetry's variables say.",
            OptionKind.BOOLEAN,
            default=False,
        ),
        Option(
            key="missing_features",
            kind=OptionKind.STRING,
            doc="What a feature that a request leaves out means: an error, or NULL.",
            scopes=frozenset({Scope.SERVICE}),
            default="error",
            choices=("error", "null"),
        ),
        *rollout_options(),
    )


def _option(key: str, doc: str, kind: OptionKind = OptionKind.STRING, default: Parsed = None) -> Option:
    minimum = 0.001 if kind is OptionKind.DURATION else None
    return Option(
        key=key, kind=kind, doc=doc, scopes=frozenset({Scope.SERVICE}), default=default, minimum=minimum
    )
