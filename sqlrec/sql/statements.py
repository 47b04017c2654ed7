"""Statements as dataclasses. Every name, option and clause knows where it was written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateModel(Base):
    """CREATE [OR REPLACE] [TEMPORARY] MODEL. ``columns`` excludes ``inputs`` and ``outputs``."""

    name: Ident
    columns: Columns | None = None
    inputs: Columns | None = None
    outputs: Columns | None = None
    options: tuple[OptionItem, ...] = ()
    query: QueryText | None = None
    comment: Text | None = None
    replace: bool = False
    temporary: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropModel(Base):
    """DROP [TEMPORARY] MODEL."""

    name: Ident
    if_exists: bool = False
    temporary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainModel(Base):
    """TRAIN MODEL."""

    name: Ident
    checkpoint: Text
    data: DataSource
    validation: DataSource | None = None
    base: Text | None = None
    options: tuple[OptionItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportModel(Base):
    """EXPORT MODEL. ``sample`` is what ON names."""

    name: Ident
    checkpoint: Text
    sample: DataSource | None = None
    options: tuple[OptionItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateService(Base):
    """CREATE [OR REPLACE] SERVICE."""

    name: Ident
    model: Ident
    checkpoint: Text | None = None
    options: tuple[OptionItem, ...] = ()
    replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropService(Base):
    """DROP SERVICE."""

    name: Ident
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable(Base):
    """CREATE TABLE over data that lies outside: ``WITH (connector = …, path = …)``."""

    name: Ident
    columns: Columns | None = None
    partitioned_by: tuple[Ident, ...] = ()
    options: tuple[OptionItem, ...] = ()
    comment: Text | None = None
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CallArgument:
    """An argument of CALL: a table name or a string."""

    value: Ident | Text


@dataclass(frozen=True, slots=True)
class CallBody:
    """``name(argument, …)``."""

    function: Ident
    arguments: tuple[CallArgument, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Base):
    """CALL on its own: the result is shown."""

    body: CallBody


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTable(Base):
    """CACHE TABLE name AS CALL … | query."""

    name: Ident
    source: CallBody | QueryText


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Base):
    """A query on its own: its rows are shown."""

    query: QueryText


class InsertMode(StrEnum):
    """INSERT INTO adds rows; INSERT OVERWRITE replaces the table, or the partitions it writes."""

    INTO = "INTO"
    OVERWRITE = "OVERWRITE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert(Base):
    """INSERT INTO | OVERWRITE table query."""

    table: Ident
    query: QueryText
    mode: InsertMode = InsertMode.INTO


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOption(Base):
    """SET 'key' = 'value'."""

    key: Text
    value: OptionValue
    value_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Declare(Base):
    """DECLARE name TYPE [DEFAULT value]."""

    name: Ident
    type: DataType
    type_span: Span
    default: OptionValue | None = None
    default_span: Span | None = None


Statement = (
    CreateModel
    | DropModel
    | TrainModel
    | ExportModel
    | CreateService
    | DropService
    | CreateTable
    | Call
    | CacheTable
    | Select
    | Insert
    | SetOption
    | Declare
)
