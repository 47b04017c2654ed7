"""Principal components: the directions in which standardised rows differ most.

Taken from the eigenvectors of the covariance (as scikit-learn's ``covariance_eigh`` does), each turned so
that its largest entry is positive. Training goes on from a checkpoint exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sqlrec.errors import OptionError
from sqlrec.features.matrix import Encoding
from sqlrec.models.classic.affine import Affine, Answer
from sqlrec.models.classic.moments import NAMES, Moments
from sqlrec.models.classic.reading import flag, whole
from sqlrec.models.tabular.estimator import Learned, Lesson
from sqlrec.spec.job import CurvePoint


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """Learner of ``pca``."""

    encoding: Encoding = Encoding.ONE_HOT

    def fit(self, lesson: Lesson) -> Learned:
        """Components of the rows and, with a base, of those of the base as well."""
        count = whole(lesson, "n_components")
        if count > len(lesson.names):
            raise OptionError(
                "SR552",
                f"n_components = {count}, but the features give {len(lesson.names)} columns",
                hint=f"write n_components = {len(lesson.names)}, or less",
            )
        moments = Moments.of(lesson.train.matrix, lesson.train.weights)
        if lesson.base:
            moments = Moments.from_arrays(self.load(lesson.base).state).and_those(moments)
        values, vectors = np.linalg.eigh(moments.scatter / moments.weight)
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1][:, :count]
        largest = np.argmax(np.abs(vectors), axis=0)
        vectors = vectors * np.where(vectors[largest, np.arange(count)] < 0, -1.0, 1.0)
        shares = values[:count] / values.sum() if values.sum() > 0 else np.zeros(count)
        if flag(lesson, "whiten"):
            spread = np.sqrt(values[:count])
            vectors = vectors * np.divide(1.0, spread, out=np.zeros(count), where=spread > 0)
        affine = Affine(
            coef=vectors, intercept=-(moments.mean @ vectors), answer=Answer.VECTOR, state=moments.arrays
        )
        curves = [
            CurvePoint(name="explained_variance_ratio", step=k, value=float(share))
            for k, share in enumerate(shares, start=1)
        ]
        params = {"explained_variance_ratio": f"{shares.sum():.6g}"}
        return Learned(estimator=affine, curves=tuple(curves), params=params)

    def load(self, folder: Path) -> Affine:
        """The saved estimator; raises ``StateError`` SR521."""
        return Affine.load(folder, *NAMES)


LEARNER = PrincipalComponents()
