"""How commands are declared.

argparse, because ``sqlrec check`` has 0.3 s to answer and reading SQL takes most of it: importing typer and
what it reads arguments with costs 0.14 s, argparse 0.01 s.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[Any], int | None]
"""Takes the parsed arguments, does the work of a command; gives the exit status, 0 when it gives none."""


def add_command(commands: Commands, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
    """Declare a command; its arguments are added to the parser that is returned."""
    parser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare ``--json`` as ``as_json``."""
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")


def add_params(parser: argparse.ArgumentParser, what: str = "a value for a DECLAREd name") -> None:
    """Declare ``--param NAME=VALUE``, any number of times, as ``param``: a list of pairs."""
    parser.add_argument(
        "--param",
        "-p",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=what,
    )


def positive(text: str) -> int:
    """An integer from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def pair(text: str) -> tuple[str, str]:
    """``name=value``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"write name=value, not {text!r}")
    return name.strip(), value
