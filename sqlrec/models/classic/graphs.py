"""ONNX models over the matrix, built by hand: small, and exact to the arithmetic of the estimators."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto, TensorProto, helper

from sqlrec.features.builder import GraphBuilder
from sqlrec.features.graph import BATCH
from sqlrec.models.tabular.estimator import MATRIX

OPSET, ML_OPSET, IR_VERSION = 20, 4, 10
Output = tuple[str, int, Sequence[str | int]]
"""Name, ONNX element type and shape."""


def builder() -> GraphBuilder:
    """Collects the nodes of an estimator, which get their prefix when they join the encoder's."""
    return GraphBuilder("")


def model(build: GraphBuilder, outputs: Sequence[Output], width: int) -> ModelProto:
    """The model from :data:`MATRIX`, float32 ``[batch, width]``, to tensors that the nodes name."""
    return helper.make_model(
        helper.make_graph(
            build.nodes,
            "estimator",
            [helper.make_tensor_value_info(MATRIX, TensorProto.FLOAT, [BATCH, width])],
            [helper.make_tensor_value_info(name, kind, [BATCH, *shape]) for name, kind, shape in outputs],
            build.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
    )
