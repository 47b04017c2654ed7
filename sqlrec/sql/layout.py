"""Text that keeps its words and changes its blanks: trailing ones go, and whole passages are moved.

What lies inside quotes is never touched, not even over line breaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlrec.errors import Span
from sqlrec.sql.lexer import tokens

STEP = 2
"""Blanks that the continuation of a line is indented by."""


@dataclass(slots=True)
class Page:
    """Text that is written piece by piece; ``line`` is the one at work."""

    line: str = ""
    _pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that is written."""
        return "".join(self._pieces)

    def write(self, text: str) -> None:
        """Go on with ``text``."""
        self._pieces.append(text)
        kept = "" if "\n" in text else self.line
        self.line = kept + text[text.rfind("\n") + 1 :]


def trimmed(text: str) -> str:
    """The text without blanks at the ends of its lines."""
    held = _held(text)
    out, offset = [], 0
    for line in text.split("\n"):
        out.append(line if offset + len(line) in held else line.rstrip())
        offset += len(line) + 1
    return "\n".join(out)


def moved(text: str, by: int) -> str:
    """The text with its lines, except for the first, moved right, or left as far as there are blanks."""
    held = _held(text)
    first, *rest = text.split("\n")
    out, offset = [first], len(first)
    for line in rest:
        out.append(line if offset in held or not line.strip() else _moved(line, by))
        offset += len(line) + 1
    return "\n".join(out)


def passage(text: str, span: Span, *, column: int, fresh: bool, indent: int) -> str:
    """A piece of ``text`` as it is laid out anew from ``column`` on; its lines move together.

    ``fresh`` says that it begins a line; otherwise its further lines stand under a line of that
    ``indent``.
    """
    piece = trimmed(text[span.start : span.end])
    before = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    if fresh and not before.strip():
        return moved(piece, column - len(before))
    widths = _widths(piece)
    return moved(piece, (column if fresh else indent + STEP) - min(widths)) if widths else piece


def _held(text: str) -> set[int]:
    """Places of the line breaks inside quotes."""
    return {
        offset for token in tokens(text) for offset in range(token.start, token.end) if text[offset] == "\n"
    }


def _moved(line: str, by: int) -> str:
    return " " * by + line if by >= 0 else line[min(-by, _width(line)) :]


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _widths(text: str) -> list[int]:
    """Indentations of the lines after the first that can be moved."""
    held = _held(text)
    widths, offset = [], text.find("\n")
    while offset >= 0:
        end = text.find("\n", offset + 1)
        line = text[offset + 1 : end if end >= 0 else len(text)]
        if offset not in held and line.strip():
            widths.append(_width(line))
        offset = end
    return widths
