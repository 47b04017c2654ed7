"""Quality of clusters and of projections, which have no labels: figures from the rows themselves."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

SAMPLE_ROWS = 2000
"""Rows that the silhouette is measured on: it compares every row with every other."""
SEED = 0


def numbers(clusters: Ints, distances: Floats | None, matrix: Floats | None) -> dict[str, float]:
    """Metrics of cluster numbers [rows], distances to the own centre [rows] and the rows [rows, width].

    What needs rows or distances is left out where there are none.
    """
    found = {}
    if distances is not None:
        found["inertia"] = float(np.sum(np.square(distances, dtype=np.float64)))
    if matrix is not None:
        found["silhouette"] = silhouette(clusters, matrix)
        found["davies_bouldin"] = davies_bouldin(clusters, matrix)
    return found


def sizes(clusters: Ints) -> dict[str, list[float]]:
    """``cluster`` numbers that occur, ascending, and their ``rows``."""
    codes, counts = np.unique(clusters, return_counts=True)
    return {"cluster": [float(c) for c in codes], "rows": [float(n) for n in counts]}


def silhouette(clusters: Ints, matrix: Floats) -> float:
    """Mean silhouette of at most :data:`SAMPLE_ROWS` random rows among themselves; NaN for one cluster.

    Rousseeuw 1987: how much closer a row is to its own cluster than to the next one, from -1 to 1.
    """
    if len(clusters) > SAMPLE_ROWS:
        drawn = np.random.default_rng(SEED).choice(len(clusters), SAMPLE_ROWS, replace=False)
        clusters, matrix = clusters[drawn], matrix[drawn]
    codes, own = np.unique(clusters, return_inverse=True)
    counts = np.bincount(own)
    if not 1 < len(codes) < len(clusters):
        return math.nan
    rows = np.asarray(matrix, np.float64)
    squares = np.square(rows).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))
    np.fill_diagonal(apart, 0)
    sums = apart @ np.eye(len(codes))[own]
    position = np.arange(len(rows))
    within = sums[position, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[position, own] = np.inf
    between = means.min(axis=1)
    widest = np.maximum(within, between)
    values = np.divide(between - within, widest, out=np.zeros_like(widest), where=widest > 0)
    return float(np.mean(np.where(counts[own] > 1, values, 0.0)))


def davies_bouldin(clusters: Ints, matrix: Floats) -> float:
    """Mean over clusters of the worst (spread + spread) / distance of centres; NaN for one cluster.

    Davies and Bouldin 1979; small is good.
    """
    codes, own = np.unique(clusters, return_inverse=True)
    if len(codes) < 2:
        return math.nan
    rows, counts = np.asarray(matrix, np.float64), np.bincount(own)
    centres = np.stack([rows[own == c].mean(axis=0) for c in range(len(codes))])
    spread = np.bincount(own, weights=np.linalg.norm(rows - centres[own], axis=1)) / counts
    apart = np.linalg.norm(centres[:, None] - centres, axis=2)
    np.fill_diagonal(apart, np.inf)
    if not spread.any() or not apart.all():
        return 0.0
    return float(np.mean(np.max((spread[:, None] + spread) / apart, axis=1)))


def explained_variance(outputs: Floats, matrix: Floats) -> float:
    """Share of the variance of ``matrix`` [rows, width] that an orthogonal projection of it keeps."""
    total = float(np.var(np.asarray(matrix, np.float64), axis=0).sum())
    return float(np.var(np.asarray(outputs, np.float64), axis=0).sum()) / total if total > 0 else math.nan


def spread(outputs: Floats) -> dict[str, list[float]]:
    """Standard deviation of each component of a projection."""
    values = np.std(np.asarray(outputs, np.float64), axis=0)
    return {
        "component": [float(i + 1) for i in range(len(values))],
        "deviation": [float(v) for v in values],
    }
