"""How far the answers of two models are from each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from sqlrec.serving.frame import Array


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one output and one request: values compared, sum and greatest of |difference|, values unlike.

    Two numbers are unlike when one of them alone is NaN (then they have no difference), two classes when
    they are not equal.
    """

    output: str
    values: int
    total: float
    greatest: float
    unlike: int


class Differences:
    """The differences of all requests, by output."""

    def __init__(self) -> None:
        self._sums: dict[str, Difference] = {}

    def add(self, found: Iterable[Difference]) -> None:
        """Count those of a request."""
        for new in found:
            old = self._sums.get(new.output)
            self._sums[new.output] = new if old is None else _sum(old, new)

    def figures(self) -> dict[str, dict[str, float]]:
        """Mean and greatest |difference|, and how many values are unlike, by output."""
        return {
            name: {
                "values": of.values,
                "mean_difference": of.total / of.values if of.values else 0.0,
                "max_difference": of.greatest,
                "unlike": of.unlike,
            }
            for name, of in self._sums.items()
        }


def _sum(one: Difference, other: Difference) -> Difference:
    return Difference(
        one.output,
        one.values + other.values,
        one.total + other.total,
        max(one.greatest, other.greatest),
        one.unlike + other.unlike,
    )


def compare(one: Mapping[str, Array], other: Mapping[str, Array]) -> list[Difference]:
    """The differences of the outputs that both have."""
    return [_compared(name, one[name], other[name]) for name in one if name in other]


def _compared(name: str, one: Array, other: Array) -> Difference:
    if one.shape != other.shape:
        return Difference(name, 0, 0.0, 0.0, len(one))
    if not np.issubdtype(one.dtype, np.floating):
        return Difference(name, one.size, 0.0, 0.0, int(np.sum(one != other)))
    distance = np.abs(one.astype(np.float64) - other)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    distance = np.where(same, 0.0, distance)
    known = distance[np.isfinite(distance)]
    return Difference(
        name,
        known.size,
        float(known.sum()),
        float(known.max(initial=0.0)),
        int(distance.size - known.size),
    )
