"""The first steps of an INT8 model, taken once for each row of its table instead of at each request.

    table ─Gather─▶ embedded ─Reshape─▶ view ─┬─Mul─QuantizeLinear─▶ codes ─▶ layers
                                              └─Gemm─▶ sum

    codes of the table ─Gather─Reshape─▶ codes ─▶ layers
     sums of the table ─Gather─Gemm─▶ sum

An embedding is multiplied by factors of its column and rounded, whoever asks for it. So the table can hold
the result: a byte for each number instead of four, the same to the bit, and nothing left to compute. The wide
part of a row is one number; what the layers do not read of it (their weights are zero) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, helper, numpy_helper

from sqlrec.features.columns import Slot
from sqlrec.models.deep.graph import EMBEDDED, HEAD, TABLE

PRODUCT = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
"""A Gemm that adds up what the columns of a row weigh."""
Floats = npt.NDArray[np.float32]
CODES, SUMS, ONES, SHAPE = (f"/fold/{name}" for name in ("codes", "sums", "ones", "shape"))


@dataclass(frozen=True, slots=True)
class _Found:
    """The nodes of the first picture, and the layers that read the codes."""

    gather: NodeProto
    reshape: NodeProto
    multiply: NodeProto
    quantize: NodeProto
    add_up: NodeProto
    layers: Sequence[NodeProto]


class _Graph:
    """Nodes and constants of a model, by the names of tensors."""

    def __init__(self, model: ModelProto) -> None:
        self.nodes = list(model.graph.node)
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def readers(self, tensor: str, *kinds: str) -> list[NodeProto] | None:
        """The nodes that read a tensor, one of each kind and in that order; None if there are others."""
        found = sorted((n for n in self.nodes if tensor in n.input), key=lambda n: n.op_type)
        ordered = [node for kind in kinds for node in found if node.op_type == kind]
        return ordered if [n.op_type for n in ordered] == list(kinds) and len(found) == len(kinds) else None

    def value(self, tensor: str) -> npt.NDArray[Any]:
        return numpy_helper.to_array(self.constants[tensor])

    def put(self, name: str, value: npt.NDArray[Any]) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name


def folded(model: ModelProto, slots: Sequence[Slot]) -> ModelProto | None:
    """The same INT8 model with what can be known beforehand in its table.

    ``slots`` say which rows of the table belong to which column. None for a model that does anything else
    with its embeddings (products of them, histories, numbers beside them), or columns that share rows.
    """
    graph = _Graph(model)
    found = _find(graph)
    if found is None or _share_rows(slots):
        return None
    table, width = graph.value(TABLE), graph.value(TABLE).shape[1]
    factors = graph.value(found.multiply.input[1])
    line = graph.value(found.add_up.input[1])
    if factors.size != len(slots) * width or line.shape != (1, factors.size):
        return None
    codes, sums = _by_row(graph, found, table, slots, factors, line)
    used = _used(graph, found.layers, width)
    for layer in found.layers:
        weights = graph.value(layer.input[0])
        graph.put(
            layer.input[0], weights.reshape(len(slots), width, -1)[:, used].reshape(-1, weights.shape[1])
        )
    graph.put(CODES, codes[:, used])
    graph.put(SUMS, sums)
    graph.put(ONES, np.ones((len(slots), 1), np.float32))
    graph.put(SHAPE, np.array([-1, len(slots) * int(used.sum())], np.int64))
    return _made(model, graph, list(_nodes(graph.nodes, found)))


def _find(graph: _Graph) -> _Found | None:
    gather = graph.readers(TABLE, "Gather")
    reshape = graph.readers(HEAD + EMBEDDED, "Reshape") if gather else None
    read = graph.readers(reshape[0].output[0], "Mul", "Gemm") if reshape else None
    quantize = graph.readers(read[0].output[0], "QuantizeLinear") if read else None
    if not (gather and reshape and read and quantize) or gather[0].output[0] != HEAD + EMBEDDED:
        return None
    if any(name not in graph.constants for name in (read[0].input[1], *read[1].input[1:])):
        return None
    if {**PRODUCT, **{a.name: helper.get_attribute_value(a) for a in read[1].attribute}} != PRODUCT:
        return None
    layers = _layers(graph, quantize[0].output[0])
    return _Found(gather[0], reshape[0], read[0], quantize[0], read[1], layers) if layers else None


def _layers(graph: _Graph, codes: str) -> list[NodeProto] | None:
    """The constants' DequantizeLinear of the layers over ``codes``; None if something else reads them."""
    weights = []
    for widen in (node for node in graph.nodes if codes in node.input):
        layer = graph.readers(widen.output[0], "Gemm") if widen.op_type == "DequantizeLinear" else None
        made = [n for n in graph.nodes if layer and layer[0].input[1] in n.output]
        if not made or made[0].op_type != "DequantizeLinear" or made[0].input[0] not in graph.constants:
            return None
        weights += made
    return weights


def _share_rows(slots: Sequence[Slot]) -> bool:
    ordered = sorted(slots, key=lambda slot: slot.offset)
    return any(one.offset + one.rows > other.offset for one, other in pairwise(ordered))


def _by_row(
    graph: _Graph, found: _Found, table: Floats, slots: Sequence[Slot], factors: Floats, line: Floats
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Codes [rows, width] and sums [rows] of the table; those of no slot are zero, for nobody reads them."""
    scale, zero = (graph.value(name) for name in found.quantize.input[1:])
    codes, sums = np.zeros(table.shape, np.uint8), np.zeros(len(table), np.float32)
    for place, slot in enumerate(slots):
        rows = slice(slot.offset, slot.offset + slot.rows)
        own = slice(place * table.shape[1], (place + 1) * table.shape[1])
        steps = np.rint(table[rows] * factors[own] / scale) + np.float32(zero)
        codes[rows] = np.clip(steps, 0, 255).astype(np.uint8)
        sums[rows] = table[rows] @ line[0, own]
    return codes, sums


def _used(graph: _Graph, layers: Sequence[NodeProto], width: int) -> npt.NDArray[np.bool_]:
    """Which entries of the table's rows have weights in a layer, of whichever column."""
    weights = [graph.value(layer.input[0]) for layer in layers]
    used: npt.NDArray[np.bool_] = np.zeros(width, np.bool_)
    for each in weights:
        used |= each.reshape(-1, width, each.shape[1]).any(axis=(0, 2))
    return used


def _nodes(nodes: Sequence[NodeProto], found: _Found) -> Iterator[NodeProto]:
    ids, gone = found.gather.input[1], (id(found.reshape), id(found.multiply))
    for node in nodes:
        if node is found.gather:
            yield helper.make_node("Gather", [CODES, ids], [f"{CODES}_read"], name=f"{CODES}_read")
            yield helper.make_node("Gather", [SUMS, ids], [f"{SUMS}_read"], name=f"{SUMS}_read")
        elif node is found.quantize:
            yield helper.make_node("Reshape", [f"{CODES}_read", SHAPE], list(node.output), name=node.name)
        elif node is found.add_up:
            inputs = [f"{SUMS}_read", ONES, *node.input[2:]]
            yield helper.make_node("Gemm", inputs, list(node.output), name=node.name)
        elif id(node) not in gone:
            yield node


def _made(model: ModelProto, graph: _Graph, nodes: Sequence[NodeProto]) -> ModelProto:
    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:], made.graph.initializer[:]
    made.graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    made.graph.initializer.extend(tensor for name, tensor in graph.constants.items() if name in read)
    return made
