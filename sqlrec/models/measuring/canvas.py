"""What all pictures share: a bare figure on the Agg canvas, colours, and how titles and axes are written.

No display, no global pyplot state, the same bytes each time. Blue and orange are told apart by everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREY, INK = "#2f6fb0", "#d9772b", "#9aa3ad", "#2b3138"
LINES = (BLUE, ORANGE, "#3a9a82", "#8c5fa8", "#b8a12c", "#6b7580")
STYLES = ("-", "--", "-.", ":")
"""Colours and strokes of lines that are compared: told apart in grey, too."""
SIZE, DPI = (6.4, 4.2), 120
LONGEST_NAME, WIDE_TITLE = 28, 52

Paint = Callable[[Any], None]


def save(path: Path, paint: Paint) -> None:
    """Write what ``paint`` draws on an axes."""
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(visible=True, color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)
    paint(axes)
    figure.savefig(path, metadata={"Software": None})


def label(axes: Any, title: str, x: str, y: str) -> None:
    """Title and names of the axes."""
    size = 11 if len(title) <= WIDE_TITLE else 9
    axes.set_title(title, loc="left", fontsize=size, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)


def legend(axes: Any, place: str = "best") -> None:
    """Names of the lines."""
    axes.legend(frameon=False, fontsize=9, loc=place)


def unit_square(axes: Any) -> None:
    """Both axes from 0 to 1."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.005)


def short(name: str, most: int = LONGEST_NAME) -> str:
    """A name that fits beside an axis or, of fewer characters, into a title."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def thousands(axis: Any) -> None:
    """Numbers of an axis as 12,000."""
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if float(value).is_integer() else f"{value:g}")
