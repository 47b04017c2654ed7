"""What statements are made of: names, strings, options, columns, queries. Each knows its place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Field, Schema


@dataclass(frozen=True, slots=True)
class Ident:
    """A name of one or more parts, unquoted."""

    parts: tuple[str, ...]
    span: Span

    @property
    def text(self) -> str:
        """The parts joined by dots."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal, unescaped. It may hold templates."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """``GET('name')`` or ``GET_OR_DEFAULT('name', 'default')``: a value that SET gave."""

    name: Text
    default: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class OptionItem:
    """``key = value`` of a WITH list. ``value`` keeps the kind of its literal."""

    key: Text
    value: OptionValue
    value_span: Span


@dataclass(frozen=True, slots=True)
class Column:
    """A column definition."""

    name: Ident
    type: DataType
    type_span: Span
    nullable: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """A parenthesised column list."""

    items: tuple[Column, ...]
    span: Span

    @property
    def schema(self) -> Schema:
        """The same without places."""
        return Schema(
            tuple(
                Field(name=c.name.text, type=c.type, nullable=c.nullable, comment=c.comment)
                for c in self.items
            )
        )


@dataclass(frozen=True, slots=True)
class QueryText:
    """A query, or a predicate, exactly as written."""

    sql: str
    span: Span


@dataclass(frozen=True, slots=True)
class DataSource:
    """What stands after ON: a table or a parenthesised query, with its WHERE."""

    table: Ident | None
    query: QueryText | None
    where: QueryText | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What every statement has. ``span`` runs from its first to its last token."""

    span: Span
