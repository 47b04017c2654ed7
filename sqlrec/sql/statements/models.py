"""Statements about models and their checkpoints."""

from __future__ import annotations

from dataclasses import dataclass

from sqlrec.sql.statements.parts import Base, Columns, DataSource, Ident, OptionItem, QueryText, Text


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


@dataclass(frozen=True, slots=True)
class RenameTo:
    """RENAME TO name."""

    name: Ident


@dataclass(frozen=True, slots=True)
class SetOptions:
    """SET ('key' = 'value', …). The last of a key given twice counts."""

    options: tuple[OptionItem, ...]


@dataclass(frozen=True, slots=True)
class ResetOptions:
    """RESET ('key', …)."""

    keys: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class DropCheckpoint:
    """DROP [IF EXISTS] CHECKPOINT = 'name'."""

    checkpoint: Text
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class SetAlias:
    """SET ALIAS 'alias' = 'checkpoint'. ``CHECKPOINT = '@alias'`` then names that checkpoint."""

    alias: Text
    checkpoint: Text


@dataclass(frozen=True, slots=True)
class DropAlias:
    """DROP [IF EXISTS] ALIAS 'alias'."""

    alias: Text
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterModel(Base):
    """ALTER MODEL [IF EXISTS] name and one change."""

    name: Ident
    change: RenameTo | SetOptions | ResetOptions | DropCheckpoint | SetAlias | DropAlias
    if_exists: bool = False


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
class EvaluateModel(Base):
    """EVALUATE MODEL."""

    name: Ident
    checkpoint: Text
    data: DataSource
    options: tuple[OptionItem, ...] = ()
