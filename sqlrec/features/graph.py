"""The encoder as ONNX nodes: raw columns in, exactly the values of ``Encoder.transform`` out.

Columns are put side by side (``[batch, columns]``) and worked on together, because a node costs about a
microsecond and a scored row should not pay one per column; only the vocabularies need a node each. The
graph uses standard operators alone (``ai.onnx`` 20, ``ai.onnx.ml`` 4), so any ONNX Runtime loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from sqlrec.features.builder import ML, GraphBuilder, side_by_side
from sqlrec.features.columns import Bag, Category, History, Number, Vector
from sqlrec.features.encoder import Encoder
from sqlrec.features.number_graph import buckets, missing_flags, stacked_numbers, standardised
from sqlrec.features.numeric import Scale
from sqlrec.features.raw import Tensor
from sqlrec.features.vocabulary import Vocabulary
from sqlrec.spec.signature import InputColumn

BATCH = "batch"
PREFIX = "/encode/"

_ELEMENT = {Tensor.INT: TensorProto.INT64, Tensor.FLOAT: TensorProto.FLOAT, Tensor.STRING: TensorProto.STRING}


@dataclass(frozen=True, slots=True)
class EncoderGraph:
    """Pieces of a graph, and the names of its tensors.

    ``ids`` int64 ``[batch, slots]``, ``bags`` int64 ``[batch, length]`` each, ``dense`` float32
    ``[batch, dense_width]``, ``histories`` int64 ``[batch, length, columns]`` each; a name is empty where
    the encoder has no such tensor. Lengths are those of the batch, where shorter than the encoder's.
    """

    inputs: tuple[ValueInfoProto, ...]
    nodes: tuple[NodeProto, ...]
    initializers: tuple[TensorProto, ...]
    ids: str
    bags: tuple[str, ...]
    dense: str
    histories: tuple[str, ...] = ()


def encoder_graph(encoder: Encoder) -> EncoderGraph:
    """The graph of a fitted encoder."""
    build = GraphBuilder(PREFIX)
    stacked = stacked_numbers(build, encoder.numbers) if encoder.numbers else ""
    ids = _ids(build, encoder.categories, encoder.numbers, stacked)
    bags = tuple(_bag(build, bag, f"bag_{k}") for k, bag in enumerate(encoder.sequences))
    dense = _dense(build, encoder.numbers, stacked, encoder.vectors)
    histories = tuple(_history(build, h, f"history_{k}") for k, h in enumerate(encoder.histories))
    return EncoderGraph(
        inputs=tuple(input_of(column, k) for k, column in enumerate(encoder.inputs)),
        nodes=tuple(build.nodes),
        initializers=tuple(build.initializers),
        ids=ids,
        bags=bags,
        dense=dense,
        histories=histories,
    )


def input_of(column: InputColumn, index: int) -> ValueInfoProto:
    """A raw input of a graph; ``index`` makes the name of its length unique."""
    shape: list[str | int] = [BATCH]
    if column.is_array:
        shape.append(column.length or f"length_{index}")
    return helper.make_tensor_value_info(column.name, _ELEMENT[Tensor(column.tensor)], shape)


def lookup(
    build: GraphBuilder, vocabulary: Vocabulary, source: str, name: str, rows: npt.NDArray[Any]
) -> str:
    """The entry of ``rows`` ``[codes]`` (int64 or float32) for each value's code; the last is unseen."""
    if vocabulary.tensor is Tensor.STRING:
        encoded = [key.encode() for key in vocabulary.keys.to_pylist()]
        keys = helper.make_tensor("keys", TensorProto.STRING, [len(encoded)], encoded)
    else:
        keys = numpy_helper.from_array(vocabulary.keys.to_numpy(zero_copy_only=False), "keys")
    return build.op(
        "LabelEncoder",
        name,
        [source],
        domain=ML,
        keys_tensor=keys,
        values_tensor=numpy_helper.from_array(rows[:-1], "values"),
        default_tensor=numpy_helper.from_array(rows[-1:], "default"),
    )


def _category(build: GraphBuilder, category: Category, index: int) -> str:
    rows = np.arange(category.slot.rows, dtype=np.int64) + category.offset
    return lookup(build, category.vocabulary, category.config.name, f"category_{index}", rows)


def _bag(build: GraphBuilder, bag: Bag, name: str) -> str:
    rows = np.arange(-1, bag.slot.rows, dtype=np.int64) + bag.offset
    rows[0] = -1
    return bag_lookup(build, bag, name, rows)


def _history(build: GraphBuilder, history: History, name: str) -> str:
    """Bags ``[batch, length]`` side by side, shorter ones filled with -1."""
    parts = [_bag(build, bag, f"{name}_bag_{k}") for k, bag in enumerate(history.bags)]
    if len(parts) > 1:
        parts = _filled(build, parts, name)
    axis = build.constant(f"{name}_axis", np.array([2], np.int64))
    columns = [build.op("Unsqueeze", f"{name}_column_{k}", [part, axis]) for k, part in enumerate(parts)]
    return columns[0] if len(columns) == 1 else build.op("Concat", name, columns, axis=2)


def _filled(build: GraphBuilder, parts: Sequence[str], name: str) -> list[str]:
    lengths = [
        build.op("Shape", f"{name}_length_{k}", [part], start=1, end=2) for k, part in enumerate(parts)
    ]
    longest = build.op("Max", f"{name}_longest", lengths)
    before = build.constant(f"{name}_before", np.zeros(3, np.int64))
    nothing = build.constant(f"{name}_nothing", np.array(-1, np.int64))
    filled = []
    for k, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        short = build.op("Sub", f"{name}_short_{k}", [longest, length])
        pads = build.op("Concat", f"{name}_pads_{k}", [before, short], axis=0)
        filled.append(build.op("Pad", f"{name}_filled_{k}", [part, pads, nothing]))
    return filled


def bag_lookup(build: GraphBuilder, bag: Bag, name: str, rows: npt.NDArray[np.int64]) -> str:
    """As :func:`lookup`, of the elements that the bag keeps: ``[batch, length]``."""
    bounds = [
        build.constant(f"{name}_{what}", np.array([value], np.int64))
        for what, value in (("start", 0), ("end", bag.length), ("axis", 1))
    ]
    cut = build.op("Slice", f"{name}_cut", [bag.config.name, *bounds])
    return lookup(build, bag.vocabulary, cut, name, rows)


def _ids(build: GraphBuilder, categories: Sequence[Category], numbers: Sequence[Number], stacked: str) -> str:
    parts = []
    if categories:
        looked_up = [_category(build, c, k) for k, c in enumerate(categories)]
        parts.append(side_by_side(build, looked_up, "categories"))
    if numbers:
        parts.append(buckets(build, numbers, stacked))
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else build.op("Concat", "ids", parts, axis=1)


def _dense(build: GraphBuilder, numbers: Sequence[Number], stacked: str, vectors: Sequence[Vector]) -> str:
    parts = []
    if numbers:
        scale = _beside([n.numeric.scale for n in numbers])
        parts.append(standardised(build, stacked, scale, "number"))
        parts.append(missing_flags(build, stacked, "number"))
    if vectors:
        names = [v.config.name for v in vectors]
        whole = names[0] if len(names) == 1 else build.op("Concat", "vectors", names, axis=1)
        parts.append(standardised(build, whole, _beside([v.scale for v in vectors]), "vector"))
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else build.op("Concat", "dense", parts, axis=1)


def _beside(scales: Sequence[Scale]) -> Scale:
    return Scale(
        center=np.concatenate([scale.center for scale in scales]),
        factor=np.concatenate([scale.factor for scale in scales]),
    )
