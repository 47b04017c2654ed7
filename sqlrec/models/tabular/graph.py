"""A tabular model as one ONNX file: the encoder's graph, then the estimator's."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto, TensorProto, ValueInfoProto, compose, helper

from sqlrec.errors import JobError
from sqlrec.features.matrix import MatrixEncoder
from sqlrec.features.matrix_graph import matrix_graph
from sqlrec.models.tabular.estimator import MATRIX
from sqlrec.spec.schema import Kind
from sqlrec.spec.signature import OutputColumn

OPSET, ML_OPSET, IR_VERSION = 20, 4, 10
BATCH = "batch"
PREFIX = "/model/"
LIMIT = 2**31 - 2**20
"""Bytes of an ONNX file, less room for the rest of the model."""

_ELEMENTS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "string": TensorProto.STRING}


def whole_model(encoder: MatrixEncoder, estimator: ModelProto, outputs: Sequence[OutputColumn]) -> bytes:
    """Bytes of the model from raw columns to ``outputs``; ``JobError`` SR531 beyond 2 GiB.

    ``estimator`` is what :meth:`~sqlrec.models.tabular.estimator.Estimator.graph` gives.
    """
    piece = matrix_graph(encoder)
    inner = compose.add_prefix(estimator, PREFIX, rename_outputs=False)
    opsets = {"": OPSET, "ai.onnx.ml": ML_OPSET}
    for opset in inner.opset_import:
        opsets[opset.domain] = max(opset.version, opsets.get(opset.domain, 0))
    model = helper.make_model(
        helper.make_graph(
            [
                *piece.nodes,
                helper.make_node("Identity", [piece.matrix], [PREFIX + MATRIX], name=PREFIX + "input"),
                *inner.graph.node,
            ],
            "sqlrec",
            piece.inputs,
            [_value_info(column, estimator) for column in outputs],
            [*piece.initializers, *inner.graph.initializer],
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets.items()],
        ir_version=IR_VERSION,
        producer_name="sqlrec",
    )
    if model.ByteSize() > LIMIT:
        raise JobError(
            "SR531",
            f"the model has {model.ByteSize() / 2**30:.1f} GiB; an ONNX file holds at most 2 GiB",
            hint="train fewer or smaller trees, or lower max_categories",
        )
    return bytes(model.SerializeToString(deterministic=True))


def _value_info(column: OutputColumn, estimator: ModelProto) -> ValueInfoProto:
    """``[batch]``, or ``[batch, width]`` of an ARRAY, as far as the estimator knows the width."""
    shape: list[str | int | None] = [BATCH]
    if column.type.kind is Kind.ARRAY:
        found = next(o for o in estimator.graph.output if o.name == column.name).type.tensor_type.shape
        shape.append(found.dim[1].dim_value or None)
    return helper.make_tensor_value_info(column.name, _ELEMENTS[column.tensor], shape)
