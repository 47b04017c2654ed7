"""Metrics of boosting rounds: which fit an objective, and which of two values is the better. Light."""

from __future__ import annotations

from sqlrec.models.objective import Objective

OBJECTIVES = (Objective.BINARY, Objective.MULTICLASS, Objective.REGRESSION, Objective.RANKING)
FITTING = {
    Objective.BINARY: ("auc", "logloss"),
    Objective.MULTICLASS: ("multi_logloss",),
    Objective.REGRESSION: ("rmse",),
    Objective.RANKING: ("ndcg",),
}
"""Metrics by objective, the one that takes the place of an unfit one first."""
METRICS = ("auc", "logloss", "rmse", "multi_logloss", "ndcg")
HIGHER_IS_BETTER = frozenset({"auc", "ndcg"})
CUT = 10
"""The k of NDCG@k."""


def metric_of(objective: Objective, metric: str) -> str:
    """``metric`` where it fits the objective, else the one that does."""
    fitting = FITTING[objective]
    return metric if metric in fitting else fitting[0]
