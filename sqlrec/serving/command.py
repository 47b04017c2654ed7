"""The command line of a server's process, whatever it serves."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import cast

import uvloop

from sqlrec.errors import EXIT_FAILED, EXIT_OK, SetupError, SqlRecError
from sqlrec.serving.config import Limits, ServeConfig, Spec
from sqlrec.serving.operations import add_flags, operations
from sqlrec.serving.server import Server
from sqlrec.serving.site import Content
from sqlrec.spec import codec
from sqlrec.spec.secret import given_by, resolved


def run(config: Callable[[], ServeConfig[Spec]], content: Callable[[ServeConfig[Spec]], Content]) -> int:
    """Run a server to its end; the exit status. ``content`` is made inside the event loop."""
    try:
        uvloop.run(_serve(config(), content))
    except SqlRecError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


async def _serve(config: ServeConfig[Spec], content: Callable[[ServeConfig[Spec]], Content]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Server(config, content(config)).run(stop)


def parse_arguments(arguments: Sequence[str], served: type[Spec], program: str) -> ServeConfig[Spec]:
    """The configuration a command line asks for; raises SR670 (unreadable spec), SR320 (secret) and SR675."""
    limits = Limits()
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    add = parser.add_argument
    add("--spec", type=Path, required=True, help=f"{served.__name__} as JSON")
    add("--host", default="127.0.0.1", help="address of the service port")
    add("--port", type=_port, default=0, help="service port; 0: any")
    add("--private-port", type=_port, default=0, help="port on 127.0.0.1 for checks and activation; 0: any")
    add("--activate", action="store_true", help="open the service port as soon as the server is ready")
    add("--drain-seconds", type=float, default=1.0, help="how long to serve on after SIGTERM")
    add("--threads", type=int, default=0, help="threads of the engine; 0: the spec's CPU request")
    add("--max-body-bytes", type=int, default=limits.body_bytes, help="largest request body")
    add("--max-rows", type=int, default=limits.rows, help="most rows of a request")
    add_flags(parser)
    given = parser.parse_args(arguments)
    spec = _with_secrets(_read_spec(given.spec, served))
    how = operations(given, spec.options)
    return ServeConfig(
        spec=spec,
        host=given.host,
        port=given.port,
        private_port=given.private_port,
        activate=given.activate,
        drain_seconds=given.drain_seconds,
        threads=given.threads or max(1, ceil(_cores(spec.resources.cpu))),
        access_log=how.access_log,
        tracing=how.tracing,
        token=how.token,
        tls=how.tls,
        limits=Limits(
            body_bytes=given.max_body_bytes,
            rows=given.max_rows,
            request_timeout=how.request_timeout,
            queue_timeout=how.queue_timeout,
            queue_bytes=max(limits.queue_bytes, 2 * given.max_body_bytes),
        ),
    )


def _port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise ArgumentTypeError(f"{text} is no port")
    return int(text)


def _read_spec(path: Path, served: type[Spec]) -> Spec:
    try:
        return cast(Spec, codec.loads(served, path.read_bytes()))
    except OSError as error:
        raise SetupError("SR670", f"cannot read the service spec {path}: {error.strerror}") from None
    except (SqlRecError, ValueError) as error:
        reason = error.message if isinstance(error, SqlRecError) else error
        raise SetupError("SR670", f"{path} is no service spec: {reason}") from None


def _with_secrets(spec: Spec) -> Spec:
    """The spec with its secrets, but for ``env``, which is this process's own environment already."""
    return resolved(replace(spec, env={}), given_by(os.environ))


def _cores(quantity: str) -> float:
    """Cores of a Kubernetes CPU quantity: ``2``, ``0.5`` or ``500m``; ``SetupError`` SR670 for others."""
    try:
        return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)
    except ValueError:
        raise SetupError("SR670", f"the service asks for {quantity!r} CPUs, which is no number") from None
