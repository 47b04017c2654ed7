"""What the shell draws: progress of the statement at work, rows, and what was done in which time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlrec.airflow.session import Event, EventKind
from sqlrec.cli.console import stderr, stdout
from sqlrec.cli.progress import RunProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sqlrec.execution.call import Report
    from sqlrec.execution.session import Done, Rows
    from sqlrec.plan.plan import Step

NARROWEST = 8
"""Characters of a column that are of use; where there is less room, each row is drawn as lines."""
WIDEST = 80
"""Characters of a cell that are shown where rows are lines."""


@contextmanager
def working(step: Step) -> Iterator[Report]:
    """Progress of a step: a bar on a terminal, which goes when the step is done, else lines on stderr.

    The last line says what was done, which :func:`show` says again, so it is shown in the bar alone.
    """
    held: list[str] = []
    with RunProgress() as progress:
        progress.show(Event(kind=EventKind.STARTED, task=step.id))

        def report(line: str) -> None:
            held.append(line)
            if not stderr().is_terminal:
                line = held.pop(0) if len(held) > 1 else ""
            if line:
                progress.show(Event(kind=EventKind.PROGRESS, task=step.id, message=line))

        yield report


def show(done: Done) -> None:
    """The rows of a step on stdout, and what it did on stderr."""
    if done.rows is not None:
        draw(done.rows, stdout())
    said = _counted(done.rows) if done.rows is not None else done.outcome.message
    stderr().print(f"{said}  ({done.outcome.seconds:.2f} s)", style="dim", markup=False)


def _counted(rows: Rows) -> str:
    shown = f"first {len(rows.rows)} of " if len(rows.rows) < rows.total else ""
    return f"{shown}{rows.total:,} row{'' if rows.total == 1 else 's'}"


def draw(rows: Rows, console: Console) -> None:
    """A table as wide as the terminal, its cells cut; with too many columns for that, lines for each row."""
    wide = len(rows.columns) * (NARROWEST + 2) > console.width
    if wide and console.is_terminal:
        _draw_lines(rows, console)
    else:
        console.print(_table(rows), soft_wrap=False)


def _table(rows: Rows) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(rows.columns):
        values = [row[index] for row in rows.rows]
        numeric = any(_is_number(v) for v in values) and all(v is None or _is_number(v) for v in values)
        justify = "right" if numeric else "left"
        table.add_column(_plain(name), justify=justify, no_wrap=True, overflow="ellipsis")
    for row in rows.rows:
        table.add_row(*map(_cell, row))
    return table


def _draw_lines(rows: Rows, console: Console) -> None:
    from rich.text import Text

    width = max((len(name) for name in rows.columns), default=0)
    for number, row in enumerate(rows.rows, start=1):
        console.print(Text(f"row {number}", style="bold"))
        for name, value in zip(rows.columns, row, strict=True):
            cell = _cell(value)
            cell.truncate(WIDEST, overflow="ellipsis")
            console.print(Text(f"{_plain(name):>{width}}  ").append(cell))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> Text:
    """A value as text; NULL is told apart from the string, and nothing in it reaches the terminal raw."""
    from rich.text import Text

    if value is None:
        return Text("NULL", style="dim italic")
    return Text(_plain(f"{value:.6g}" if isinstance(value, float) else str(value)))


def _plain(text: str) -> str:
    """The text on one line, without control characters."""
    return "".join(c if c.isprintable() else {"\n": "⏎", "\t": " "}.get(c, "�") for c in text)
