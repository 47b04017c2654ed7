"""``sqlrec lsp``: a language server on the standard streams, for editors."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command
from sqlrec.errors import SetupError

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """Declare ``lsp``."""
    add_command(
        commands,
        "lsp",
        lambda a: serve(),
        "speak the language server protocol on the standard streams: findings, completion, hover, formatting",
    )


def serve() -> None:
    """Answer an editor until it says exit; raises ``SetupError`` SR733 when the library is missing.

    The stream is the editor's alone: what else is printed goes to the standard error.
    """
    try:
        from sqlrec.cli.languageserver_features import make_server
    except ModuleNotFoundError as error:
        raise SetupError(
            "SR733", f"the language server needs the package {error.name}", hint="pip install 'sqlrec[lsp]'"
        ) from error
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stream, redirect_stdout(sys.stderr):
        make_server().start_io(stdout=stream)
