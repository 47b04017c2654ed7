"""Weighted mean and scatter of rows: all that linear regression and PCA need to know of them.

Moments of two tables add up to those of both (Chan, Golub and LeVeque 1983), so training can go on from a
checkpoint with exactly the result of training on all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlrec.models.classic.arrays import Arrays

Doubles = npt.NDArray[np.float64]

BLOCK_ROWS = 65_536
NAMES = ("moments_weight", "moments_mean", "moments_scatter")


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """``weight`` is the sum of weights, ``mean`` ``[width]``, ``scatter`` ``[width, width]`` around it."""

    weight: float
    mean: Doubles
    scatter: Doubles

    @classmethod
    def none(cls, width: int) -> Moments:
        """Those of no rows."""
        return cls(0.0, np.zeros(width), np.zeros((width, width)))

    @classmethod
    def of(cls, rows: npt.NDArray[np.float32], weights: npt.NDArray[np.float32] | None) -> Moments:
        """Those of rows ``[rows, width]`` with weights ``[rows]``, 1 each if None."""
        total = cls.none(rows.shape[1])
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS].astype(np.float64)
            own = (
                np.ones(len(block))
                if weights is None
                else weights[start : start + BLOCK_ROWS].astype(np.float64)
            )
            weight = float(own.sum())
            mean = own @ block / weight
            block -= mean
            total = total.and_those(cls(weight, mean, (block * own[:, None]).T @ block))
        return total

    def and_those(self, other: Moments) -> Moments:
        """Those of the rows of both."""
        weight = self.weight + other.weight
        apart = other.mean - self.mean
        share = other.weight / weight
        between = np.outer(apart, apart) * (self.weight * share)
        return Moments(weight, self.mean + apart * share, self.scatter + other.scatter + between)

    @property
    def arrays(self) -> Arrays:
        """What a checkpoint keeps, by :data:`NAMES`."""
        return dict(zip(NAMES, (np.array(self.weight), self.mean, self.scatter), strict=True))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Moments:
        """The moments of :attr:`arrays`."""
        weight, mean, scatter = (arrays[name] for name in NAMES)
        return cls(float(weight), mean, scatter)
