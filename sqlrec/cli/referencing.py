"""``sqlrec reference``: the pages of the documentation that are made from the code they describe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.artifacts.durable import make_folder
from sqlrec.cli.arguments import add_command
from sqlrec.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """Declare ``reference``."""
    parser = add_command(
        commands,
        "reference",
        lambda a: reference(a.output, check=a.check),
        "write the reference of the language and of its messages: sql.md, errors.md",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("docs"), metavar="FOLDER", help="where to; default: docs"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 3 when the pages there are out of date"
    )


def pages() -> dict[str, str]:
    """The pages by file name."""
    from sqlrec.cli.referencing_errors import errors_page
    from sqlrec.cli.referencing_sql import sql_page

    return {"sql.md": sql_page(), "errors.md": errors_page()}


def reference(folder: Path, *, check: bool) -> int:
    """Write the pages, or tell which of them are out of date; gives the exit status."""
    stale = [name for name, text in pages().items() if _read(folder / name) != text]
    if check:
        for name in stale:
            print(f"{folder / name} is out of date: run sqlrec reference --output {folder}", file=sys.stderr)
        return EXIT_FINDINGS if stale else EXIT_OK
    make_folder(folder)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)
    return EXIT_OK


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
