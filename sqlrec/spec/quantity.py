"""Quantities of Kubernetes: amounts of CPU, memory and storage, such as ``500m``, ``2Gi``, ``1.5``."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {
    **{unit: Decimal(10) ** power for unit, power in {"m": -3, "k": 3, "M": 6, "G": 9, "T": 12}.items()},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
    "": Decimal(1),
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
}
_FORM = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([A-Za-z]{0,2})")


def quantity(text: str) -> Decimal:
    """The number that a quantity means: cores or bytes. Raises ``ValueError``."""
    found = _FORM.fullmatch(text)
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{text!r} is no quantity")
    return Decimal(found[1]) * _UNITS[found[2]]
