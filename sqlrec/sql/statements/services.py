"""Statements about services."""

from __future__ import annotations

from dataclasses import dataclass

from sqlrec.sql.statements.models import ResetOptions, SetOptions
from sqlrec.sql.statements.parts import Base, Ident, OptionItem, Text


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """A model behind a service: ``name [CHECKPOINT = 'name']``."""

    name: Ident
    checkpoint: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateService(Base):
    """CREATE [OR REPLACE] SERVICE. ``others`` stand behind ``model`` in ON MODELS (…)."""

    name: Ident
    model: Ident
    checkpoint: Text | None = None
    others: tuple[ServiceModel, ...] = ()
    options: tuple[OptionItem, ...] = ()
    replace: bool = False
    if_not_exists: bool = False

    @property
    def models(self) -> tuple[ServiceModel, ...]:
        """All models, in their order."""
        return (ServiceModel(self.model, self.checkpoint), *self.others)


@dataclass(frozen=True, slots=True)
class ServeCheckpoint:
    """SET CHECKPOINT = 'name' [WITH (…)]."""

    checkpoint: Text
    options: tuple[OptionItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Promote:
    """PROMOTE: what a canary serves becomes what the service serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterService(Base):
    """ALTER SERVICE [IF EXISTS] name and one change."""

    name: Ident
    change: ServeCheckpoint | SetOptions | ResetOptions | Promote
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackService(Base):
    """ROLLBACK SERVICE name [TO CHECKPOINT = 'name']; without TO, to what it served before."""

    name: Ident
    checkpoint: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropService(Base):
    """DROP SERVICE."""

    name: Ident
    if_exists: bool = False
