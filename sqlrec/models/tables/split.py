"""Which rows of a training table are held out to measure the model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sqlrec.models.objective import Objective

Rows = npt.NDArray[np.int64]


def split(
    count: int,
    fraction: float,
    seed: int,
    *,
    objective: Objective,
    labels: npt.NDArray[np.float32],
    groups: Rows | None = None,
) -> tuple[Rows, Rows]:
    """Row numbers to train on and to hold out of ``count`` rows, each ascending.

    A share of ``fraction`` is held out: of each class for BINARY and MULTICLASS (at least one row and never
    all of a class, so that a small table has all classes on both sides), of whole groups for RANKING, else
    of all rows.
    """
    random = np.random.default_rng(seed)
    if not fraction or count < 2:
        return np.arange(count), np.empty(0, np.int64)
    if objective is Objective.RANKING and groups is not None:
        numbers = np.unique(groups)
        held = np.isin(groups, numbers[_drawn(len(numbers), fraction, random)])
    else:
        held = np.zeros(count, np.bool_)
        for rows in _strata(count, labels, objective):
            held[rows[_drawn(len(rows), fraction, random)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def _strata(count: int, labels: npt.NDArray[np.float32], objective: Objective) -> list[Rows]:
    if objective not in (Objective.BINARY, Objective.MULTICLASS) or labels.ndim != 1:
        return [np.arange(count)]
    return [np.flatnonzero(labels == value) for value in np.unique(labels)]


def _drawn(count: int, fraction: float, random: np.random.Generator) -> Rows:
    if count < 2:
        return np.empty(0, np.int64)
    held = min(max(round(count * fraction), 1), count - 1)
    return random.permutation(count)[:held]
