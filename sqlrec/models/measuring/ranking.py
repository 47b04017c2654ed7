"""Quality of scores within groups: how well the rows of a user, a query or a session are put in order.

All groups at once. Rows of one score have no order, so every figure is its mean over all orders of such rows
(McSherry and Najork 2008, Computing information retrieval performance measures efficiently in the presence of
tied scores), except the reciprocal rank, which is that of the mean rank of the first relevant row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlrec.models.measuring.measures import RANK_CUTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CURVE_CUTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
"""The k that are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Ties in the order of their groups and, within those, from the highest score down.

    ``group`` [ties] counts groups from 0; a tie holds the places ``first`` up to, not including, ``end``
    of its group (from 0), ``relevant`` rows with a label above 0 and ``gain``, the sum of 2**label - 1.
    ``ideal`` and ``place`` [rows] are the gains of all groups in the best order and their places.
    """

    group: Ints
    first: Ints
    end: Ints
    relevant: Floats
    gain: Floats
    ideal: Floats
    ideal_group: Ints
    place: Ints

    @classmethod
    def of(cls, labels: npt.ArrayLike, scores: npt.ArrayLike, groups: npt.ArrayLike) -> Ranked:
        """From ``labels`` (0 and above), ``scores`` and group numbers (below 0: none), all ``[rows]``."""
        codes = np.asarray(groups)
        kept = codes >= 0
        relevance, given = np.asarray(labels, np.float64)[kept], np.asarray(scores, np.float64)[kept]
        _, group = np.unique(codes[kept], return_inverse=True)
        size = np.bincount(group) if len(group) else np.zeros(0, np.int64)
        start = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64) if len(size) else size
        order = np.lexsort((-given, group))
        by_score, score, rank = group[order], given[order], relevance[order]
        is_new = np.ones(len(order), np.bool_)
        is_new[1:] = (np.diff(by_score) != 0) | (np.diff(score) != 0)
        ties = np.flatnonzero(is_new)
        ends = np.append(ties[1:], len(order))
        of_tie = by_score[ties]
        best = np.lexsort((-relevance, group))
        return cls(
            group=of_tie,
            first=ties - start[of_tie],
            end=ends - start[of_tie],
            relevant=_sums((rank > 0).astype(np.float64), ties),
            gain=_sums(np.exp2(rank) - 1, ties),
            ideal=np.exp2(relevance[best]) - 1,
            ideal_group=group[best],
            place=np.arange(len(best)) - start[group[best]],
        )

    @property
    def totals(self) -> Floats:
        """Relevant rows of each group."""
        return _by_group(self.group, self.relevant)

    def ndcg(self, k: int) -> float:
        """Mean NDCG@k of the groups with a relevant row, with gains 2**label - 1; NaN without such groups.

        Järvelin and Kekäläinen 2002; gains as in Burges et al. 2005.
        """
        discounts = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
        shares = discounts[np.minimum(self.end, k)] - discounts[np.minimum(self.first, k)]
        found = _by_group(self.group, self.gain / (self.end - self.first) * shares)
        within = self.place < k
        ideal = self.ideal * within / np.log2(self.place + 2.0)
        return self._mean(found, _by_group(self.ideal_group, ideal))

    def recall(self, k: int) -> float:
        """Mean share of a group's relevant rows among its first ``k``."""
        inside = np.minimum(self.end, k) - np.minimum(self.first, k)
        found = _by_group(self.group, self.relevant * inside / (self.end - self.first))
        return self._mean(found, self.totals)

    def average_precision(self) -> float:
        """Mean average precision (MAP): precision at each relevant row, ties taken as one step."""
        before = np.cumsum(self.relevant)
        offset = np.concatenate([[0.0], np.cumsum(self.totals)[:-1]]) if len(self.group) else before
        precision = (before - offset[self.group]) / self.end
        found = _by_group(self.group, self.relevant * precision)
        return self._mean(found, self.totals)

    def reciprocal_rank(self) -> float:
        """Mean of 1 / rank of the first relevant row of a group (MRR)."""
        hit = np.flatnonzero(self.relevant > 0)
        groups, at = np.unique(self.group[hit], return_index=True)
        if not len(groups):
            return float("nan")
        tie = hit[at]
        rank = self.first[tie] + (self.end[tie] - self.first[tie] + 1) / (self.relevant[tie] + 1)
        return float(np.mean(1 / rank))

    def _mean(self, found: Floats, whole: Floats) -> float:
        counted = whole > 0
        return float(np.mean(found[counted] / whole[counted])) if counted.any() else float("nan")


def numbers(ranked: Ranked) -> dict[str, float]:
    """All metrics; NaN when no group has a relevant row. Groups without one do not count."""
    return {
        **{f"ndcg_{k}": ranked.ndcg(k) for k in RANK_CUTS},
        **{f"recall_{k}": ranked.recall(k) for k in RANK_CUTS},
        "map": ranked.average_precision(),
        "mrr": ranked.reciprocal_rank(),
    }


def by_cut(ranked: Ranked) -> dict[str, list[float]]:
    """NDCG and recall by ``k``, up to the longest group."""
    longest = int(ranked.end.max(initial=1))
    cuts = [k for k in CURVE_CUTS if k < longest] + [k for k in CURVE_CUTS if k >= longest][:1]
    return {
        "k": [float(k) for k in cuts],
        "ndcg": [ranked.ndcg(k) for k in cuts],
        "recall": [ranked.recall(k) for k in cuts],
    }


def _by_group(group: Ints, values: Floats) -> Floats:
    return np.bincount(group, weights=values).astype(np.float64)


def _sums(values: Floats, starts: Ints) -> Floats:
    return np.add.reduceat(values, starts) if len(values) else values
