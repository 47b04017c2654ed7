"""Statements that define and drop what holds rows: tables, views and databases."""

from __future__ import annotations

from dataclasses import dataclass

from sqlrec.errors import Span
from sqlrec.sql.statements.parts import Base, Column, Columns, Ident, OptionItem, QueryText, Text


@dataclass(frozen=True, slots=True)
class MetadataColumn:
    """``name TYPE METADATA [FROM 'key'] [VIRTUAL]``: filled by the connector; virtual: never written."""

    column: Column
    key: Text | None = None
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class ComputedColumn:
    """``name AS expression``: computed from the other columns of the row."""

    name: Ident
    expression: QueryText
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """``[CONSTRAINT name] PRIMARY KEY (column, …) [NOT ENFORCED]``, also when written at a column."""

    columns: tuple[Ident, ...]
    span: Span
    name: Ident | None = None
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Watermark:
    """``WATERMARK FOR column AS expression``: up to which time the rows are complete."""

    column: Ident
    expression: QueryText
    span: Span


TableColumn = Column | MetadataColumn | ComputedColumn


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The parenthesised list of CREATE TABLE."""

    items: tuple[TableColumn, ...]
    span: Span
    watermark: Watermark | None = None
    primary_key: PrimaryKey | None = None

    @property
    def stored(self) -> Columns:
        """The columns that have a type: all but the computed ones."""
        typed = (item.column if isinstance(item, MetadataColumn) else item for item in self.items)
        return Columns(tuple(item for item in typed if isinstance(item, Column)), self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable(Base):
    """CREATE [TEMPORARY] TABLE over data that lies outside: ``WITH (connector = …, path = …)``."""

    name: Ident
    body: TableColumns | None = None
    partitioned_by: tuple[Ident, ...] = ()
    options: tuple[OptionItem, ...] = ()
    comment: Text | None = None
    temporary: bool = False
    if_not_exists: bool = False

    @property
    def columns(self) -> Columns | None:
        """The columns that have a type, if a list is given."""
        return self.body.stored if self.body else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable(Base):
    """DROP [TEMPORARY] TABLE."""

    name: Ident
    temporary: bool = False
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateView(Base):
    """CREATE [TEMPORARY] VIEW name [(column, …)] [COMMENT 'text'] AS query."""

    name: Ident
    query: QueryText
    columns: tuple[Ident, ...] = ()
    comment: Text | None = None
    temporary: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropView(Base):
    """DROP [TEMPORARY] VIEW."""

    name: Ident
    temporary: bool = False
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDatabase(Base):
    """CREATE DATABASE."""

    name: Ident
    comment: Text | None = None
    options: tuple[OptionItem, ...] = ()
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDatabase(Base):
    """DROP DATABASE name [RESTRICT | CASCADE]. With CASCADE also one that is not empty."""

    name: Ident
    cascade: bool = False
    if_exists: bool = False
