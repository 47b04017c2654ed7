"""Statements about the script or session itself, and those that show what there is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlrec.errors import Span
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType
from sqlrec.sql.statements.parts import Base, Ident, Text

if TYPE_CHECKING:
    from sqlrec.sql.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOption(Base):
    """SET 'key' = 'value'."""

    key: Text
    value: OptionValue
    value_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOption(Base):
    """RESET ['key']; without a key, all of them."""

    key: Text | None = None


class Namespace(StrEnum):
    """What USE names: ``USE CATALOG c``, or ``USE [c.]d`` for a database."""

    CATALOG = "CATALOG"
    DATABASE = "DATABASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use(Base):
    """USE [CATALOG | DATABASE] name."""

    name: Ident
    kind: Namespace = Namespace.DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Declare(Base):
    """DECLARE name TYPE [DEFAULT value]."""

    name: Ident
    type: DataType
    type_span: Span
    default: OptionValue | None = None
    default_span: Span | None = None


class ObjectKind(StrEnum):
    """Kinds of things that SHOW, DESCRIBE and SHOW CREATE name; the value is the word of the statement."""

    MODEL = "MODEL"
    CHECKPOINT = "CHECKPOINT"
    SERVICE = "SERVICE"
    API = "API"
    FUNCTION = "SQL FUNCTION"
    TABLE = "TABLE"
    VIEW = "VIEW"
    DATABASE = "DATABASE"
    CATALOG = "CATALOG"
    SETTING = "SETTING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Base):
    """SHOW MODELS | SERVICES | … [FROM | IN name] [[NOT] LIKE 'pattern']; SET alone shows the settings.

    ``of`` is the database (or, for CHECKPOINTS, the model) after FROM or IN.
    """

    kind: ObjectKind
    of: Ident | None = None
    like: Text | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe(Base):
    """DESCRIBE | DESC [FORMATTED | EXTENDED] kind name [CHECKPOINT = 'name']."""

    kind: ObjectKind
    name: Ident
    checkpoint: Text | None = None
    formatted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCreate(Base):
    """SHOW CREATE kind name."""

    kind: ObjectKind
    name: Ident


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain(Base):
    """EXPLAIN statement: what it would do."""

    statement: Statement
