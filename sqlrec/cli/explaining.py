"""``sqlrec explain``: what a code means, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.console import print_json
from sqlrec.errors import NameNotFoundError, suggest

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.codes.index import Entry


def add_to(commands: Commands) -> None:
    """Declare ``explain``."""
    parser = add_command(
        commands,
        "explain",
        lambda a: explain(a.code, as_json=a.as_json),
        "what a code such as SR204 means and what to do about it; without one, all codes",
    )
    parser.add_argument("code", nargs="?", default="", help="the code of a message")
    add_json(parser)


def explain(code: str, *, as_json: bool) -> None:
    """Show one entry of the index, or the titles of all. Raises SR706 for a code that there is not."""
    from sqlrec.codes.index import entries

    known = entries()
    if code:
        entry = known.get(_folded(code))
        if entry is None:
            hint = suggest(_folded(code), known) or "sqlrec explain lists all codes"
            raise NameNotFoundError("SR706", f"there is no code {code!r}", hint=hint)
        _print_entry(entry, as_json=as_json)
    elif as_json:
        print_json([asdict(entry) for entry in known.values()])
    else:
        _print_titles(known)


def _folded(code: str) -> str:
    """``204`` and ``sr204`` are SR204."""
    return f"SR{code.strip().upper().removeprefix('SR')}"


def _print_titles(known: dict[str, Entry]) -> None:
    from sqlrec.codes.index import FAMILIES

    for family, title in FAMILIES.items():
        print(title)
        for entry in known.values():
            if entry.family == family:
                print(f"  {entry.code}  {entry.title}")
        print()


def _print_entry(entry: Entry, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(entry))
        return
    print(f"{entry.code}: {entry.title}\n\n{entry.meaning}\n\n{entry.fix}")
    for title, script in (("Wrong:", entry.bad), ("Right:", entry.good)):
        if script:
            lines = "\n".join(f"  {line}" for line in script.split("\n"))
            print(f"\n{title}\n{lines}")
