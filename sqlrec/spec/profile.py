"""``profile.json``: what training saw of each input, so that a server can tell when requests differ.

It lies beside the signature of an export whose checkpoint has fitted features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_VALUES = 1 << 17
"""Inputs with more known values have no list of them: their unseen values are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputProfile:
    """``values`` are those that the model knows by name; ``low`` and ``high`` bound a quantity.

    Each is None where it does not apply. Bounds are in the units of the input's tensor: days of dates,
    microseconds of timestamps.
    """

    values: tuple[int | str, ...] | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The inputs by name."""

    inputs: Mapping[str, InputProfile] = field(default_factory=dict)
