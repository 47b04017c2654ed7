"""Rows made up from what an encoder knows: known, unseen and missing values of every feature.

They exercise every path of the encoder where no sample of real rows is at hand, or has no gaps in it.
"""

from __future__ import annotations

from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.features.columns import Bag, Category, Feature, Number, Vector
from sqlrec.features.encoder import Encoder
from sqlrec.features.raw import Tensor
from sqlrec.features.vocabulary import Vocabulary
from sqlrec.spec.schema import Kind

MISSING_SHARE = UNSEEN_SHARE = 0.05


def made_up_rows(encoder: Encoder, rows: int, seed: int) -> pa.Table:
    """A table with the encoder's columns; the same for the same seed.

    Known values are drawn by rank (the k-th most frequent with weight 1/k), numbers from their buckets.
    """
    random = np.random.default_rng(seed)
    return pa.table({f.config.name: _column(f, rows, random) for f in encoder.features})


def _column(feature: Feature, rows: int, random: np.random.Generator) -> pa.Array:
    absent = random.random(rows) < MISSING_SHARE
    match feature:
        case Category():
            return _values(feature.vocabulary, rows, random, absent)
        case Number():
            return _numbers(feature, rows, random, absent)
        case Bag():
            lengths = np.where(absent, 0, random.integers(0, feature.length + 1, rows))
            total = int(lengths.sum())
            values = _values(feature.vocabulary, total, random, random.random(total) < MISSING_SHARE)
            return _lists(lengths, values, absent)
        case Vector():
            width = feature.width
            spread = (1 / feature.scale.factor).astype(np.float64)
            drawn = feature.scale.center + random.normal(size=(rows, width)) * spread
            flat = pa.array(drawn.ravel(), pa.float64())
            return _lists(np.full(rows, width), flat, absent)
        case _:
            assert_never(feature)


def _values(
    vocabulary: Vocabulary, rows: int, random: np.random.Generator, absent: npt.NDArray[np.bool_]
) -> pa.Array:
    known: list[Any] = vocabulary.values
    text = vocabulary.tensor is Tensor.STRING
    unseen = max(known, key=len, default="") + "?" if text else _unused(known)
    choices = pa.array([*known, unseen], pa.string() if text else pa.int64())
    weights = 1 / np.arange(1, len(known) + 1)
    picked = np.full(rows, len(known))
    if known:
        common = random.choice(len(known), rows, p=weights / weights.sum())
        picked = np.where(random.random(rows) < UNSEEN_SHARE, len(known), common)
    return choices.take(pa.array(picked, mask=absent))


def _unused(known: list[int]) -> int:
    taken = set(known)
    return next(value for value in range(len(taken) + 1) if value not in taken)


def _numbers(
    feature: Number, rows: int, random: np.random.Generator, absent: npt.NDArray[np.bool_]
) -> pa.Array:
    numeric = feature.numeric
    spread = 1 / float(numeric.scale.factor[0])
    edges = (numeric.bounds if len(numeric.bounds) else numeric.scale.center).astype(np.float64)
    edges = np.concatenate([[edges[0] - spread], edges, [edges[-1] + spread]])
    drawn = np.interp(random.random(rows) * (len(edges) - 1), np.arange(len(edges)), edges)
    if numeric.origin is None:
        return pa.array(drawn, pa.float64(), mask=absent)
    whole = np.clip(drawn + numeric.origin, -(2.0**62), 2.0**62)
    if feature.config.type.kind is Kind.DATE:
        return pa.array(np.clip(whole, -(2**31), 2**31 - 1).astype(np.int32), mask=absent).cast(pa.date32())
    drawn_integers = pa.array(whole.astype(np.int64), mask=absent)
    return drawn_integers if feature.config.numeric else drawn_integers.cast(pa.timestamp("us"))


def _lists(lengths: npt.NDArray[np.int64], values: pa.Array, absent: npt.NDArray[np.bool_]) -> pa.Array:
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return pa.LargeListArray.from_arrays(offsets, values, mask=pa.array(absent))
