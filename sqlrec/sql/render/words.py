"""What canonical text is put together from: words, values, types, lists, queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Kind
from sqlrec.sql.inference_text import canonical
from sqlrec.sql.quoting import name_text, part_text, string_text
from sqlrec.sql.statements import Column, Columns, DataSource, Ident, OptionItem, QueryText, Text

HELD = "\ud800"
"""Stands for a line break inside a query, string or name while lines are indented. No file holds it."""


def words(*given: str | bool) -> str:
    """The words that are there; ``False`` stands for one that is not."""
    return " ".join(word for word in given if isinstance(word, str))


def query(text: QueryText) -> str:
    """A query, condition or expression."""
    return canonical(text).replace("\n", HELD)


def name(of: Ident) -> str:
    """A name, in back-quotes where it needs them."""
    return name_text(of).replace("\n", HELD)


def string(value: str) -> str:
    """A string literal."""
    return string_text(value).replace("\n", HELD)


def indented(text: str) -> str:
    """The text two blanks to the right."""
    return "  " + text.replace("\n", "\n  ")


def value_text(value: OptionValue) -> str:
    """A literal that keeps its kind."""
    if isinstance(value, bool):
        return str(value).upper()
    return string(value) if isinstance(value, str) else repr(value)


def quoted(value: OptionValue) -> str:
    """An option's value as a string: ``'3'``, ``'true'``."""
    return string(str(value).lower() if isinstance(value, bool) else str(value))


def clause(word: str, text: Text | None) -> str:
    """``word 'text'``, or nothing."""
    return "" if text is None else f"{word} {string(text.value)}"


def block(items: Iterable[str]) -> str:
    """A list in parentheses, an item a line."""
    return "(\n  " + ",\n  ".join(items) + "\n)"


def options(word: str, items: Sequence[OptionItem]) -> str:
    """``word ('key' = 'value', …)``, or nothing."""
    shown = [f"{string(item.key.value)} = {quoted(item.value)}" for item in items]
    return f"{word} {block(shown)}" if shown else ""


def keys(word: str, items: Sequence[Text]) -> str:
    """``word ('key', …)``."""
    return f"{word} ({', '.join(string(item.value) for item in items)})"


def names(items: Iterable[Ident]) -> str:
    """``(name, …)``, or nothing."""
    shown = ", ".join(map(name, items))
    return f"({shown})" if shown else ""


def columns(word: str, listed: Columns | None) -> str:
    """``word (name TYPE …, …)``, or nothing."""
    return "" if listed is None else words(*filter(None, [word]), block(map(column, listed.items)))


def column(item: Column, *more: str | bool) -> str:
    """``name TYPE [NOT NULL] more [COMMENT 'text']``."""
    return words(
        name(item.name),
        type_text(item.type),
        not item.nullable and "NOT NULL",
        *more,
        item.comment != "" and f"COMMENT {string(item.comment)}",
    )


def type_text(type_: DataType) -> str:
    """A type with the lengths it was written with, and names of fields quoted where they need it."""
    inner = list(map(type_text, type_.arguments))
    if type_.kind is Kind.ROW:
        inner = [f"{part_text(field)} {text}" for field, text in zip(type_.names, inner, strict=True)]
    if inner:
        return f"{type_.kind}<{', '.join(inner)}>"
    return type_.written or str(type_)


def source(word: str, data: DataSource | None) -> Sequence[str]:
    """``word table | (query)`` and its WHERE, or nothing."""
    if data is None:
        return ()
    of = f"({query(data.query)})" if data.query else name(data.table) if data.table else ""
    return (f"{word} {of}", where(data.where))


def where(condition: QueryText | None) -> str:
    """``WHERE condition``, or nothing."""
    return "" if condition is None else f"WHERE {query(condition)}"
