"""In what a job is told otherwise than it was, in words for its log: names of fields, never values.

Both are texts of ``spec.json``. Values may be secrets, and a query is longer than a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

SHOWN = 4
IMPLIED = ("id", "output_uri")
"""Fields that follow from others: where a job publishes is named after what it does."""


def changed(before: str, now: str) -> str:
    """The fields that differ, such as ``image, work.options.num_epochs``; empty when none does."""
    old, new = _fields(before), _fields(now)
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name) and name not in IMPLIED)
    more = f" and {len(names) - SHOWN} more" if names[SHOWN:] else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _fields(text: str) -> dict[str, object]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return dict(_leaves(document.get("value"), "")) if isinstance(document, dict) else {}


def _leaves(data: object, path: str) -> Iterator[tuple[str, object]]:
    if not isinstance(data, dict):
        yield path, data
        return
    for key, value in data.items():
        yield from _leaves(value, f"{path}.{key}" if path else key)
