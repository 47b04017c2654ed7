"""``sqlrec call``: a few rows through a service, or tables through an API."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json, add_params
from sqlrec.cli.console import print_json, print_table
from sqlrec.cli.project import by_hand
from sqlrec.errors import DataError

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.spec.function import ApiSpec

EXAMPLE = 'a JSON list of objects, or one object: {"user_id": 1}'

Rows = Sequence[Mapping[str, object]]


def add_to(commands: Commands) -> None:
    """Declare ``call``."""
    parser = add_command(
        commands,
        "call",
        lambda a: call(parser, a),
        "ask a running service about a few rows, or an API about its input tables",
    )
    parser.add_argument("name", help="a service, else an API; api.NAME is always an API")
    parser.add_argument(
        "rows",
        nargs="?",
        metavar="ROWS",
        help=f"a file, - or {EXAMPLE}; of an API with several input tables one with their names",
    )
    add_params(parser, "a parameter of the API")
    add_json(parser)


def call(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Print the rows with a service's outputs, or those that an API answers."""
    from sqlrec.execution.call_api import ask_api, find_api
    from sqlrec.execution.scoring import ask_service

    own = by_hand("call")
    api = find_api(given.name, own)
    if api is None:
        if given.param:
            parser.error(f"{given.name} is no API: only an API has parameters")
        answered: Rows | None = ask_service(given.name, _rows(given.rows or "-"), own)
    else:
        answered = ask_api(api, _tables(api, given.rows), dict(given.param), own)
    if given.as_json:
        print_json(answered)
    elif answered is None:
        print(f"API {given.name} returns nothing")
    elif not answered:
        print(f"{given.name} answered no rows")
    else:
        columns = list(dict.fromkeys(name for row in answered for name in row))
        print_table(given.name, columns, [[row.get(name) for name in columns] for row in answered])


def _tables(api: ApiSpec, text: str | None) -> object:
    """What is given for the tables of an API; for one without any there need be nothing."""
    if text is None and not api.program.inputs:
        return {}
    return _read(text or "-")[0]


def _rows(text: str) -> Rows:
    """One row, or a list of them; raises ``DataError`` SR638."""
    found, where = _read(text)
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError("SR638", f"{where} holds no rows", hint=EXAMPLE)
    return rows


def _read(text: str) -> tuple[object, str]:
    """The JSON of a file, of standard input, or of the argument itself, and where it was; raises SR638.

    Read as the servers read it: NaN, infinity and half of a surrogate pair are no JSON.
    """
    import orjson

    where = "what is given"
    try:
        if text == "-":
            text, where = sys.stdin.read(), "standard input"
        elif not text.lstrip().startswith(("{", "[")):
            where = text
            text = Path(text).read_text(encoding="utf-8")
        return orjson.loads(text), where
    except OSError as error:
        raise DataError("SR638", f"{where} cannot be read: {error.strerror}", hint=EXAMPLE) from None
    except ValueError as error:
        raise DataError("SR638", f"{where} is no JSON: {error}", hint=EXAMPLE) from None
