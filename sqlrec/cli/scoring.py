"""``sqlrec score``: a table through a model."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.console import print_json, stderr
from sqlrec.cli.project import by_hand, settings
from sqlrec.errors import NameNotFoundError
from sqlrec.spec import codec
from sqlrec.spec.names import ModelName
from sqlrec.spec.table import TableFormat, TableSource

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from sqlrec.cli.arguments import Commands
    from sqlrec.execution.call import Call

FORMATS = {".parquet": TableFormat.PARQUET, ".csv": TableFormat.CSV}


def add_to(commands: Commands) -> None:
    """Declare ``score``."""
    scoring = add_command(
        commands,
        "score",
        lambda a: score(scoring, a),
        "score a table in this process, or through a service; goes on where it was stopped",
    )
    scoring.add_argument(
        "model", metavar="MODEL[@CHECKPOINT]", help="without a checkpoint: the newest export"
    )
    scoring.add_argument("input", metavar="INPUT", help="a parquet or CSV file or folder, or a table's name")
    scoring.add_argument(
        "output", metavar="OUTPUT", help="likewise, elsewhere; it is overwritten in one step"
    )
    variants = ("auto", "int8", "fp32")
    scoring.add_argument(
        "--variant", choices=variants, default="auto", help="auto: INT8 where the export kept it"
    )
    scoring.add_argument(
        "--service", default="", metavar="NAME", help="ask this service of the model instead"
    )
    add_json(scoring)


def score(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Score a table; what is done so far stands on stderr."""
    from sqlrec.execution.scoring import Asked, score_by_hand

    name, _, checkpoint = given.model.partition("@")
    try:
        model = ModelName.parse(name)
    except ValueError as error:
        parser.error(str(error))
    own = by_hand("score")
    asked = Asked(
        model=model,
        checkpoint=_checkpoint(model, checkpoint, own),
        inputs=_table(given.input, reads=True),
        output=_table(given.output, reads=False),
        variant=given.variant,
        service=given.service,
    )
    if _overlap(asked.inputs, asked.output):
        parser.error(f"OUTPUT {given.output} is overwritten, and INPUT {given.input} is in the same place")
    if other := _written_by_others(asked.output):
        parser.error(
            f"OUTPUT {given.output} would be overwritten, and no scoring wrote {other}; name another"
        )
    with Bar(f"scoring {given.input}") as bar:
        outcome = score_by_hand(asked, own, bar)
    if given.as_json:
        print_json(codec.encode(outcome))
    else:
        print(f"{outcome.message}: {asked.output.path}")


def _checkpoint(model: ModelName, name: str, call: Call) -> str:
    """A name of a checkpoint, or ``@name`` when an alias of the model is called so."""
    from sqlrec.execution.find import ALIAS

    registry = call.env.registry
    if not name or registry.model(model) is None or registry.checkpoint(model, name) is not None:
        return name
    return ALIAS + name if name.casefold() in registry.aliases(model) else name


def _table(text: str, *, reads: bool) -> TableSource:
    """A file or folder as seen from the current folder, or a table of the warehouse; SR401 for neither."""
    from sqlrec.data.source import resolve

    path = Path(text).expanduser()
    if path.suffix in FORMATS or "/" in text or path.exists():
        form = FORMATS.get(path.suffix, TableFormat.PARQUET)
        whole = os.path.normpath(path.absolute())  # however it is spelled, it is the same work that goes on
        return TableSource(name=whole, format=form, path=whole)
    own = settings()
    source = TableSource(name=text, format=TableFormat.WAREHOUSE)
    try:
        return resolve(source, project=own.project, warehouse=own.warehouse)
    except NameNotFoundError:
        if reads:
            raise
        into = own.warehouse.joinpath(*text.split("."))
        return TableSource(name=text, format=TableFormat.PARQUET, path=str(into))


def _overlap(one: TableSource, other: TableSource) -> bool:
    """Whether two tables are the same files, or one is in the folder of the other."""
    from sqlrec.artifacts.store import is_local, local_path

    if not (is_local(one.path) and is_local(other.path)):
        return one.path.rstrip("/") == other.path.rstrip("/")
    a, b = local_path(one.path).resolve(), local_path(other.path).resolve()
    return a.is_relative_to(b) or b.is_relative_to(a)


def _written_by_others(output: TableSource) -> str:
    """A data file in the folder of the output that is not of an earlier scoring, if there is one."""
    from sqlrec.artifacts.store import is_local, local_path
    from sqlrec.data.commit import walk
    from sqlrec.jobs.scored import PARTS

    if not is_local(output.path):
        return ""
    root = local_path(output.path)
    others = (file for file in walk(root, output.format) if not file.name.startswith(PARTS))
    return next((file.relative_to(root).as_posix() for file in others), "")


class Bar:
    """A progress bar on a terminal, lines elsewhere."""

    def __init__(self, title: str) -> None:
        self._console = stderr()
        self._title = title
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(24),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(self._title, total=1.0)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, message: str, *, done: float | None = None) -> None:
        """Show what is done, and its share."""
        if self._bar is None or self._task is None:
            self._console.print(message, markup=False)
        else:
            self._bar.update(self._task, description=message, completed=done)
