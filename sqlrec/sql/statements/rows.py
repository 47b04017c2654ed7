"""Statements about rows: where they come from and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlrec.errors import Span
from sqlrec.sql.statements.parts import Base, Ident, QueryText, Text, Variable


@dataclass(frozen=True, slots=True)
class CallArgument:
    """An argument of CALL: a table name, a string or a variable."""

    value: Ident | Text | Variable


@dataclass(frozen=True, slots=True)
class LikeFunction:
    """LIKE FUNCTION 'name': the result has the columns that function returns."""

    function: Text


@dataclass(frozen=True, slots=True)
class Chunks:
    """PARTITION BY table SIZE n: the call is made for at most ``size`` rows of ``table`` at a time."""

    table: Ident
    size: int
    size_span: Span


@dataclass(frozen=True, slots=True)
class CallBody:
    """``name(argument, …) [LIKE …] [PARTITION BY table SIZE n] [ASYNC]``."""

    function: Ident | Variable
    arguments: tuple[CallArgument, ...]
    span: Span
    like: LikeFunction | Ident | None = None
    chunks: Chunks | None = None
    is_async: bool = False


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
    """INSERT INTO | OVERWRITE table [(column, …)] query."""

    table: Ident
    query: QueryText
    mode: InsertMode = InsertMode.INTO
    columns: tuple[Ident, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(Base):
    """TRUNCATE TABLE."""

    table: Ident


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Base):
    """DELETE FROM table [WHERE condition]."""

    table: Ident
    where: QueryText | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """``column = expression``."""

    column: Ident
    value: QueryText


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Base):
    """UPDATE table SET column = expression, … [WHERE condition]."""

    table: Ident
    assignments: tuple[Assignment, ...]
    where: QueryText | None = None
