"""The encoder as ONNX nodes: raw columns in, exactly the values of ``Encoder.transform`` out.

Columns are stacked as rows (``[columns, batch]``) and worked on together, because a node costs about a
microsecond and a scored row should not pay one per column; only the vocabularies need a node each. The
graph uses standard operators alone (``ai.onnx`` 20, ``ai.onnx.ml`` 4), so any ONNX Runtime loads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from sqlrec.features.columns import Bag, Category, History, Number, Vector
from sqlrec.features.encoder import Encoder
from sqlrec.features.numeric import LIMIT, Scale
from sqlrec.features.raw import Tensor
from sqlrec.features.vocabulary import Vocabulary
from sqlrec.spec.signature import MISSING_INT, InputColumn

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
    stacked = stacked_numbers(build, encoder.numbers)
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


@dataclass(slots=True)
class GraphBuilder:
    """Collects nodes and constants under one prefix of names."""

    prefix: str
    nodes: list[NodeProto] = field(default_factory=list)
    initializers: list[TensorProto] = field(default_factory=list)

    def op(self, kind: str, name: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Append a node with one output; returns the output's name."""
        output = self.prefix + name
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def result(self, kind: str, output: str, inputs: Sequence[str], **attributes: Any) -> None:
        """Append the node that gives an output of the whole graph, which has no prefix."""
        self.nodes.append(
            helper.make_node(kind, list(inputs), [output], name=self.prefix + output, **attributes)
        )

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Append an initialiser; returns its name."""
        self.initializers.append(numpy_helper.from_array(value, self.prefix + name))
        return self.prefix + name


def input_of(column: InputColumn, index: int) -> ValueInfoProto:
    """A raw input of a graph; ``index`` makes the name of its length unique."""
    shape: list[str | int] = [BATCH]
    if column.is_array:
        shape.append(column.length or f"length_{index}")
    return helper.make_tensor_value_info(column.name, _ELEMENT[Tensor(column.tensor)], shape)


def stack(build: GraphBuilder, names: Sequence[str], label: str) -> str:
    """Vectors ``[batch]`` → ``[len(names), batch]``."""
    flat = names[0] if len(names) == 1 else build.op("Concat", f"{label}_flat", names, axis=0)
    shape = build.constant(f"{label}_shape", np.array([len(names), -1], np.int64))
    return build.op("Reshape", label, [flat, shape])


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
        domain="ai.onnx.ml",
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


def stacked_numbers(build: GraphBuilder, numbers: Sequence[Number]) -> str:
    """float32 ``[numbers, batch]``, NaN for missing: floats first, then dates and timestamps."""
    floats = [n.config.name for n in numbers if n.numeric.origin is None]
    origins = {n.config.name: n.numeric.origin for n in numbers if n.numeric.origin is not None}
    parts = []
    if floats:
        parts.append(stack(build, floats, "floats"))
    if origins:
        parts.append(_times(build, origins))
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else build.op("Concat", "numbers", parts, axis=0)


def _times(build: GraphBuilder, origins: Mapping[str, float]) -> str:
    """Dates and timestamps ``[columns, batch]`` as in :func:`sqlrec.features.numeric.since`."""
    raw = stack(build, list(origins), "times")
    origin = build.constant("time_origin", np.array(list(origins.values()), np.float64)[:, None])
    exact = build.op("Cast", "time_exact", [raw], to=TensorProto.DOUBLE)
    distance = build.op("Sub", "time_distance", [exact, origin])
    value = build.op("Cast", "time_value", [distance], to=TensorProto.FLOAT)
    null = build.constant("time_null", np.array(MISSING_INT, np.int64))
    missing = build.op("Equal", "time_missing", [raw, null])
    nan = build.constant("time_nan", np.array(np.nan, np.float32))
    return build.op("Where", "time", [missing, nan, value])


def _ids(build: GraphBuilder, categories: Sequence[Category], numbers: Sequence[Number], stacked: str) -> str:
    parts = []
    if categories:
        looked_up = [_category(build, c, k) for k, c in enumerate(categories)]
        parts.append(stack(build, looked_up, "categories"))
    if numbers:
        parts.append(_buckets(build, numbers, stacked))
    if not parts:
        return ""
    rows = parts[0] if len(parts) == 1 else build.op("Concat", "slots", parts, axis=0)
    return build.op("Transpose", "ids", [rows], perm=[1, 0])


def _buckets(build: GraphBuilder, numbers: Sequence[Number], stacked: str) -> str:
    """Row numbers ``[numbers, batch]``: how many lower bounds, from -inf up, lie at or below the value.

    NaN is at or above none of them, and nothing is at or above the NaN that fills short lists.
    """
    longest = max(len(n.numeric.bounds) for n in numbers)
    table = np.full((len(numbers), longest + 1, 1), np.nan, np.float32)
    for row, number in zip(table, numbers, strict=True):
        row[0] = -np.inf
        row[1 : len(number.numeric.bounds) + 1, 0] = number.numeric.bounds
    axis = build.constant("bucket_axis", np.array([1], np.int64))
    spread = build.op("Unsqueeze", "bucket_value", [stacked, axis])
    above = build.op("GreaterOrEqual", "bucket_above", [spread, build.constant("bounds", table)])
    ones = build.op("Cast", "bucket_ones", [above], to=TensorProto.FLOAT)
    count = build.op("ReduceSum", "bucket_count", [ones, axis], keepdims=0)
    code = build.op("Cast", "bucket_code", [count], to=TensorProto.INT64)
    offsets = build.constant("bucket_offset", np.array([[n.offset] for n in numbers], np.int64))
    return build.op("Add", "buckets", [code, offsets])


def _dense(build: GraphBuilder, numbers: Sequence[Number], stacked: str, vectors: Sequence[Vector]) -> str:
    parts = []
    if numbers:
        center = np.stack([n.numeric.scale.center for n in numbers])
        factor = np.stack([n.numeric.scale.factor for n in numbers])
        value, missing = standardised(build, stacked, Scale(center=center, factor=factor), "number")
        flag = build.op("Cast", "number_flag", [missing], to=TensorProto.FLOAT)
        both = build.op("Concat", "number_dense", [value, flag], axis=0)
        parts.append(build.op("Transpose", "number_columns", [both], perm=[1, 0]))
    if vectors:
        names = [v.config.name for v in vectors]
        whole = names[0] if len(names) == 1 else build.op("Concat", "vectors", names, axis=1)
        scale = Scale(
            center=np.concatenate([v.scale.center for v in vectors]),
            factor=np.concatenate([v.scale.factor for v in vectors]),
        )
        parts.append(standardised(build, whole, scale, "vector")[0])
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else build.op("Concat", "dense", parts, axis=1)


def standardised(
    build: GraphBuilder, source: str, scale: Scale, label: str, limit: np.float32 = LIMIT
) -> tuple[str, str]:
    """Standardised values with 0 for missing, and where they are missing; see :class:`Scale`."""
    missing = build.op("IsNaN", f"{label}_missing", [source])
    shift = build.op("Sub", f"{label}_shift", [source, build.constant(f"{label}_center", scale.center)])
    scaled = build.op("Mul", f"{label}_scaled", [shift, build.constant(f"{label}_factor", scale.factor)])
    low = build.constant(f"{label}_low", np.array(-limit, np.float32))
    high = build.constant(f"{label}_high", np.array(limit, np.float32))
    cut = build.op("Clip", f"{label}_cut", [scaled, low, high])
    zero = build.constant(f"{label}_zero", np.array(0, np.float32))
    return build.op("Where", f"{label}_value", [missing, zero, cut]), missing
