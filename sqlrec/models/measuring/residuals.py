"""What predicted numbers miss by: the curves behind RMSE and its like (:mod:`sqlrec.scoring.quality`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

BINS = 40
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
SHOWN_ROWS = 2000
SEED = 0


def quantiles(actual: Floats, predicted: Floats) -> dict[str, list[float]]:
    """Residuals (actual - predicted) at each of :data:`QUANTILES`."""
    values = np.quantile(_residuals(actual, predicted), QUANTILES)
    return {"share": list(QUANTILES), "residual": [float(v) for v in values]}


def histogram(actual: Floats, predicted: Floats) -> dict[str, list[float]]:
    """Rows by residual: ``edges`` of equal bins from the 0.5th to the 99.5th percentile, ``rows`` of each.

    The first and the last bin hold what lies beyond.
    """
    residuals = _residuals(actual, predicted)
    low, high = np.quantile(residuals, (0.005, 0.995))
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    counts, _ = np.histogram(np.clip(residuals, edges[0], edges[-1]), edges)
    return {"edges": [float(e) for e in edges], "rows": [float(n) for n in counts]}


def pairs(actual: Floats, predicted: Floats) -> dict[str, list[float]]:
    """``actual`` and ``predicted`` of at most :data:`SHOWN_ROWS` random rows."""
    rows = np.arange(len(actual))
    if len(rows) > SHOWN_ROWS:
        rows = np.random.default_rng(SEED).choice(len(rows), SHOWN_ROWS, replace=False)
    return {
        "actual": [float(v) for v in np.asarray(actual)[rows]],
        "predicted": [float(v) for v in np.asarray(predicted)[rows]],
    }


def _residuals(actual: Floats, predicted: Floats) -> npt.NDArray[np.float64]:
    return np.asarray(actual, np.float64) - np.asarray(predicted, np.float64)
