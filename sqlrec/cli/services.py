"""``sqlrec services``: the model services of this machine, listed, watched and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sqlrec.cli.console import print_json, print_table
from sqlrec.cli.project import settings
from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.spec import codec

if TYPE_CHECKING:
    from sqlrec.runtimes.local.services import LocalServiceRuntime

app = typer.Typer(help="List, stop and read the model services of this machine.", rich_markup_mode=None)


def runtime() -> LocalServiceRuntime:
    """The service runtime of the chosen project."""
    from sqlrec.runtimes.local.services import LocalServiceRuntime

    return LocalServiceRuntime(settings().work_dir / "services")


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the services of this machine."""
    if context.invoked_subcommand is not None:
        return
    endpoints = runtime().endpoints()
    if as_json:
        print_json([codec.encode(endpoint) for endpoint in endpoints])
        return
    rows = [(e.name, e.state, e.checkpoint, e.version, e.url, e.detail) for e in endpoints]
    print_table("Services", ("service", "state", "checkpoint", "version", "url", "detail"), rows)


@app.command()
def stop(
    names: Annotated[list[str] | None, typer.Argument(help="Services to stop.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Stop all services.")] = False,
) -> None:
    """Drain and stop services. They stay registered; running their script starts them again."""
    local = runtime()
    known = [e.name for e in local.endpoints()]
    chosen = known if every else (names or [])
    if not chosen and not every:
        raise typer.BadParameter("name a service, or give --all")
    for name in chosen:
        if name not in known:
            raise NameNotFoundError("SR206", f"service {name} does not run here", hint=suggest(name, known))
    for name in chosen:
        local.stop(name)
        typer.echo(f"stopped {name}")


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="The service.")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines.")] = 50,
) -> None:
    """Show the last lines of a service's log."""
    typer.echo(runtime().logs(name, lines))
