"""SQL functions, which are written as a block of statements, and the APIs that expose them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlrec.sql.statements.parts import Base, Columns, Ident, OptionItem


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFunction(Base):
    """CREATE [OR REPLACE] SQL FUNCTION name: opens a block that ends at the first RETURN."""

    name: Ident
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineInput(Base):
    """DEFINE INPUT TABLE name LIKE table | (column type, …)."""

    name: Ident
    like: Ident | None = None
    columns: Columns | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Base):
    """RETURN [table]: the end of a function's block."""

    table: Ident | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFunction(Base):
    """DROP SQL FUNCTION."""

    name: Ident
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApi(Base):
    """CREATE [OR REPLACE] API name WITH function [WITH (…)]."""

    name: Ident
    function: Ident
    options: tuple[OptionItem, ...] = ()
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropApi(Base):
    """DROP API."""

    name: Ident
    if_exists: bool = False
