"""``sqlrec shell``: statements one by one, done in this process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_params
from sqlrec.cli.compiling import catalog_of
from sqlrec.cli.messages import error_text
from sqlrec.cli.project import settings
from sqlrec.cli.reaching import Reach
from sqlrec.cli.shell_words import HELP, LEAVE, help_text
from sqlrec.errors import SetupError, SqlRecError, render_diagnostic
from sqlrec.spec.names import DEFAULT_CATALOG, DEFAULT_DATABASE

if TYPE_CHECKING:
    from sqlrec.assist.world import World
    from sqlrec.cli.arguments import Commands
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.session import Block, Session
    from sqlrec.plan.catalog import Catalog
    from sqlrec.spec.schema import Schema
    from sqlrec.spec.table import TableSource

GREETING = "sqlrec shell: statements end with ; — help, \\h or Tab helps, exit or Ctrl-D leaves"


def add_to(commands: Commands) -> None:
    """Declare ``shell``."""
    parser = add_command(
        commands,
        "shell",
        lambda a: shell(statements=a.execute, file=a.file, params=dict(a.param)),
        "do statements one by one, typed or from a file; without a terminal, from the standard input",
    )
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "-e", dest="execute", action="append", default=[], metavar="SQL", help="do these statements and leave"
    )
    given.add_argument(
        "-f", dest="file", type=Path, metavar="FILE", help="do the statements of a file and leave"
    )
    add_params(parser)


def shell(*, statements: list[str], file: Path | None, params: Mapping[str, str]) -> None:
    """Do what was given, or what is typed, in one session.

    Statements that were given are read whole before the first is done, and the first error ends the shell;
    what is typed is done up to the first error, and the shell goes on.
    """
    from sqlrec.airflow.cache import read_script
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.session import open_session

    chosen = settings()
    typed = not statements and file is None and sys.stdin.isatty()
    text, path = ";\n".join(statements), "<-e>"
    if file is not None:
        text, path = read_script(file), str(file)
    elif not statements and not typed:
        text, path = sys.stdin.read(), "<stdin>"
    env = Environment(settings=chosen)

    def columns(table: TableSource) -> Schema | None:
        """Columns as they are now: a session changes tables."""
        return Reach(chosen)(table)

    with _ended(), open_session(env, catalog=_catalog(env), columns=columns, given=params) as session:
        if typed:
            _converse(session, chosen.work_dir)
        else:
            _do(session, text, path)


@contextmanager
def _ended() -> Iterator[None]:
    """Let a closed terminal or a termination stop what is at work, as Ctrl-C does, and then the shell."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _catalog(env: Environment) -> Catalog:
    """What is registered: read from the project's own database, or asked of a tracking server."""
    if env.settings.embedded:
        return catalog_of(env.settings)
    from sqlrec.registry.view import RegistryCatalog

    return RegistryCatalog(env.registry)


def _converse(session: Session, work_dir: Path) -> None:
    """Read and do until the user leaves."""
    ask = _prompt()(session, work_dir)
    print(GREETING)
    while True:
        try:
            line = ask(f"{_shown(session.namespace)}> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        word, _, topic = line.rstrip("; ").partition(" ")
        if word.casefold() in LEAVE and not topic:
            return
        try:
            if word.casefold() in HELP:
                print(help_text(topic.strip()))
            else:
                _do(session, line, "shell")
        except SqlRecError as error:
            print(error_text(error), file=sys.stderr)
        except KeyboardInterrupt:
            print("stopped; the session is as it was before the statement", file=sys.stderr)


def _prompt() -> Callable[[World, Path], Callable[[str], str]]:
    """What opens the prompt; raises ``SetupError`` SR731 when its library is missing."""
    try:
        from sqlrec.cli.shell_prompt import open_prompt
    except ModuleNotFoundError as error:
        raise SetupError(
            "SR731", f"the shell needs the package {error.name}", hint="pip install 'sqlrec[shell]'"
        ) from error
    return open_prompt


def _shown(namespace: str) -> str:
    """``sqlrec`` in the default database, else the current one."""
    return DEFAULT_CATALOG if namespace == f"{DEFAULT_CATALOG}.{DEFAULT_DATABASE}" else namespace


def _do(session: Session, text: str, path: str) -> None:
    from sqlrec.execution.session import read

    for block in read(text, path):
        _do_block(session, block)


def _do_block(session: Session, block: Block) -> None:
    """Plan and do one statement, and show what it gives."""
    from sqlrec.cli.shell_output import show, working

    planned = session.plan(block)
    for warning in planned.plan.warnings:
        print(render_diagnostic(warning, block.text, block.path), file=sys.stderr)
    for done in session.do(planned, working):
        show(done)
