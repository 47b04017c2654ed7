"""What the shell draws: progress of the statement at work, rows, and what was done in which time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlrec.airflow.session import Event, EventKind
from sqlrec.cli.console import stderr, stdout
from sqlrec.cli.progress import RunProgress
from sqlrec.execution.display import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sqlrec.execution.call import Report
    from sqlrec.execution.session import Done, Rows
    from sqlrec.plan.plan import Step

NARROWEST = 8
"""Characters of a column that are of use; where there is less room, each row is drawn as lines."""
GAP = 3
"""Characters between two columns."""


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
    stderr().print(f"{said}  ({done.seconds:.2f} s)", style="dim", markup=False)


def _counted(rows: Rows) -> str:
    shown = f"first {len(rows.rows)} of " if len(rows.rows) < rows.total else ""
    return f"{shown}{rows.total:,} row{'' if rows.total == 1 else 's'}"


def draw(rows: Rows, console: Console) -> None:
    """A table as wide as the terminal, its cells cut; with too many columns for that, lines for each row.

    A text of several lines that is all there is, such as a statement, is printed as it is.
    """
    room = console.width - GAP * (len(rows.columns) - 1)
    if (text := _statement(rows)) is not None:
        for line in text.split("\n"):
            console.print(_text(line), soft_wrap=True)
    elif room < NARROWEST * len(rows.columns) and console.is_terminal:
        _draw_lines(rows, console)
    else:
        console.print(_table(rows, room), soft_wrap=False)


def _statement(rows: Rows) -> str | None:
    match rows.rows:
        case ((str() as text,),) if "\n" in text:
            return text
        case _:
            return None


def _table(rows: Rows, room: int) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    cells = [[_cell(value) for value in row] for row in rows.rows]
    columns = [[_text(name), *(row[index] for row in cells)] for index, name in enumerate(rows.columns)]
    widths = _fitted([max(cell.cell_len for cell in column) for column in columns], room)
    for index, column in enumerate(columns):
        table.add_column(
            column[0],
            justify="right" if _is_numeric([row[index] for row in rows.rows]) else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=widths[index],
        )
    for row in cells:
        table.add_row(*row)
    return table


def _fitted(widths: list[int], room: int) -> list[int]:
    """Widths that fit: the widest are cut to one measure, the others stay."""
    cap = max(widths, default=0)
    while cap > 1 and sum(min(width, cap) for width in widths) > room:
        cap -= 1
    return [min(width, cap) for width in widths]


def _draw_lines(rows: Rows, console: Console) -> None:
    from rich.text import Text

    width = max(_text(name).cell_len for name in rows.columns)
    for number, row in enumerate(rows.rows, start=1):
        console.print(Text(f"row {number}", style="bold"))
        for name, value in zip(rows.columns, row, strict=True):
            head, cell = _text(name), _cell(value)
            head.pad_left(width - head.cell_len)
            cell.truncate(max(NARROWEST, console.width - width - GAP), overflow="ellipsis")
            console.print(head.append("  ").append(cell))


def _is_numeric(values: list[object]) -> bool:
    """Whether a column holds numbers: they stand right."""
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)


def _cell(value: object) -> Text:
    """A value as text; NULL is told apart from the string."""
    from rich.text import Text

    if value is None:
        return Text("NULL", style="dim italic")
    return _text(shown(value))


def _text(text: str) -> Text:
    """A text on one line; no character of it controls the terminal."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() else {"\n": "⏎", "\t": " "}.get(c, "�") for c in text))
