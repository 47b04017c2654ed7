"""k-means: clusters of standardised rows around centres (Lloyd's algorithm, k-means++ starts).

A row belongs to the nearest centre, of equally near ones to the first. Distances are computed in float64 and
compared in float32, here and in the exported graph, so that ties fall the same way in both.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto
from sklearn.cluster import KMeans as Lloyd
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sqlrec.errors import DataError, OptionError
from sqlrec.features.matrix import Encoding
from sqlrec.models.classic.arrays import load_arrays, save_arrays
from sqlrec.models.classic.compact import compact
from sqlrec.models.classic.graphs import builder, model
from sqlrec.models.classic.reading import number, whole
from sqlrec.models.tabular.estimator import MATRIX, Examples, Floats, Learned, Lesson

Doubles = npt.NDArray[np.float64]

BLOCK_ROWS = 65_536
"""Rows that are in memory as float64 at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Centres:
    """``centres`` float64 ``[clusters, width]``."""

    centres: Doubles

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """Cluster number int64 ``[rows]`` and distance to its centre float32 ``[rows]``."""
        starts = range(0, max(len(matrix), 1), BLOCK_ROWS)
        distances = [self._distances(matrix[start : start + BLOCK_ROWS]) for start in starts]
        numbers = np.concatenate([block.argmin(axis=1) for block in distances])
        return numbers, np.concatenate([block.min(axis=1) for block in distances])

    def _distances(self, matrix: Floats) -> Floats:
        rows = matrix.astype(np.float64)
        lengths = np.square(rows).sum(axis=1, keepdims=True)
        squares = lengths - 2 * (rows @ self.centres.T) + np.square(self.centres).sum(axis=1)
        distances: Floats = np.sqrt(np.maximum(squares, 0.0)).astype(np.float32)
        return distances

    def save(self, folder: Path) -> None:
        """Write ``estimator.npz``."""
        save_arrays(folder, {"centres": self.centres})

    def graph(self, outputs: tuple[str, ...]) -> ModelProto:
        """The same in ONNX."""
        build = builder()
        rows = build.op("Cast", "rows", [MATRIX], to=TensorProto.DOUBLE)
        over = build.constant("over", np.array([1], np.int64))
        squared = build.op("Mul", "squared", [rows, rows])
        lengths = build.op("ReduceSum", "lengths", [squared, over], keepdims=1)
        towards = build.constant("towards", -2 * self.centres.T)
        product = build.op("MatMul", "product", [rows, towards])
        shifted = build.op("Add", "shifted", [lengths, product])
        own = build.constant("own", np.square(self.centres).sum(axis=1))
        squares = build.op("Add", "squares", [shifted, own])
        floor = build.op("Max", "floor", [squares, build.constant("zero", np.array(0.0))])
        distances = build.op("Cast", "distances", [build.op("Sqrt", "roots", [floor])], to=TensorProto.FLOAT)
        build.result("ArgMin", outputs[0], [distances], axis=1, keepdims=0)
        build.result("ReduceMin", outputs[1], [distances, over], keepdims=0)
        kinds = (TensorProto.INT64, TensorProto.FLOAT)
        return model(build, [(n, k, []) for n, k in zip(outputs, kinds, strict=True)], self.centres.shape[1])

    def importance(self) -> Mapping[int, float]:
        """Empty: clusters have no label that columns could explain."""
        return {}


@dataclass(frozen=True, slots=True)
class KMeans:
    """Learner of ``kmeans``."""

    encoding: Encoding = Encoding.ONE_HOT

    def fit(self, lesson: Lesson) -> Learned:
        """Cluster the rows, from the base's centres where there is a base.

        Raises ``DataError`` SR550 for fewer rows than clusters and ``OptionError`` SR551 when the base has
        another number of clusters.
        """
        count = whole(lesson, "n_clusters")
        if len(lesson.train) < count:
            raise DataError(
                "SR550",
                f"{len(lesson.train):,} rows cannot form {count} clusters",
                hint="lower n_clusters, or train on more rows",
            )
        start = self._start(lesson, count)
        lloyd = Lloyd(
            count,
            init="k-means++" if start is None else start.astype(np.float32),
            n_init=whole(lesson, "n_init") if start is None else 1,
            max_iter=whole(lesson, "max_iter"),
            tol=number(lesson, "tol"),
            random_state=whole(lesson, "seed"),
        )
        with threadpool_limits(lesson.threads), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            lloyd.fit(compact(lesson.train.matrix, np.float32), sample_weight=lesson.train.weights)
        centres = _means(lesson.train, lloyd.labels_, lloyd.cluster_centers_.astype(np.float64))
        lesson.progress(f"{lloyd.n_iter_} rounds", done=0.9)
        params = {"iterations": str(lloyd.n_iter_)}
        return Learned(
            estimator=Centres(centres), params=params, warnings=tuple(str(w.message) for w in caught)
        )

    def load(self, folder: Path) -> Centres:
        """The saved estimator; raises ``StateError`` SR521."""
        return Centres(load_arrays(folder, "centres")["centres"])

    def _start(self, lesson: Lesson, count: int) -> Doubles | None:
        if lesson.base is None:
            return None
        base = self.load(lesson.base).centres
        if len(base) != count:
            raise OptionError(
                "SR551",
                f"the base checkpoint has {len(base)} clusters, n_clusters asks for {count}",
                hint=f"write n_clusters = {len(base)}, or train without FROM",
            )
        return base


def _means(examples: Examples, own: npt.NDArray[np.integer], centres: Doubles) -> Doubles:
    """Centres as means of their rows in float64: the library sums them in an order that threads decide."""
    means = centres.copy()
    for cluster in range(len(centres)):
        mine = own == cluster
        if mine.any():
            weights = None if examples.weights is None else examples.weights[mine].astype(np.float64)
            means[cluster] = np.average(examples.matrix[mine].astype(np.float64), axis=0, weights=weights)
    return means


LEARNER = KMeans()
