"""Random forests (Breiman 2001) of classes and of numbers; missing values are split on as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from sqlrec.features.matrix import Encoding
from sqlrec.models.classic.reading import whole
from sqlrec.models.classic.trees import LEAF, Forest, joined
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.estimator import Learned, Lesson

REGRESSION_SHARE = 1 / 3
"""Share of the columns tried at a split for numbers; for classes it is their square root (Breiman)."""


@dataclass(frozen=True, slots=True)
class RandomForest:
    """Learner of ``random_forest``."""

    encoding: Encoding = Encoding.ORDINAL

    def fit(self, lesson: Lesson) -> Learned:
        """Grow trees over the rows; with a base, beside its trees, which stay as they are."""
        base = self.load(lesson.base) if lesson.base else None
        grown = _grown(lesson, 0 if base is None else len(base.roots))
        forest = joined([grown] if base is None else [base, grown])
        trees, nodes = len(forest.roots), len(forest.feature)
        return Learned(estimator=forest, params={"trees": str(trees), "nodes": str(nodes)})

    def load(self, folder: Path) -> Forest:
        """The saved forest; raises ``StateError`` SR521."""
        return Forest.load(folder)


def _grown(lesson: Lesson, before: int) -> Forest:
    """New trees; ``before`` of the base shift the seed, so that the same seed gives other trees."""
    train, share = lesson.train, lesson.options["max_features"]
    settings: dict[str, Any] = {
        "n_estimators": whole(lesson, "n_estimators"),
        "max_depth": lesson.options["max_depth"],
        "min_samples_leaf": whole(lesson, "min_samples_leaf"),
        "n_jobs": lesson.threads,
        "random_state": whole(lesson, "seed") + before,
    }
    lesson.progress(f"growing {settings['n_estimators']} trees", done=0.1)
    if lesson.objective is Objective.REGRESSION:
        numbers = RandomForestRegressor(max_features=share or REGRESSION_SHARE, **settings)
        numbers.fit(train.matrix, train.labels, sample_weight=train.weights)
        return joined([_tree(tree.tree_, 0) for tree in numbers.estimators_])
    classes = RandomForestClassifier(max_features=share or "sqrt", **settings)
    classes.fit(train.matrix, train.labels.astype(np.int64), sample_weight=train.weights)
    first = 0 if lesson.objective is Objective.MULTICLASS else 1
    return joined([_tree(tree.tree_, first) for tree in classes.estimators_])


def _tree(tree: Any, first: int) -> Forest:
    """Arrays of a fitted tree that answers with its values from the ``first`` on."""
    leaf = tree.children_left < 0
    return Forest(
        roots=np.zeros(1, np.int64),
        feature=np.where(leaf, LEAF, tree.feature).astype(np.int32),
        threshold=_rounded_down(np.where(leaf, 0.0, tree.threshold)),
        left=tree.children_left.astype(np.int32),
        right=tree.children_right.astype(np.int32),
        missing_left=tree.missing_go_to_left.astype(np.bool_) & ~leaf,
        value=tree.value[:, 0, first:].astype(np.float32),
        gain=tree.compute_feature_importances(normalize=False),
    )


def _rounded_down(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The largest float32 at or below each value."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


LEARNER = RandomForest()
