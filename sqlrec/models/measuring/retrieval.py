"""Quality of retrieval: at which place among all candidates the item stands that a query really went with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sqlrec.models.measuring.measures import RANK_CUTS

Floats32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

CURVE_POINTS = 60
BLOCK_BYTES = 32 * 2**20
"""Memory of one block of similarities."""


def ranks(
    queries: Floats32,
    candidates: Floats32,
    truth: npt.NDArray[np.integer],
    seen: npt.NDArray[np.integer] | None = None,
) -> Floats:
    """Place of the true candidate of each query by inner product, from 1, float64 ``[queries]``.

    ``queries`` [queries, dim] and ``candidates`` [candidates, dim]; ``truth`` [queries] are positions of
    candidates, each of which stands there once. Candidates of equal similarity share their places: the rank
    is the mean one. ``seen`` [queries, length] are positions of candidates that a query does not have, below
    0 for none; the true one is always there.
    """
    block = max(1, BLOCK_BYTES // (4 * max(1, len(candidates))))
    found = np.empty(len(queries), np.float64)
    for start in range(0, len(queries), block):
        rows = slice(start, start + block)
        similarity = queries[rows] @ candidates.T
        own = np.take_along_axis(similarity, truth[rows, None], axis=1)
        if seen is not None:
            hidden = np.where(seen[rows] < 0, truth[rows, None], seen[rows])
            np.put_along_axis(similarity, hidden, -np.inf, axis=1)
            np.put_along_axis(similarity, truth[rows, None], own, axis=1)
        above = np.count_nonzero(similarity > own, axis=1)
        equal = np.count_nonzero(similarity == own, axis=1)
        found[rows] = above + (equal + 1) / 2
    return found


def candidates(items: Floats32, numbers: npt.NDArray[np.integer]) -> tuple[Floats32, npt.NDArray[np.int64]]:
    """The embedding of each different item of ``items`` [rows, dim], and the position of each row's item.

    Items are told apart by their ``numbers`` [rows], not by their embeddings: a model that gives all items
    the same one has not found any.
    """
    _, first, position = np.unique(numbers, return_index=True, return_inverse=True)
    return items[first], position.astype(np.int64)


def numbers(places: Floats) -> dict[str, float]:
    """recall@k (of one true item: the hit rate), NDCG@k and MRR of ``places`` from :func:`ranks`."""
    if not len(places):
        return {}
    gains = 1 / np.log2(places + 1)
    return {
        **{f"recall_{k}": float(np.mean(places <= k)) for k in RANK_CUTS},
        **{f"ndcg_{k}": float(np.mean(gains * (places <= k))) for k in RANK_CUTS},
        "mrr": float(np.mean(1 / places)),
    }


def by_cut(places: Floats, candidates: int) -> dict[str, list[float]]:
    """``recall`` by ``k`` up to the number of candidates, and ``chance``: that of candidates in any order."""
    cuts = np.unique(np.geomspace(1, max(candidates, 1), CURVE_POINTS).round().astype(np.int64))
    reached = np.searchsorted(np.sort(places), cuts, side="right") / max(len(places), 1)
    return {
        "k": [float(k) for k in cuts],
        "recall": [float(r) for r in reached],
        "chance": [float(k) / max(candidates, 1) for k in cuts],
    }
