"""``sqlrec services``: the model services of this machine, or of its cluster, listed, watched and stopped."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlrec.cli import rollout, syncing
from sqlrec.cli.arguments import add_command, add_json, positive
from sqlrec.cli.console import print_json, print_table
from sqlrec.cli.project import settings
from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.spec import codec

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.runtimes.runtime import ServiceRuntime


def add_to(commands: Commands) -> None:
    """Declare ``services`` with its own commands (without one it lists), and ``rollout``."""
    rollout.add_to(commands)
    parser = add_command(
        commands,
        "services",
        lambda a: listing(as_json=a.as_json),
        "list, stop and read the model services of this machine or its cluster",
    )
    add_json(parser)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND")
    stopping = add_command(actions, "stop", _stop, "drain and stop services; they stay registered")
    stopping.add_argument("names", nargs="*", metavar="NAME", help="services to stop")
    stopping.add_argument("--all", dest="every", action="store_true", help="stop all services")
    stopping.set_defaults(refuse=stopping.error)
    syncing.add_to(actions)
    reading = add_command(
        actions, "logs", lambda a: logs(a.name, a.lines), "show the last lines of a service's log"
    )
    reading.add_argument("name", help="the service")
    reading.add_argument("--lines", "-n", type=positive, default=50, metavar="N", help="how many; 50")


def runtime() -> ServiceRuntime:
    """The service runtime of the chosen project."""
    from sqlrec.execution.environment import open_services

    return open_services(settings())


def listing(*, as_json: bool) -> None:
    """List the services."""
    endpoints = runtime().endpoints()
    if as_json:
        print_json([codec.encode(endpoint) for endpoint in endpoints])
        return
    if not endpoints:
        print(f"no services in the project {settings().project}")
        return
    rows = [(e.name, e.state, e.checkpoint, e.version, e.url, e.detail) for e in endpoints]
    print_table("Services", ("service", "state", "checkpoint", "version", "url", "detail"), rows)


def _stop(given: argparse.Namespace) -> None:
    if not given.names and not given.every:
        given.refuse("name a service, or give --all")
    stop(given.names, every=given.every)


def stop(names: Sequence[str], *, every: bool) -> None:
    """Drain and stop services. They stay registered; running their script starts them again."""
    services = runtime()
    known = [e.name for e in services.endpoints()]
    chosen = known if every else names
    for name in chosen:
        if name not in known:
            raise _unknown(name, known)
    for name in chosen:
        services.stop(name)
        print(f"stopped {name}")


def logs(name: str, lines: int) -> None:
    """Show the last lines of a service's log."""
    services = runtime()
    known = [e.name for e in services.endpoints()]
    if name not in known:
        raise _unknown(name, known)
    print(services.logs(name, lines))


def _unknown(name: str, known: Sequence[str]) -> NameNotFoundError:
    hint = suggest(name, known) or f"services: {', '.join(known) or 'none'}"
    return NameNotFoundError("SR206", f"service {name} does not run here", hint=hint)
