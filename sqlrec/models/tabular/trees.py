"""Sums of decision trees as one ONNX node that answers bit by bit as the trees do at every threshold.

``TreeEnsemble`` of ``ai.onnx.ml`` 5: a converter's float rounding of thresholds, its handling of missing
values and its copies of subtrees for sets of categories are not needed, since both sides are plain here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from sqlrec.models.tabular.estimator import MATRIX

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

OPSET, TREES_OPSET, IR_VERSION = 20, 5, 10
SUM, NO_TRANSFORM = 1, 0


class Branch(IntEnum):
    """The test of a node, by ONNX's numbers: true when the value is at most, or below, the threshold."""

    AT_MOST = 0
    BELOW = 1


MEMBER = 6
"""ONNX's number of the test whether a value is in a set."""


class Link(StrEnum):
    """What makes answers of the sums."""

    IDENTITY = "identity"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree whose leaves add to the sum ``target``.

    By node: the matrix column ``feature`` it tests, its ``threshold``, the child when the test holds
    (``on_true``) or not (``on_false``), and whether it holds for a missing value. A child is the number of a
    node, or ``-1 - leaf``; node 0 is the root, and a tree without nodes is its only leaf. ``members`` are the
    codes of the nodes that test a category: the test holds for these.
    """

    feature: Ints
    threshold: Floats
    on_true: Ints
    on_false: Ints
    missing_true: npt.NDArray[np.bool_]
    leaves: Floats
    members: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    target: int = 0


def rounded_down(thresholds: npt.NDArray[np.float64]) -> Floats:
    """The greatest float32 at or below each number: ``x <= t`` is the same for every float32 ``x``."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def ensemble(
    trees: Sequence[Tree], branch: Branch, base: Sequence[float], link: Link, output: str
) -> ModelProto:
    """ONNX from :data:`MATRIX` to ``output`` of the sums of ``trees``, which start from ``base``.

    ``output`` is float32 ``[batch]`` for one sum, else ``[batch, sums]``; SIGMOID needs one sum.
    """
    constants = [numpy_helper.from_array(np.asarray(base, np.float32)[None, :], "base")]
    nodes = [
        _ensemble_node(trees, branch, len(base)),
        helper.make_node("Add", ["sums", "base"], ["score"], name="score"),
    ]
    last = "score"
    match link:
        case Link.SIGMOID:
            nodes.append(helper.make_node("Sigmoid", [last], ["probability"], name="probability"))
            last = "probability"
        case Link.SOFTMAX:
            nodes.append(helper.make_node("Softmax", [last], ["probability"], name="probability", axis=1))
            last = "probability"
        case Link.IDENTITY:
            pass
    single = len(base) == 1
    if single:
        constants.append(numpy_helper.from_array(np.array([-1], np.int64), "flat"))
        nodes.append(helper.make_node("Reshape", [last, "flat"], [output], name="answer"))
    else:
        nodes.append(helper.make_node("Identity", [last], [output], name="answer"))
    shape: list[str | int] = ["batch"] if single else ["batch", len(base)]
    graph = helper.make_graph(
        nodes,
        "trees",
        [helper.make_tensor_value_info(MATRIX, TensorProto.FLOAT, ["batch", None])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREES_OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="sqlrec")


def _ensemble_node(trees: Sequence[Tree], branch: Branch, sums: int) -> NodeProto:
    whole = [_with_root(tree) for tree in trees]
    node_starts = np.cumsum([0, *(len(tree.feature) for tree in whole)])
    leaf_starts = np.cumsum([0, *(len(tree.leaves) for tree in whole)])
    modes, members = _modes(whole, branch)
    true_ids, true_leaves = _children([t.on_true for t in whole], node_starts, leaf_starts)
    false_ids, false_leaves = _children([t.on_false for t in whole], node_starts, leaf_starts)
    targets = np.repeat([t.target for t in whole], [len(t.leaves) for t in whole])
    attributes = {
        "aggregate_function": SUM,
        "post_transform": NO_TRANSFORM,
        "n_targets": sums,
        "tree_roots": node_starts[:-1].tolist(),
        "nodes_featureids": np.concatenate([t.feature for t in whole]).tolist(),
        "nodes_splits": numpy_helper.from_array(np.concatenate([t.threshold for t in whole])),
        "nodes_modes": numpy_helper.from_array(modes),
        "nodes_truenodeids": true_ids,
        "nodes_trueleafs": true_leaves,
        "nodes_falsenodeids": false_ids,
        "nodes_falseleafs": false_leaves,
        "nodes_missing_value_tracks_true": np.concatenate([t.missing_true for t in whole])
        .astype(np.int64)
        .tolist(),
        "leaf_targetids": targets.tolist(),
        "leaf_weights": numpy_helper.from_array(np.concatenate([t.leaves for t in whole])),
    }
    if len(members):
        attributes["membership_values"] = numpy_helper.from_array(members)
    return helper.make_node(
        "TreeEnsemble", [MATRIX], ["sums"], domain="ai.onnx.ml", name="trees", **attributes
    )


def _with_root(tree: Tree) -> Tree:
    """The tree with at least one node: ONNX's trees begin with a test."""
    if len(tree.feature):
        return tree
    one = np.zeros(1, np.int64)
    return Tree(
        feature=one,
        threshold=np.zeros(1, np.float32),
        on_true=one - 1,
        on_false=one - 1,
        missing_true=np.zeros(1, np.bool_),
        leaves=tree.leaves,
        target=tree.target,
    )


def _modes(trees: Sequence[Tree], branch: Branch) -> tuple[npt.NDArray[np.uint8], Floats]:
    """The test of each node, and the sets of those that test one, each ended by NaN."""
    modes, members = [], []
    for tree in trees:
        own = np.full(len(tree.feature), branch, np.uint8)
        for node in sorted(tree.members):
            own[node] = MEMBER
            members.append(np.array([*tree.members[node], np.nan], np.float32))
        modes.append(own)
    return np.concatenate(modes), np.concatenate(members) if members else np.empty(0, np.float32)


def _children(children: Sequence[Ints], node_starts: Ints, leaf_starts: Ints) -> tuple[list[int], list[int]]:
    """Numbers of the children over all trees, and whether each is a leaf."""
    ids, leaves = [], []
    for own, node, leaf in zip(children, node_starts, leaf_starts, strict=False):
        is_leaf = own < 0
        ids.append(np.where(is_leaf, leaf - 1 - own, node + own))
        leaves.append(is_leaf.astype(np.int64))
    return np.concatenate(ids).tolist(), np.concatenate(leaves).tolist()
