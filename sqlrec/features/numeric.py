"""Numbers a model reads two ways: as a standardised value and as a quantile bucket.

The standardised value lets the deep part extrapolate smoothly; the bucket lets both parts learn any
shape, and carries the missing case. All arithmetic is float32, one rounding an operation, in the order
in which the exported graph does it, so both give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlrec.features.plain import since
from sqlrec.features.raw import MISSING, Tensor, column_to_numpy
from sqlrec.spec.signature import MISSING_INT

Floats = npt.NDArray[np.float32]

BUCKETS = 64
"""Quantile buckets of a number, when its values are that many and its bucket size allows."""
LIMIT = np.float32(5.0)
"""Standardised values are cut at this many deviations."""
EPSILON = float(np.finfo(np.float32).eps)
"""A deviation below this share of the mean is rounding of float32, not spread."""
FIT_ROWS = 1 << 18
"""Rows that quantiles are taken from, evenly spread over the table."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """``clip((x - center) * factor)``; arrays of one entry a position, for numbers of one entry."""

    center: Floats
    factor: Floats

    def apply(self, values: Floats, limit: np.float32 = LIMIT) -> Floats:
        """Standardised values of ``[rows, positions]``; missing (NaN) becomes 0, the centre."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.clip((values - self.center) * self.factor, -limit, limit)
        return np.where(np.isnan(values), np.float32(0.0), scaled)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numeric:
    """Fitted reading of one number column.

    ``bounds`` are the lower bounds of buckets 2 and up. ``origin`` is set for columns read as integers:
    dates (days), timestamps (microseconds) and integers that are quantities (always 0). ``low`` and
    ``high`` are the least and the greatest value of training; without any, ``low`` is the greater.
    """

    origin: float | None
    scale: Scale
    bounds: Floats
    low: float = math.inf
    high: float = -math.inf

    @property
    def rows(self) -> int:
        """Codes: 0 for missing, then the buckets."""
        return len(self.bounds) + 2

    def read(self, column: Any) -> Floats:
        """float32 ``[rows]`` of a canonical column, NaN for missing."""
        if self.origin is None:
            return column_to_numpy(column, Tensor.FLOAT, MISSING[Tensor.FLOAT])
        return since(self.origin, column_to_numpy(column, Tensor.INT, MISSING_INT))

    def codes(self, values: Floats) -> npt.NDArray[np.int64]:
        """Bucket codes ``[rows]``: 0 for NaN, else 1 + the number of bounds at or below the value."""
        found = np.searchsorted(self.bounds, values, side="right") + 1
        return np.where(np.isnan(values), 0, found)

    @classmethod
    def fit(cls, blocks: Iterable[Any], tensor: Tensor, buckets: int, *, from_zero: bool = False) -> Numeric:
        """Quantiles and spread of a canonical training column, infinities excluded by the caller.

        The blocks of the column are read three times. Integers are read as distances from their median, or
        from zero. Quantiles and spread are taken from at most :data:`FIT_ROWS` values.
        """
        integers = tensor is Tensor.INT
        known_values = _Known(blocks, tensor)
        values = _spread_sample(known_values)
        low, high = _range(known_values)
        origin = None
        if integers:
            origin = 0.0 if from_zero else _fit_origin(values)
            values = since(origin, values)
        known = np.sort(values)
        bounds = _fit_bounds(known, min(buckets, BUCKETS))
        return cls(origin=origin, scale=_fit_scale(known), bounds=bounds, low=low, high=high)


_UNIT = Scale(center=np.zeros(1, np.float32), factor=np.ones(1, np.float32))


@dataclass(frozen=True, slots=True)
class _Known:
    """The values of a column that are not missing, block by block; every iteration reads it anew."""

    blocks: Iterable[Any]
    tensor: Tensor

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        for block in self.blocks:
            values = column_to_numpy(block, self.tensor, MISSING[self.tensor])
            yield values[values != MISSING_INT if self.tensor is Tensor.INT else ~np.isnan(values)]


def _spread_sample(known: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The values evenly spread over all of them."""
    total = sum(map(len, known))
    wanted = np.linspace(0, total - 1, min(total, FIT_ROWS)).astype(np.int64)
    parts, before = [np.empty(0, np.float32)] if not total else [], 0
    for values in known:
        first, last = np.searchsorted(wanted, [before, before + len(values)])
        parts.append(values[wanted[first:last] - before])
        before += len(values)
    return np.concatenate(parts)


def _range(known: Iterable[npt.NDArray[Any]]) -> tuple[float, float]:
    """The least and the greatest value; infinities the wrong way round when there is none."""
    low, high = math.inf, -math.inf
    for values in known:
        if len(values):
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high


def _fit_origin(known: npt.NDArray[np.int64]) -> float:
    """The median."""
    middle = len(known) // 2
    return float(np.partition(known, middle)[middle]) if len(known) else 0.0


def _fit_bounds(ordered: Floats, buckets: int) -> Floats:
    distinct = np.unique(ordered)
    if len(distinct) <= buckets:
        return distinct[1:]
    cuts = ordered[np.arange(1, buckets) * len(ordered) // buckets]
    return np.unique(cuts[cuts > ordered[0]])


def _fit_scale(ordered: Floats) -> Scale:
    """Median and interquartile range; wider quantiles, then the deviation, where that is zero."""
    if not len(ordered):
        return _UNIT
    wide = ordered.astype(np.float64)
    low5, low25, centre, high75, high95 = np.quantile(wide, [0.05, 0.25, 0.5, 0.75, 0.95])
    spreads = ((high75 - low25) / 1.349, (high95 - low5) / 3.29, float(wide.std()))
    spread = next((s for s in spreads if s > 0), 1.0)
    return _scale(np.array([centre]), np.array([spread]))


def fit_positions(blocks: Iterable[Floats]) -> Scale:
    """Mean and deviation of each position of vectors ``[rows, width]`` in blocks; NaN is missing.

    The blocks are read twice; sums are taken block by block, so other blocks may differ in the last bit.
    """
    count, total, square = np.float64(0), np.float64(0), np.float64(0)
    for values in blocks:
        known = ~np.isnan(values)
        count = count + known.sum(axis=0)
        total = total + np.where(known, values, 0.0).astype(np.float64).sum(axis=0)
    count = np.maximum(count, 1)
    mean = total / count
    for values in blocks:
        away = np.where(np.isnan(values), 0.0, values.astype(np.float64) - mean)
        square = square + (away**2).sum(axis=0)
    spread = np.sqrt(square / count)
    rounding = EPSILON * np.abs(mean)
    return _scale(mean, np.where(spread > rounding, spread, 1.0))


def _scale(center: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]) -> Scale:
    tiny = float(np.finfo(np.float32).tiny)
    factor = 1.0 / np.clip(spread, 4 * tiny, None)
    return Scale(center=center.astype(np.float32), factor=factor.astype(np.float32))
