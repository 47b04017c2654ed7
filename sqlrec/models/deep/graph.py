"""A trained model as one ONNX graph: encoder, fused table, head, probability.

Only the head comes from torch's exporter, so a new kind of head (DeepFM, DCN, …) needs no export code.
The exporter's traces (stacks, file names) are removed: the same checkpoint gives the same bytes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from onnx import ModelProto, TensorProto, ValueInfoProto, compose, helper, numpy_helper
from torch import Tensor, nn

from sqlrec.errors import JobError
from sqlrec.features.encoder import Encoder
from sqlrec.features.graph import BATCH, GraphBuilder, encoder_graph

OPSET, ML_OPSET, IR_VERSION = 20, 4, 10
"""Versions that torch 2.13 writes and that ONNX Runtime reads since 1.17."""
LIMIT = 2**31 - 1
"""Most bytes of a protobuf message, and so of an ONNX file without side files."""
HEAD = "/head/"
EMBEDDED, DENSE, LOGITS = "embedded", "dense", "logits"
TABLE = "/embed/table"


def export_head(head: nn.Module, columns: int, row_width: int, dense_width: int) -> ModelProto:
    """The head alone: ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width] → ``logits``.

    Without dense features ``embedded`` is the only input.
    """
    example = [torch.zeros(2, columns, row_width)]
    if dense_width:
        example.append(torch.zeros(2, dense_width))
    else:
        head = _WithoutDense(head)
    batch = torch.export.Dim(BATCH, min=1)
    with _quiet():
        program = torch.onnx.export(
            head.eval(),
            tuple(example),
            dynamo=True,
            external_data=False,
            verbose=False,
            opset_version=OPSET,
            dynamic_shapes=tuple({0: batch} for _ in example),
            input_names=[EMBEDDED, DENSE][: len(example)],
            output_names=[LOGITS],
        )
    if program is None:
        raise JobError("SR530", "torch exported no graph of the model's head")
    return bare(program.model_proto)


class _WithoutDense(nn.Module):
    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, embedded: Tensor) -> Tensor:
        logits: Tensor = self.head(embedded, embedded.new_zeros(embedded.shape[0], 0))
        return logits


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's notes on its own internals."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        warnings.filterwarnings("ignore", r"# The axis name: \w+ will not be used", UserWarning)
        try:
            yield
        finally:
            logger.setLevel(level)


def bare(model: ModelProto) -> ModelProto:
    """The model without what says how it was made."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    graph.ClearField("value_info")
    model.producer_name, model.producer_version = "sqlrec", ""
    return model


def feature_model(encoder: Encoder, table: Tensor) -> ModelProto:
    """Raw columns → ``/head/embedded`` and, with dense features, ``/head/dense``: the inputs of the head."""
    if table.nbytes > LIMIT:
        raise _too_large(table.nbytes)
    piece = encoder_graph(encoder)
    build = GraphBuilder("/embed/")
    parts = [build.op("Gather", "slots", [TABLE, piece.ids])] if piece.ids else []
    parts += [_pooled(build, bag, index) for index, bag in enumerate(piece.bags)]
    columns = len(encoder.slots) + len(encoder.bags)
    outputs = [_floats(HEAD + EMBEDDED, [BATCH, columns, table.shape[1]])]
    joined = GraphBuilder(HEAD)
    if len(parts) == 1:
        joined.op("Identity", EMBEDDED, parts)
    else:
        joined.op("Concat", EMBEDDED, parts, axis=1)
    if piece.dense:
        joined.op("Identity", DENSE, [piece.dense])
        outputs.append(_floats(HEAD + DENSE, [BATCH, encoder.dense_width]))
    weights = numpy_helper.from_array(table.detach().numpy(), TABLE)
    return helper.make_model(
        helper.make_graph(
            [*piece.nodes, *build.nodes, *joined.nodes],
            "sqlrec",
            piece.inputs,
            outputs,
            [*piece.initializers, *build.initializers, weights],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="sqlrec",
    )


def head_inputs(features: ModelProto) -> list[str]:
    """What the head calls the outputs of :func:`feature_model`, in their order."""
    return [output.name.removeprefix(HEAD) for output in features.graph.output]


def _floats(name: str, shape: Sequence[str | int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _pooled(build: GraphBuilder, bag: str, index: int) -> str:
    """Mean ``[batch, 1, width]`` of the rows of a bag; -1 reads the last row and weighs nothing."""
    name = f"bag_{index}"
    axis = build.constant(f"{name}_axis", np.array([1], np.int64))
    zero = build.constant(f"{name}_zero", np.array(0, np.int64))
    one = build.constant(f"{name}_one", np.array(1, np.float32))
    present = build.op("GreaterOrEqual", f"{name}_present", [bag, zero])
    weight = build.op("Cast", f"{name}_weight", [present], to=TensorProto.FLOAT)
    count = build.op("ReduceSum", f"{name}_count", [weight, axis], keepdims=1)
    share = build.op("Div", f"{name}_share", [weight, build.op("Max", f"{name}_divisor", [count, one])])
    row = build.op("Unsqueeze", f"{name}_row", [share, axis])
    return build.op("MatMul", name, [row, build.op("Gather", f"{name}_rows", [TABLE, bag])])


def whole_model(features: ModelProto, head: ModelProto, output: str) -> bytes:
    """Bytes of the model: :func:`feature_model`, a head (see :func:`export_head`), sigmoid.

    The output ``output`` is float32 ``[batch]``. Raises ``JobError`` SR531 beyond 2 GiB.
    """
    head = compose.add_prefix(head, HEAD)
    model = ModelProto()
    model.CopyFrom(features)
    graph = model.graph
    graph.node.extend(head.graph.node)
    flat = numpy_helper.from_array(np.array([-1], np.int64), "/flat")
    graph.initializer.append(flat)
    graph.node.append(helper.make_node("Sigmoid", [HEAD + LOGITS], ["/probabilities"], name="/probabilities"))
    graph.node.append(helper.make_node("Reshape", ["/probabilities", "/flat"], [output], name="/probability"))
    graph.initializer.extend(head.graph.initializer)
    del graph.output[:]
    graph.output.append(_floats(output, [BATCH]))
    known = {opset.domain for opset in model.opset_import}
    model.opset_import.extend(opset for opset in head.opset_import if opset.domain not in known)
    if model.ByteSize() > LIMIT:
        raise _too_large(model.ByteSize())
    return bytes(model.SerializeToString(deterministic=True))


def _too_large(size: int) -> JobError:
    return JobError(
        "SR531",
        f"the model has {size / 2**30:.1f} GiB; an ONNX file holds at most 2 GiB",
        hint="lower num_buckets (or column.NAME.bucket_size) or embedding_dim and train again",
    )
