"""Quantities of resources: reading, comparing, and the form the server stores."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(
    r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?[0-9]+)?"
)
_BINARY = {name: Decimal(1024) ** i for i, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
PATTERN = "must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def amount(quantity: object) -> Decimal:
    """The number that a quantity stands for; raises ``ValueError`` for text that is none."""
    found = _FORM.fullmatch(str(quantity))
    if not found:
        raise ValueError(f"quantities {PATTERN}")
    number, unit = Decimal(found[1]), found[2] or ""
    if unit in _BINARY:
        return number * _BINARY[unit]
    exponent = _DECIMAL[unit] if unit in _DECIMAL else int(unit[1:])
    return number.scaleb(exponent)


def canonical(quantity: object) -> str:
    """The form the server answers with: ``0.5`` is ``500m``, ``1024Mi`` is ``1Gi``, ``1000m`` is ``1``."""
    value, text = amount(quantity), str(quantity)
    if text.endswith("i") and value == value.to_integral_value():
        unit = next((u for u in reversed(_BINARY) if value and value % _BINARY[u] == 0), "")
        return f"{int(value / _BINARY[unit])}{unit}" if unit else str(int(value))
    return _decimal(value)


def _decimal(value: Decimal) -> str:
    for unit, exponent in reversed(_DECIMAL.items()):
        scaled = value.scaleb(-exponent)
        if value and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{unit}"
    return f"{int(value.scaleb(9).to_integral_value(ROUND_CEILING))}n" if value else "0"
