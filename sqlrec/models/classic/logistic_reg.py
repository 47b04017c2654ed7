"""Logistic regression of two or several classes with an L2 penalty (L-BFGS)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from sqlrec.features.matrix import Encoding
from sqlrec.models.classic.affine import Affine, Answer, Doubles
from sqlrec.models.classic.compact import compact
from sqlrec.models.classic.reading import number, whole
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.estimator import Learned, Lesson


@dataclass(frozen=True, slots=True)
class Logistic:
    """Learner of ``logistic_reg``."""

    encoding: Encoding = Encoding.ONE_HOT

    def fit(self, lesson: Lesson) -> Learned:
        """Fit, beginning at the base's coefficients where there is a base."""
        regression = LogisticRegression(
            C=number(lesson, "c"),
            max_iter=whole(lesson, "max_iter"),
            tol=number(lesson, "tol"),
            warm_start=True,
        )
        if lesson.base:
            base = self.load(lesson.base)
            pair = base.coef.shape[1] == 2
            regression.coef_, regression.intercept_ = (
                (sums[..., 1:] - sums[..., :1]).T if pair else sums.T.copy()
                for sums in (base.coef, base.intercept)
            )
        with threadpool_limits(lesson.threads), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            rows, codes = compact(lesson.train.matrix, np.float64), lesson.train.labels.astype(np.int64)
            regression.fit(rows, codes, sample_weight=lesson.train.weights)
        rounds = int(regression.n_iter_.max())
        lesson.progress(f"{rounds} rounds", done=0.9)
        affine = _affine(regression.coef_.T, regression.intercept_, lesson.objective)
        stopped = f"not converged after {rounds} rounds: raise max_iter" if caught else ""
        return Learned(
            estimator=affine,
            params={"iterations": str(rounds)},
            warnings=tuple(filter(None, (stopped,))),
        )

    def load(self, folder: Path) -> Affine:
        """The saved estimator; raises ``StateError`` SR521."""
        return Affine.load(folder)


def _affine(coef: Doubles, intercept: Doubles, objective: Objective) -> Affine:
    """One sum for a probability; for probabilities a sum for each class, the first of two being 0."""
    if objective is Objective.BINARY:
        return Affine(coef=coef.copy(), intercept=intercept.copy(), answer=Answer.PROBABILITY)
    if coef.shape[1] == 1:
        coef, intercept = np.pad(coef, ((0, 0), (1, 0))), np.pad(intercept, (1, 0))
    return Affine(coef=coef.copy(), intercept=intercept.copy(), answer=Answer.PROBABILITIES)


LEARNER = Logistic()
