"""Places of a syntax node moved: a query's tokens count from its text, a script's from its beginning."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from sqlrec.errors import Span

T = TypeVar("T")


def moved(node: T, offset: int) -> T:
    """The node with every place in it moved by ``offset`` characters."""
    return cast(T, _moved(node, offset)) if offset else node


def _moved(value: Any, offset: int) -> Any:
    if isinstance(value, Span):
        return Span(value.start + offset, value.end + offset)
    if isinstance(value, tuple):
        return tuple(_moved(item, offset) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((field.name, getattr(value, field.name)) for field in fields(value))
        return replace(value, **{name: _moved(part, offset) for name, part in parts})
    return value
