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
from sqlrec.features.builder import GraphBuilder
from sqlrec.features.encoder import Encoder
from sqlrec.features.graph import BATCH, encoder_graph
from sqlrec.models.deep.flat import flat_form

OPSET, ML_OPSET, IR_VERSION = 20, 4, 10
"""Versions that torch 2.13 writes and that ONNX Runtime reads since 1.17."""
LIMIT = 2**31 - 1
"""Most bytes of a protobuf message, and so of an ONNX file without side files."""
HEAD = "/head/"
EMBEDDED, DENSE, HISTORY, PRESENT, LOGITS = "embedded", "dense", "history_", "present_", "logits"
TABLE = "/embed/table"


def export_head(
    head: nn.Module, columns: int, row_width: int, dense_width: int, histories: Sequence[int] = ()
) -> ModelProto:
    """The head alone: ``embedded`` [batch, columns, row_width] and ``dense`` [batch, width] → ``logits``.

    ``histories`` are the numbers of columns of its histories, which are two more inputs each. An input that
    would have no columns is left out.
    """
    inputs = {EMBEDDED: torch.zeros(2, columns, row_width), DENSE: torch.zeros(2, dense_width)}
    for index, width in enumerate(histories):
        inputs |= {
            f"{HISTORY}{index}": torch.zeros(2, 3, width, row_width),
            f"{PRESENT}{index}": torch.zeros(2, 3),
        }
    given = {name: tensor for name, tensor in inputs.items() if tensor.shape[1]}
    batch = torch.export.Dim(BATCH, min=1)
    lengths = [torch.export.Dim(f"length_{index}", min=1) for index in range(len(histories))]
    shapes = [
        {0: batch, 1: lengths[index // 2 - 1]} if index > 1 else {0: batch} for index in range(len(inputs))
    ]
    shapes = [shape for shape, tensor in zip(shapes, inputs.values(), strict=True) if tensor.shape[1]]
    with _quiet():
        program = torch.onnx.export(
            _Filled(flat_form(head), tuple(tensor.shape[1:] for tensor in list(inputs.values())[:2])).eval(),
            tuple(given.values()),
            dynamo=True,
            external_data=False,
            verbose=False,
            opset_version=OPSET,
            dynamic_shapes=(tuple(shapes),),
            input_names=list(given),
            output_names=[LOGITS],
        )
    if program is None:
        raise JobError("SR530", "torch exported no graph of the model's head")
    return bare(program.model_proto)


class _Filled(nn.Module):
    """A head that is not given inputs without columns."""

    def __init__(self, head: nn.Module, shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.head = head
        self.shapes = shapes

    def forward(self, *given: Tensor) -> Tensor:
        rest = iter(given)
        first = [
            next(rest) if shape[0] else given[0].new_zeros(given[0].shape[0], *shape) for shape in self.shapes
        ]
        logits: Tensor = self.head(*first, *rest)
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
    """Raw columns → the inputs of the head under :data:`HEAD`, those that have columns."""
    if table.nbytes > LIMIT:
        raise _too_large(table.nbytes)
    piece = encoder_graph(encoder)
    build = GraphBuilder("/embed/")
    columns = len(encoder.slots) + len(encoder.bags)
    outputs = []
    joined = GraphBuilder(HEAD)
    if piece.ids and not piece.bags:
        joined.op("Gather", EMBEDDED, [TABLE, piece.ids])
    elif columns:
        parts = [build.op("Gather", "slots", [TABLE, piece.ids])] if piece.ids else []
        parts += [_pooled(build, bag, index) for index, bag in enumerate(piece.bags)]
        joined.op("Concat", EMBEDDED, parts, axis=1)
    if columns:
        outputs.append(_floats(HEAD + EMBEDDED, [BATCH, columns, table.shape[1]]))
    if piece.dense:
        joined.op("Identity", DENSE, [piece.dense])
        outputs.append(_floats(HEAD + DENSE, [BATCH, encoder.dense_width]))
    for index, history in enumerate(piece.histories):
        _read(build, joined, history, index)
        width, length = len(encoder.histories[index].bags), f"length_of_{index}"
        outputs += [
            _floats(f"{HEAD}{HISTORY}{index}", [BATCH, length, width, table.shape[1]]),
            _floats(f"{HEAD}{PRESENT}{index}", [BATCH, length]),
        ]
    weights = [numpy_helper.from_array(table.detach().numpy(), TABLE)] if columns else []
    return helper.make_model(
        helper.make_graph(
            [*piece.nodes, *build.nodes, *joined.nodes],
            "sqlrec",
            piece.inputs,
            outputs,
            [*piece.initializers, *build.initializers, *weights],
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


def _read(build: GraphBuilder, joined: GraphBuilder, history: str, index: int) -> None:
    """As :meth:`~sqlrec.models.deep.embedding.EmbeddingTable.read`; -1 reads the last row, which counts 0."""
    name = f"{HISTORY}{index}"
    zero = build.constant(f"{name}_zero", np.array(0, np.int64))
    known = build.op("GreaterOrEqual", f"{name}_known", [history, zero])
    weight = build.op("Cast", f"{name}_weight", [known], to=TensorProto.FLOAT)
    columns = build.constant(f"{name}_columns", np.array([2], np.int64))
    last = build.constant(f"{name}_last", np.array([3], np.int64))
    factor = build.op("Unsqueeze", f"{name}_factor", [weight, last])
    joined.op("Mul", name, [build.op("Gather", f"{name}_rows", [TABLE, history]), factor])
    joined.op("ReduceMax", f"{PRESENT}{index}", [weight, columns], keepdims=0)


def whole_model(features: ModelProto, head: ModelProto, *outputs: str) -> bytes:
    """Bytes of the model: :func:`feature_model`, a head (see :func:`export_head`), sigmoid.

    Each output, float32 ``[batch]``, is one of the head's logits ``[batch, outputs]``. Raises ``JobError``
    SR531 beyond 2 GiB.
    """
    tail = GraphBuilder("/")
    if len(outputs) == 1:
        axis = tail.constant("axis", np.array([1], np.int64))
        logits = tail.op("Squeeze", "logits", [HEAD + LOGITS, axis])
        tail.nodes.append(helper.make_node("Sigmoid", [logits], list(outputs), name="/output_0"))
        return _assembled(features, head, tail, [_floats(outputs[0], [BATCH])])
    probabilities = tail.op("Sigmoid", "probabilities", [HEAD + LOGITS])
    for place, output in enumerate(outputs):
        at = tail.constant(f"place_{place}", np.array(place, np.int64))
        node = helper.make_node("Gather", [probabilities, at], [output], name=f"/output_{place}", axis=1)
        tail.nodes.append(node)
    return _assembled(features, head, tail, [_floats(output, [BATCH]) for output in outputs])


def vector_model(features: ModelProto, head: ModelProto, output: str, width: int) -> bytes:
    """As :func:`whole_model`, for a head whose answer [batch, width] is the one output itself."""
    tail = GraphBuilder("/")
    tail.nodes.append(helper.make_node("Identity", [HEAD + LOGITS], [output], name="/output"))
    return _assembled(features, head, tail, [_floats(output, [BATCH, width])])


def _assembled(
    features: ModelProto, head: ModelProto, tail: GraphBuilder, outputs: Sequence[ValueInfoProto]
) -> bytes:
    head = compose.add_prefix(head, HEAD)
    model = ModelProto()
    model.CopyFrom(features)
    graph = model.graph
    graph.node.extend([*head.graph.node, *tail.nodes])
    graph.initializer.extend([*tail.initializers, *head.graph.initializer])
    del graph.output[:]
    graph.output.extend(outputs)
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
