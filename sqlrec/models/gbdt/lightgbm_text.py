"""The trees in LightGBM's model text, as :class:`~sqlrec.models.tabular.trees.Tree`.

Bits of ``decision_type``: 1 a set of categories, 2 missing values go left, and above them whether missing
values are told from zeros at all: where training had none, a missing value is taken for 0. Categories in the
set go left; missing ones and all others right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sqlrec.models.tabular.trees import Tree, rounded_down

CATEGORY, DEFAULT_LEFT = 1, 2
MISSING_SHIFT, MISSING_IS_NAN = 2, 2
WORD = 32


def read_trees(text: str) -> tuple[str, list[Tree]]:
    """The objective's name and the trees; ``target`` is the class of a tree."""
    head, *sections = text.split("\nTree=")
    header = _fields(head)
    per_round = int(header["num_tree_per_iteration"])
    trees = [
        _tree(_fields(section.partition("\nend of trees")[0]), number % per_round)
        for number, section in enumerate(sections)
    ]
    return header.get("objective", "").partition(" ")[0], trees


def _fields(section: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in section.splitlines())
    return {key: value for key, equals, value in pairs if equals}


def _tree(fields: Mapping[str, str], target: int) -> Tree:
    count = int(fields["num_leaves"]) - 1
    leaves = _numbers(fields, "leaf_value").astype(np.float32)
    if count < 1:
        empty = np.empty(0, np.int64)
        return Tree(
            feature=empty,
            threshold=np.empty(0, np.float32),
            on_true=empty,
            on_false=empty,
            missing_true=np.empty(0, np.bool_),
            leaves=leaves[:1],
            target=target,
        )
    decision = _numbers(fields, "decision_type").astype(np.int64)
    threshold = _numbers(fields, "threshold")
    is_category = (decision & CATEGORY) > 0
    tells_missing = (decision >> MISSING_SHIFT) & 3 == MISSING_IS_NAN
    missing_left = np.where(tells_missing, (decision & DEFAULT_LEFT) > 0, threshold >= 0)
    return Tree(
        feature=_numbers(fields, "split_feature").astype(np.int64),
        threshold=np.where(is_category, np.float32(0), rounded_down(threshold)),
        on_true=_numbers(fields, "left_child").astype(np.int64),
        on_false=_numbers(fields, "right_child").astype(np.int64),
        missing_true=missing_left & ~is_category,
        leaves=leaves,
        members=_members(fields, threshold, is_category),
        target=target,
    )


def _members(
    fields: Mapping[str, str], threshold: npt.NDArray[np.float64], is_category: npt.NDArray[np.bool_]
) -> dict[int, tuple[int, ...]]:
    """The categories of each set; its bits are words ``boundaries[k] … boundaries[k + 1]``."""
    if not is_category.any():
        return {}
    boundaries = _numbers(fields, "cat_boundaries").astype(np.int64)
    words = _numbers(fields, "cat_threshold").astype(np.uint32)
    found = {}
    for node in np.flatnonzero(is_category).tolist():
        k = int(threshold[node])
        bits = words[boundaries[k] : boundaries[k + 1], None] >> np.arange(WORD, dtype=np.uint32) & 1
        found[node] = tuple(np.flatnonzero(bits.ravel()).tolist())
    return found


def _numbers(fields: Mapping[str, str], key: str) -> npt.NDArray[np.float64]:
    return np.array(fields[key].split(), np.float64)
