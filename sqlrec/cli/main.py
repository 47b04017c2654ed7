"""The ``sqlrec`` command.

Exit codes: 0 ok, 1 a step failed, 2 usage, 3 findings in a script, 4 refused by a rule, 5 environment.
Commands import what they need when they run, so that ``--help``, ``check`` and ``plan`` start at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sqlrec import __version__
from sqlrec.cli import compiling, demo, inspecting, running, services
from sqlrec.cli.project import choose_project, is_debug
from sqlrec.errors import ScriptError, SqlRecError

app = typer.Typer(
    name="sqlrec",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"sqlrec {__version__}")
        raise typer.Exit


@app.callback()
def options(
    project: Annotated[
        Path | None,
        typer.Option(help="Project folder; default: the nearest one upwards with a sqlrec.toml."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show Python tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """SQL scripts about machine-learning models as running, scheduled, observable pipelines."""
    choose_project(project, debug=debug)


app.command()(compiling.check)
app.command()(compiling.plan)
app.command()(running.run)
app.command()(inspecting.models)
app.command()(inspecting.checkpoints)
app.add_typer(services.app, name="services")
app.command()(demo.generate)
app.command()(demo.demo)


def main() -> None:
    """Run the command line; an error of ours becomes its message and its exit code."""
    try:
        app()
    except SqlRecError as error:
        if is_debug():
            raise
        typer.echo(_message(error), err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)


def _message(error: SqlRecError) -> str:
    if isinstance(error, ScriptError):
        return str(error)
    help_line = f"\n  = help: {error.hint}" if error.hint else ""
    return f"error[{error.code}]: {error.message}{help_line}"
