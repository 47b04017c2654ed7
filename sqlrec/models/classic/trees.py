"""A trained forest as arrays: answers of many trees, their mean, and the same in ONNX.

Nodes of all trees lie end to end. A row goes left at a node when its value is at most the threshold, or is
missing and missing values go left there. Thresholds are rounded down to float32, which changes no decision
since values are float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto

from sqlrec.models.classic.arrays import load_arrays, save_arrays
from sqlrec.models.classic.graphs import builder, model
from sqlrec.models.tabular.estimator import MATRIX, Floats

LEAF = -1
NAMES = ("roots", "feature", "threshold", "left", "right", "missing_left", "value", "gain")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """``roots`` int64 ``[trees]`` are node numbers; the others have one entry a node.

    ``feature`` int32, :data:`LEAF` for a leaf; ``threshold`` float32; ``left`` and ``right`` int32 node
    numbers; ``missing_left`` bool; ``value`` float32 ``[nodes, targets]``, the answer of a leaf. ``gain``
    float64 ``[width]`` is the importance of the columns, summed over the trees. With one target the answer
    is ``[rows]``, else ``[rows, targets]``.
    """

    roots: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    missing_left: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float32]
    gain: npt.NDArray[np.float64]

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """One output: the mean of the trees' answers."""
        total = np.zeros((len(matrix), self.value.shape[1]))
        for root in self.roots.tolist():
            total += self.value[self._leaves(matrix, root)]
        mean = (total / len(self.roots)).astype(np.float32)
        return (mean if mean.shape[1] > 1 else mean[:, 0],)

    def _leaves(self, matrix: Floats, root: int) -> npt.NDArray[np.int64]:
        """The leaf of each row in one tree: all rows go down one level at a time."""
        nodes = np.full(len(matrix), root, np.int64)
        rows = np.arange(len(matrix)) if self.feature[root] != LEAF else np.empty(0, np.int64)
        while len(rows):
            at = nodes[rows]
            values = matrix[rows, self.feature[at]]
            goes_left = (values <= self.threshold[at]) | (np.isnan(values) & self.missing_left[at])
            below = np.where(goes_left, self.left[at], self.right[at])
            nodes[rows] = below
            rows = rows[self.feature[below] != LEAF]
        return nodes

    def save(self, folder: Path) -> None:
        """Write ``estimator.npz``."""
        save_arrays(folder, {name: getattr(self, name) for name in NAMES})

    @classmethod
    def load(cls, folder: Path) -> Forest:
        """The saved forest; raises ``StateError`` SR521."""
        arrays = load_arrays(folder, *NAMES)
        return cls(**{name: arrays[name] for name in NAMES})

    def graph(self, outputs: tuple[str, ...]) -> ModelProto:
        """One node that holds all trees."""
        build = builder()
        targets, several = self.value.shape[1], self.value.shape[1] > 1
        wide = build.op(
            "TreeEnsembleRegressor",
            "trees",
            [MATRIX],
            domain="ai.onnx.ml",
            n_targets=targets,
            aggregate_function="SUM",
            **self._attributes(),
        )
        if several:
            build.result("Identity", outputs[0], [wide])
        else:
            build.result("Squeeze", outputs[0], [wide, build.constant("axis", np.array([1], np.int64))])
        shape = [targets] if several else []
        return model(build, [(outputs[0], TensorProto.FLOAT, shape)], len(self.gain))

    def _attributes(self) -> dict[str, Any]:
        nodes = np.arange(len(self.feature))
        tree = np.searchsorted(self.roots, nodes, side="right") - 1
        number = nodes - self.roots[tree]
        leaf = self.feature == LEAF
        leaves, targets = nodes[leaf], self.value.shape[1]
        return {
            "nodes_treeids": tree.tolist(),
            "nodes_nodeids": number.tolist(),
            "nodes_featureids": np.where(leaf, 0, self.feature).tolist(),
            "nodes_values": self.threshold.tolist(),
            "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
            "nodes_truenodeids": np.where(leaf, 0, self.left - self.roots[tree]).tolist(),
            "nodes_falsenodeids": np.where(leaf, 0, self.right - self.roots[tree]).tolist(),
            "nodes_missing_value_tracks_true": self.missing_left.astype(np.int64).tolist(),
            "target_treeids": np.repeat(tree[leaves], targets).tolist(),
            "target_nodeids": np.repeat(number[leaves], targets).tolist(),
            "target_ids": np.tile(np.arange(targets), len(leaves)).tolist(),
            "target_weights": (self.value[leaves] / np.float32(len(self.roots))).ravel().tolist(),
        }

    def importance(self) -> Mapping[int, float]:
        """Mean decrease of impurity by column."""
        return dict(enumerate((self.gain / len(self.roots)).tolist()))


def joined(forests: Sequence[Forest]) -> Forest:
    """All trees of several forests."""
    starts = np.cumsum([0, *(len(f.feature) for f in forests)])[:-1]

    def moved(name: str) -> npt.NDArray[Any]:
        parts = [getattr(f, name) + start for f, start in zip(forests, starts.tolist(), strict=True)]
        return np.concatenate(parts).astype(parts[0].dtype)

    def whole(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(f, name) for f in forests])

    return Forest(
        roots=moved("roots"),
        left=moved("left"),
        right=moved("right"),
        feature=whole("feature"),
        threshold=whole("threshold"),
        missing_left=whole("missing_left"),
        value=whole("value"),
        gain=np.sum([f.gain for f in forests], axis=0),
    )
