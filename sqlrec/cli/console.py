"""What commands print: results on stdout, everything else on stderr, no colour when piped.

rich is imported when something is drawn, not when a command starts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


PIPED_WIDTH = 200
"""Columns of a table that no terminal shows."""


def stdout() -> Console:
    """The console of results."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def stderr() -> Console:
    """The console of progress and messages."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Tinted:
    """A cell in a colour of its own, such as ``green``."""

    text: str
    style: str


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Draw a table on stdout; numbers stand right. Texts are shown as they are, brackets too.

    A cell may be :class:`Tinted`; where there are no colours it is text.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    given = [list(row) for row in rows]
    cells = [[_cell(v) for v in row] for row in given]
    numeric = [bool(cells) and all(_is_number(row[i]) for row in cells) for i in range(len(columns))]
    table = Table(
        title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for index, (name, right) in enumerate(zip(columns, numeric, strict=True)):
        table.add_column(
            escape(name), justify="right" if right else "left", overflow="fold", no_wrap=index == 0
        )
    for row, texts in zip(given, cells, strict=True):
        table.add_row(
            *(Text(t, v.style if isinstance(v, Tinted) else "") for v, t in zip(row, texts, strict=True))
        )
    stdout().print(table)


def print_fact(name: str, text: str) -> None:
    """One line on stdout: a name, and what there is to say about it."""
    from rich.markup import escape

    stdout().print(f"[bold]{escape(name):>16}[/]  {escape(text)}")


def print_json(data: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, Tinted):
        return value.text
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).lstrip("-").isdigit() or not text
