"""What the columns of a training table mean to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Option, OptionKind, Parsed, Scope
from sqlrec.spec.schema import Schema

WEIGHT, GROUP = "sample_weight_column", "group_column"
_SCOPES = frozenset({Scope.MODEL, Scope.TRAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """``labels`` may be empty (clustering); ``weight`` and ``group`` are empty when not given."""

    features: Schema
    labels: tuple[str, ...] = ()
    weight: str = ""
    group: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """All names, features first."""
        return (*self.features.names, *self.labels, *filter(None, (self.weight, self.group)))


def roles_of(model: ModelSpec, options: Mapping[str, Parsed] | None = None) -> Roles:
    """The roles that a model and the effective options of a statement give."""
    given = options or {}
    weight, group = (str(given.get(key) or "") for key in (WEIGHT, GROUP))
    others = {name.casefold() for name in (weight, group) if name}
    features = Schema(tuple(f for f in model.features if f.name.casefold() not in others))
    return Roles(features=features, labels=model.labels, weight=weight, group=group)


def weight_option() -> Option:
    """``sample_weight_column`` of TRAIN MODEL."""
    return Option(
        key=WEIGHT,
        kind=OptionKind.STRING,
        scopes=_SCOPES,
        doc="Column with the weight of each row, a number above 0; no feature.",
    )
