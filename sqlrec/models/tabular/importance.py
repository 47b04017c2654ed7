"""How much each raw column counts in a model, as shares of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def by_source(importance: Mapping[int, float], sources: Sequence[str]) -> dict[str, float]:
    """Shares by raw column, the greatest first, of importances by matrix column.

    Empty when the model gives none. Columns it does not use have share 0.
    """
    total = sum(importance.values())
    if total <= 0:
        return {}
    shares = dict.fromkeys(sources, 0.0)
    for position, value in importance.items():
        shares[sources[position]] += value / total
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
