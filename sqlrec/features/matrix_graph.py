"""The matrix encoder as ONNX nodes: raw columns in, exactly the values of ``MatrixEncoder.transform`` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, numpy_helper

from sqlrec.features.builder import GraphBuilder, side_by_side
from sqlrec.features.columns import Bag, Category, Vector
from sqlrec.features.encoder import Encoder
from sqlrec.features.graph import PREFIX, bag_lookup, input_of, lookup
from sqlrec.features.matrix import LARGEST, LIMIT, Codes, MatrixEncoder, OneHot, kept_positions, ordinal_codes
from sqlrec.features.number_graph import missing_flags, stacked_numbers, standardised


@dataclass(frozen=True, slots=True)
class MatrixGraph:
    """Pieces of a graph; ``matrix`` names its tensor, float32 ``[batch, width]``."""

    inputs: tuple[ValueInfoProto, ...]
    nodes: tuple[NodeProto, ...]
    initializers: tuple[TensorProto, ...]
    matrix: str


def matrix_graph(encoder: MatrixEncoder) -> MatrixGraph:
    """The graph of a fitted encoder."""
    build = GraphBuilder(PREFIX)
    if encoder.one_hot is None:
        parts = _ordinal(build, encoder.encoder)
    else:
        parts = _one_hot(build, encoder.encoder, encoder.one_hot)
    matrix = build.op("Concat", "matrix", parts, axis=1)
    return MatrixGraph(
        inputs=tuple(input_of(column, k) for k, column in enumerate(encoder.inputs)),
        nodes=tuple(build.nodes),
        initializers=tuple(build.initializers),
        matrix=matrix,
    )


def _ordinal(build: GraphBuilder, encoder: Encoder) -> list[str]:
    parts = []
    if encoder.categories:
        codes = [
            lookup(build, c.vocabulary, c.config.name, f"category_{k}", ordinal_codes(c))
            for k, c in enumerate(encoder.categories)
        ]
        parts.append(side_by_side(build, codes, "categories"))
    if encoder.numbers:
        parts.append(_bounded(build, stacked_numbers(build, encoder.numbers), "numbers"))
    if encoder.vectors:
        parts.append(_bounded(build, _joined(build, encoder.vectors), "vectors"))
    return parts


def _bounded(build: GraphBuilder, source: str, label: str) -> str:
    """Infinities become the largest numbers, NaN stays."""
    low = build.constant(f"{label}_low", np.array(-LARGEST, np.float32))
    high = build.constant(f"{label}_high", np.array(LARGEST, np.float32))
    cut = build.op("Clip", f"{label}_cut", [source, low, high])
    missing = build.op("IsNaN", f"{label}_missing", [source])
    return build.op("Where", f"{label}_bounded", [missing, source, cut])


def _joined(build: GraphBuilder, vectors: Sequence[Vector]) -> str:
    names = [v.config.name for v in vectors]
    return names[0] if len(names) == 1 else build.op("Concat", "vectors", names, axis=1)


def _one_hot(build: GraphBuilder, encoder: Encoder, fitted: OneHot) -> list[str]:
    parts = []
    if encoder.numbers:
        parts.append(_numbers(build, stacked_numbers(build, encoder.numbers), fitted))
    if encoder.vectors:
        parts.append(standardised(build, _joined(build, encoder.vectors), fitted.vectors, "vector", LIMIT))
    count = len(encoder.categories)
    if encoder.categories:
        parts.append(_indicators(build, encoder.categories, fitted.kept[:count]))
    for k, (bag, kept) in enumerate(zip(encoder.sequences, fitted.kept[count:], strict=True)):
        parts.append(_shares(build, bag, kept, f"bag_{k}"))
    return parts


def _numbers(build: GraphBuilder, stacked: str, fitted: OneHot) -> str:
    value = standardised(build, stacked, fitted.scale, "number", LIMIT)
    if not fitted.gaps:
        return value
    gaps = build.constant("number_gaps", np.array(fitted.gaps, np.int64))
    some = build.op("Gather", "number_gap", [stacked, gaps], axis=1)
    return build.op("Concat", "number_columns", [value, missing_flags(build, some, "number")], axis=1)


def _indicators(build: GraphBuilder, categories: Sequence[Category], kept: Sequence[Codes]) -> str:
    """All indicators at once: ones are scattered to the positions that the vocabularies give."""
    width = sum(map(len, kept))
    starts = np.cumsum([0, *map(len, kept)])
    looked_up = []
    for k, (category, codes, start) in enumerate(zip(categories, kept, starts, strict=False)):
        own = kept_positions(category, codes)
        positions = np.where(own < len(codes), own + start, width)
        looked_up.append(lookup(build, category.vocabulary, category.config.name, f"category_{k}", positions))
    positions_of = side_by_side(build, looked_up, "categories")
    return _counts(build, positions_of, width, "indicator")[0]


def _shares(build: GraphBuilder, bag: Bag, kept: Codes, label: str) -> str:
    """Counts of the elements over the number of elements that are not missing."""
    positions = kept_positions(bag, kept)
    positions[0] = len(kept) + 1
    found = bag_lookup(build, bag, label, positions)
    counts, ones = _counts(build, found, len(kept), label)
    nothing = build.constant(f"{label}_nothing", np.array(len(kept) + 1, np.int64))
    absent = build.op("Equal", f"{label}_absent", [found, nothing])
    zero = build.constant(f"{label}_none", np.array(0, np.float32))
    present = build.op("Where", f"{label}_present", [absent, zero, ones])
    axis = build.constant(f"{label}_over", np.array([1], np.int64))
    total = build.op("ReduceSum", f"{label}_total", [present, axis], keepdims=1)
    one = build.constant(f"{label}_one", np.array(1, np.float32))
    return build.op("Div", f"{label}_share", [counts, build.op("Max", f"{label}_least", [total, one])])


def _counts(build: GraphBuilder, positions: str, width: int, label: str) -> tuple[str, str]:
    """How often each position below ``width`` occurs in a row ``[batch, width]``; ones like ``positions``.

    Positions ``width`` and ``width + 1`` are counted and cut off.
    """
    shape = build.op("Shape", f"{label}_shape", [positions])
    one = numpy_helper.from_array(np.ones(1, np.float32))
    ones = build.op("ConstantOfShape", f"{label}_ones", [shape], value=one)
    batch = build.op("Shape", f"{label}_batch", [positions], end=1)
    spare = build.constant(f"{label}_spare", np.array([width + 2], np.int64))
    whole = build.op("Concat", f"{label}_whole", [batch, spare], axis=0)
    zeros = build.op("ConstantOfShape", f"{label}_zeros", [whole])
    counted = build.op(
        "ScatterElements", f"{label}_counted", [zeros, positions, ones], axis=1, reduction="add"
    )
    bounds = [
        build.constant(f"{label}_{what}", np.array([value], np.int64))
        for what, value in (("from", 0), ("to", width), ("along", 1))
    ]
    return build.op("Slice", f"{label}_count", [counted, *bounds]), ones
