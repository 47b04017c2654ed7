"""Values of rows in the form that people read."""

from __future__ import annotations

from collections.abc import Iterable


def shown(value: object) -> str:
    """A value, as Arrow gives it to Python, in the form that people read: maps and rows as ``{k=v}``."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6g}"
        case dict():
            return _pairs(value.items())
        case list():
            pairs = [item for item in value if isinstance(item, tuple)]
            return _pairs(pairs) if pairs else f"[{', '.join(map(shown, value))}]"
        case _:
            return str(value)


def _pairs(pairs: Iterable[tuple[object, object]]) -> str:
    return "{" + ", ".join(f"{shown(key)}={shown(value)}" for key, value in pairs) + "}"
