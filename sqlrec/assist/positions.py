"""Places of a text as editors count them: lines, and within a line the units of an encoding."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

_BREAK = re.compile(r"\r\n|\n|\r")
UTF_16 = "utf-16"
"""What editors count in unless they agree on utf-8 or utf-32."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a text. Positions are pairs of line and column, both from 0."""

    text: str
    encoding: str = UTF_16
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", [0, *(m.end() for m in _BREAK.finditer(self.text))])

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character; beyond the end counts as the end."""
        offset = min(offset, len(self.text))
        line = bisect_right(self._starts, offset) - 1
        return line, self._units(self.text[self._starts[line] : offset])

    def offset(self, line: int, column: int) -> int:
        """The character at a line and column; beyond the end of a line counts as its end."""
        if line >= len(self._starts):
            return len(self.text)
        start = self._starts[line]
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        content = self.text[start:end].rstrip("\r\n")
        units = 0
        for index, character in enumerate(content):
            if units >= column:
                return start + index
            units += self._units(character)
        return start + len(content)

    def _units(self, text: str) -> int:
        match self.encoding:
            case "utf-32":
                return len(text)
            case "utf-8":
                return len(text.encode(errors="surrogatepass"))
            case _:
                return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
