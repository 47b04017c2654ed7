"""Linear regression by least squares, with an L2 penalty where wanted (ridge regression).

The normal equations are solved by eigenvalues, which gives the smallest coefficients where columns are
collinear, as the indicators of a category are. Training goes on from a checkpoint exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sqlrec.features.matrix import Encoding
from sqlrec.models.classic.affine import Affine, Answer
from sqlrec.models.classic.moments import NAMES, Moments
from sqlrec.models.classic.reading import number
from sqlrec.models.tabular.estimator import Learned, Lesson

NEGLIGIBLE = 1e-12
"""Directions with less of the largest scatter than this are taken for collinear."""


@dataclass(frozen=True, slots=True)
class LinearRegression:
    """Learner of ``linear_reg``."""

    encoding: Encoding = Encoding.ONE_HOT

    def fit(self, lesson: Lesson) -> Learned:
        """Least squares over the rows and, with a base, over those of the base as well."""
        train = lesson.train
        moments = Moments.of(np.column_stack([train.matrix, train.labels]), train.weights)
        if lesson.base:
            moments = Moments.from_arrays(self.load(lesson.base).state).and_those(moments)
        lesson.progress(f"solving for {len(lesson.names):,} coefficients", done=0.9)
        return Learned(estimator=_solved(moments, number(lesson, "l2_regularization")))

    def load(self, folder: Path) -> Affine:
        """The saved estimator; raises ``StateError`` SR521."""
        return Affine.load(folder, *NAMES)


def _solved(moments: Moments, penalty: float) -> Affine:
    scatter, towards = moments.scatter[:-1, :-1], moments.scatter[:-1, -1]
    values, vectors = np.linalg.eigh(scatter)
    kept = values > NEGLIGIBLE * max(values.max(initial=0), np.finfo(np.float64).tiny)
    scale = np.divide(1.0, values + penalty, out=np.zeros_like(values), where=kept)
    coef = vectors @ (scale * (vectors.T @ towards))
    intercept = moments.mean[-1] - moments.mean[:-1] @ coef
    return Affine(
        coef=coef[:, None], intercept=np.array([intercept]), answer=Answer.NUMBER, state=moments.arrays
    )


LEARNER = LinearRegression()
