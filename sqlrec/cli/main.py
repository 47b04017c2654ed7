"""The ``sqlrec`` command.

Exit codes: 0 ok, 1 a step failed, 2 usage, 3 findings in a script, 4 refused by a rule, 5 environment.
Commands import what they need when they run, so that ``--help``, ``check`` and ``plan`` start at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlrec import __version__
from sqlrec.cli import (
    calling,
    compiling,
    completing,
    demo,
    explaining,
    formatting,
    inspecting,
    languageserver,
    referencing,
    running,
    scoring,
    services,
    shell,
)
from sqlrec.cli.messages import error_text
from sqlrec.cli.project import choose_project
from sqlrec.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, SqlRecError

EXIT_INTERRUPTED = 130
MODULES = (
    compiling,
    formatting,
    explaining,
    running,
    shell,
    inspecting,
    services,
    calling,
    scoring,
    demo,
    languageserver,
    referencing,
)
"""Modules that declare commands, in the order of ``--help``."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="sqlrec",
        description="SQL scripts about machine-learning models as running, scheduled, observable pipelines.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--project",
        type=Path,
        metavar="FOLDER",
        help="project folder; default: the nearest one upwards with a sqlrec.toml",
    )
    parser.add_argument("--debug", action="store_true", help="show Python tracebacks of errors")
    parser.add_argument("--version", action="version", version=f"sqlrec {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for module in MODULES:
        module.add_to(commands)
    completing.add_to(commands, parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit status; an error of ours becomes its message and its status."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    try:
        choose_project(given.project)
        status: int | None = given.run(given)
        sys.stdout.flush()
    except SqlRecError as error:
        if given.debug:
            raise
        print(error_text(error), file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough, as in "sqlrec plan rank.sql | head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return status or EXIT_OK
