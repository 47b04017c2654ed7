"""Smaller forms of an ONNX model whose weights are stored in fewer bits and computed with in FP32.

Both keep a row's outputs independent of the rows beside it, as every variant must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

LEAST_WEIGHTS = 1024
"""Smaller tensors stay as they are: they weigh nothing."""
FP16_LIMIT = float(np.finfo(np.float16).max)
LARGE_TABLE = 64 * 2**20
"""Bytes from which a table is stored as INT8 rows.

Reading such rows costs four nodes and twice the time, whatever the size of the table (measured from 1 MiB to
1 GiB): it saves memory, not time, so smaller tables are left alone.
"""
CODES = 127
"""Largest INT8 code; -128 is not used, so that the codes are symmetric."""


def half_precision(model: ModelProto) -> ModelProto:
    """Large FP32 weights as FP16, widened where they are used: half the bytes.

    A table is widened after its rows are gathered; ONNX Runtime widens other weights once, when it loads.
    Tensors with values beyond FP16 stay.
    """
    made = _copy(model)
    for tensor in _large(made):
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max(initial=0) > FP16_LIMIT:
            continue
        name = tensor.name
        gathers = _gathers(made, name)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
        if len(gathers) == _uses(made, name):
            for node in gathers:
                _after(made, node, _widen(node.output[0]))
        else:
            _rename_uses(made, name, f"{name}_wide")
            made.graph.node.insert(0, _cast(name, f"{name}_wide"))
    return made


def row_wise_int8(model: ModelProto, *, exact: int, least_bytes: int = LARGE_TABLE) -> ModelProto:
    """Large tables that are only gathered from, as INT8 rows with an FP32 scale a row: a third of the bytes.

    The last ``exact`` columns of each row stay FP32 (a wide weight has another size than the vector beside
    it). Guan et al. 2019, "Post-training 4-bit quantization on embedding tables", section 3: one scale a row.
    """
    made = _copy(model)
    for tensor in _large(made):
        gathers = _gathers(made, tensor.name)
        if 4 * np.prod(tensor.dims) < least_bytes:
            continue
        if len(tensor.dims) != 2 or len(gathers) != _uses(made, tensor.name) or tensor.dims[1] <= exact:
            continue
        codes, rest = _row_codes(numpy_helper.to_array(tensor), exact)
        tensor.CopyFrom(numpy_helper.from_array(codes, tensor.name))
        made.graph.initializer.append(numpy_helper.from_array(rest, f"{tensor.name}_rest"))
        for node in gathers:
            _widen_rows(made, node, f"{tensor.name}_rest", exact)
    return made


def _row_codes(
    table: npt.NDArray[np.float32], exact: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Codes [rows, width - exact], and [rows, 1 + exact]: scale and the columns that stay."""
    deep, kept = table[:, : table.shape[1] - exact], table[:, table.shape[1] - exact :]
    scale = (np.abs(deep).max(axis=1, keepdims=True) / CODES).astype(np.float32)
    codes = np.divide(deep, scale, out=np.zeros_like(deep), where=scale > 0)
    return np.rint(codes).astype(np.int8), np.concatenate([scale, kept], axis=1).astype(np.float32)


def _widen_rows(model: ModelProto, gather: NodeProto, rest: str, exact: int) -> None:
    """After a gather of codes: gather scales and exact columns too, multiply, put side by side."""
    ids, output = gather.input[1], gather.output[0]
    sizes = f"{rest}_sizes"
    if exact and all(tensor.name != sizes for tensor in model.graph.initializer):
        model.graph.initializer.append(numpy_helper.from_array(np.array([1, exact], np.int64), sizes))

    def nodes(codes: str) -> list[NodeProto]:
        floats, scale, kept = (f"{output}_{word}" for word in ("floats", "scale", "kept"))
        made = [
            _cast(codes, floats),
            helper.make_node("Gather", [rest, ids], [f"{output}_rest"], name=f"{output}_rest", axis=0),
        ]
        if not exact:
            return [
                *made,
                helper.make_node("Mul", [floats, f"{output}_rest"], [output], name=f"{output}_mul"),
            ]
        deep = f"{output}_deep"
        return [
            *made,
            helper.make_node("Split", [f"{output}_rest", sizes], [scale, kept], name=scale, axis=-1),
            helper.make_node("Mul", [floats, scale], [deep], name=deep),
            helper.make_node("Concat", [deep, kept], [output], name=f"{output}_joined", axis=-1),
        ]

    _after(model, gather, nodes)


def _widen(output: str) -> Callable[[str], Sequence[NodeProto]]:
    return lambda inner: [_cast(inner, output)]


def _after(model: ModelProto, node: NodeProto, make: Callable[[str], Sequence[NodeProto]]) -> None:
    """Let ``make``'s nodes give the output of ``node`` from what it gives now."""
    inner = f"{node.output[0]}_stored"
    made = make(inner)
    node.output[0] = inner
    place = next(i for i, other in enumerate(model.graph.node) if other.output and other.output[0] == inner)
    for offset, new in enumerate(made, start=1):
        model.graph.node.insert(place + offset, new)


def _copy(model: ModelProto) -> ModelProto:
    made = ModelProto()
    made.CopyFrom(model)
    return made


def _large(model: ModelProto) -> Iterator[TensorProto]:
    for tensor in list(model.graph.initializer):
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LEAST_WEIGHTS:
            yield tensor


def _gathers(model: ModelProto, name: str) -> list[NodeProto]:
    nodes = model.graph.node
    return [
        n for n in nodes if n.op_type == "Gather" and n.input[0] == name and not any(a.i for a in n.attribute)
    ]


def _uses(model: ModelProto, name: str) -> int:
    return sum(list(node.input).count(name) for node in model.graph.node)


def _rename_uses(model: ModelProto, name: str, new: str) -> None:
    for node in model.graph.node:
        for index, given in enumerate(node.input):
            if given == name:
                node.input[index] = new


def _cast(source: str, output: str) -> NodeProto:
    return helper.make_node("Cast", [source], [output], name=f"{output}_cast", to=TensorProto.FLOAT)
