"""What ALTER MODEL and ALTER SERVICE change, as steps hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """ALTER … SET (…): options by canonical key."""

    options: Mapping[str, OptionValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOptions:
    """ALTER … RESET (…): canonical keys."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameTo:
    """ALTER MODEL … RENAME TO."""

    name: ModelName


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCheckpoint:
    """ALTER MODEL … DROP CHECKPOINT."""

    checkpoint: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAlias:
    """ALTER MODEL … SET ALIAS."""

    alias: str
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropAlias:
    """ALTER MODEL … DROP ALIAS."""

    alias: str
    if_exists: bool = False


ModelChange = RenameTo | SetOptions | ResetOptions | DropCheckpoint | SetAlias | DropAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeCheckpoint:
    """ALTER SERVICE … SET CHECKPOINT."""

    checkpoint: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A model behind a service, and its checkpoint; an empty one: none was named."""

    model: ModelName
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote:
    """ALTER SERVICE … PROMOTE."""


ServiceChange = ServeCheckpoint | SetOptions | ResetOptions | Promote
