"""The trees in XGBoost's JSON, as :class:`~sqlrec.models.tabular.trees.Tree`.

A value below the threshold goes left; a category in the node's set goes *right*, all others left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlrec.models.tabular.trees import Tree

Ints = npt.NDArray[np.int64]


def read_trees(data: Mapping[str, Any]) -> list[Tree]:
    """All trees; ``target`` is the class of a tree."""
    model = data["learner"]["gradient_booster"]["model"]
    return [_tree(tree, target) for tree, target in zip(model["trees"], model["tree_info"], strict=True)]


def base_scores(data: Mapping[str, Any]) -> list[float]:
    """What the sums start from, before the objective's inverse link; one number, or one a class."""
    text = str(data["learner"]["learner_model_param"]["base_score"])
    found = json.loads(text) if text.startswith("[") else [float(text)]
    return [float(value) for value in found]


def _tree(tree: Mapping[str, Any], target: int) -> Tree:
    left, right = (np.asarray(tree[f"{side}_children"], np.int64) for side in ("left", "right"))
    is_leaf = left < 0
    place = np.where(
        is_leaf, -np.cumsum(is_leaf.astype(np.int64)), np.cumsum((~is_leaf).astype(np.int64)) - 1
    )
    inner = np.flatnonzero(~is_leaf)
    conditions = np.asarray(tree["split_conditions"], np.float32)
    by_node = {int(place[node]): codes for node, codes in _members(tree).items()}
    is_category = np.isin(np.arange(len(inner)), list(by_node))
    default_left = np.asarray(tree["default_left"], np.bool_)[inner]
    on_left, on_right = place[left[inner]], place[right[inner]]
    return Tree(
        feature=np.asarray(tree["split_indices"], np.int64)[inner],
        threshold=np.where(is_category, np.float32(0), conditions[inner]),
        on_true=np.where(is_category, on_right, on_left),
        on_false=np.where(is_category, on_left, on_right),
        missing_true=np.where(is_category, ~default_left, default_left),
        leaves=conditions[is_leaf],
        members=by_node,
        target=target,
    )


def _members(tree: Mapping[str, Any]) -> dict[int, tuple[int, ...]]:
    codes: Sequence[int] = tree["categories"]
    pieces = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {int(node): tuple(codes[start : start + size]) for node, start, size in pieces}
