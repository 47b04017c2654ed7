"""``sqlrec checkpoints compare``: checkpoints side by side, and which of them is better in what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.console import Tinted, print_json, print_table
from sqlrec.cli.project import settings
from sqlrec.spec.names import ModelName

if TYPE_CHECKING:
    from sqlrec.execution.compare import Row
    from sqlrec.spec.model import Checkpoint

COMPARE = "compare"
"""The word between ``checkpoints`` and the model."""
FEWEST = 2
BETTER, WORSE = "▲", "▼"
DIGITS = 6
LARGE = 1000


def compare(model: ModelName, names: Sequence[str], *, as_json: bool, plot: Path | None) -> None:
    """Show checkpoints of a model beside each other; ``plot`` is where their curves are drawn.

    Raises ``NameNotFoundError`` SR205 and SR207, and ``DataError`` SR563 when there is nothing to draw.
    """
    from sqlrec.execution.compare import compared, find_compared
    from sqlrec.execution.environment import Environment

    env = Environment(settings=settings())
    found = find_compared(env.catalog, model, names)
    rows = compared(env.catalog, env.registry, found)
    titles = _titles(found)
    if plot is not None:
        _draw(dict(zip(titles, found, strict=True)), plot)
    if as_json:
        print_json({"model": str(model), "checkpoints": titles, "rows": [_encoded(row) for row in rows]})
        return
    columns = ["", titles[0]]
    for title in titles[1:]:
        columns += [title, "change"]
    print_table(f"Checkpoints of {model}", columns, [_cells(row) for row in rows])


def _titles(found: Sequence[Checkpoint]) -> list[str]:
    """Names of the checkpoints, with their versions where a name is there twice."""
    names = [c.name for c in found]
    return [c.name if names.count(c.name) == 1 else f"{c.name} (version {c.version})" for c in found]


def _encoded(row: Row) -> dict[str, object]:
    return {
        "section": row.section,
        "name": row.name,
        "values": row.values,
        "changes": row.changes,
        "better": row.verdicts,
    }


def _cells(row: Row) -> list[object]:
    shown = [_shown(value) for value in row.values]
    cells: list[object] = [row.name, shown[0]]
    for text, change, verdict in zip(shown[1:], row.changes[1:], row.verdicts[1:], strict=True):
        cells += [text, _change(change, verdict)]
    return cells


def _shown(value: str | float | None) -> str:
    if isinstance(value, float | int):
        return f"{value:,.0f}" if abs(value) >= LARGE or float(value).is_integer() else f"{value:.{DIGITS}g}"
    return value or ""


def _change(change: float | None, verdict: bool | None) -> Tinted | str:
    if change is None:
        return ""
    if change == 0:
        return "="
    size = abs(change)
    text = ("+" if change > 0 else "-") + (_shown(size) if size >= LARGE else f"{size:.3g}")
    if verdict is None:
        return text
    return Tinted(f"{text} {BETTER if verdict else WORSE}", "green" if verdict else "red")


def _draw(found: dict[str, Checkpoint], plot: Path) -> None:
    from sqlrec.artifacts.cache import local_copy
    from sqlrec.models.measuring.overlay import overlay

    overlay({title: local_copy(checkpoint.uri) for title, checkpoint in found.items()}, plot)
