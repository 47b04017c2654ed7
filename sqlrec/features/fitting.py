"""One feature learnt from its training column, in blocks: its vocabulary, buckets, lengths and scales.

What is learnt does not depend on how rows are cut into blocks, except that a vocabulary of very many values
forgets the rarest (:mod:`sqlrec.features.counts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError
from sqlrec.features.blocks import Blocks, Column, Whole
from sqlrec.features.columns import Bag, Category, Feature, FeatureConfig, Number, Vector, matrix
from sqlrec.features.numeric import Numeric, fit_positions
from sqlrec.features.raw import Tensor, list_parts, tensor_of
from sqlrec.features.vocabulary import Vocabulary
from sqlrec.spec.schema import Kind

MAX_VECTOR = 4096
MOMENT_VALUES = 1 << 18
"""Numbers of a vector column whose moments are summed at once."""


def fit_feature(blocks: Blocks, config: FeatureConfig, configs: Sequence[FeatureConfig]) -> Feature:
    """Fit one of the features ``configs``. One that uses another's values gets them by its ``sharing``.

    Raises ``SchemaError`` SR440 (column absent) and ``DataError`` SR442 (values of another type), SR443
    (infinite values) and SR447 (vector too long).
    """
    column, tensor = _column(blocks, config), tensor_of(config.name, config.type)
    if tensor is Tensor.FLOAT:
        _refuse_infinite(column, config)
    if config.type.kind is Kind.ARRAY:
        return _fit_array(column, config, tensor)
    if config.shared_with:
        return Category(config=config, vocabulary=Vocabulary.of([], tensor))
    time = config.type.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ)
    if time or tensor is Tensor.FLOAT or (config.numeric and tensor is Tensor.INT):
        buckets = max(config.bucket_size - 1, 1)
        return Number(config=config, numeric=Numeric.fit(column, tensor, buckets, from_zero=not time))
    sharing = (_column(blocks, other) for other in configs if other.shared_with == config.name)
    values = _flat(column, *sharing)
    return Category(config=config, vocabulary=Vocabulary.fit(values, tensor, config.bucket_size - 2))


def _column(blocks: Blocks, config: FeatureConfig) -> Iterable[Any]:
    """A column to read more than once; of a table in memory it is converted once."""
    column = Column(blocks, config)
    return list(column) if isinstance(blocks, Whole) else column


def _fit_array(column: Iterable[Any], config: FeatureConfig, tensor: Tensor) -> Bag | Vector:
    longest = max(1, max((_longest(block) for block in column), default=0))
    if tensor is not Tensor.FLOAT:
        shared = Vocabulary.of([], tensor) if config.shared_with else None
        vocabulary = shared or Vocabulary.fit(_flat(column), tensor, config.bucket_size - 1)
        return Bag(config=config, vocabulary=vocabulary, length=max(1, min(longest, config.max_length)))
    if longest > MAX_VECTOR:
        message = (
            f"column {config.name!r} has arrays of {longest} numbers; the longest allowed is {MAX_VECTOR}"
        )
        raise DataError("SR447", message, hint="cut the array in the query")
    return Vector(config=config, scale=fit_positions(_Matrices(column, longest)))


def _longest(block: Any) -> int:
    return int(list_parts(block)[0].max(initial=0))


def _flat(*columns: Iterable[Any]) -> Iterator[Any]:
    """The values of columns that share a vocabulary, elements of arrays one by one."""
    for column in columns:
        for block in column:
            yield list_parts(block)[1] if pa.types.is_large_list(block.type) else block


@dataclass(frozen=True, slots=True)
class _Matrices:
    """A column of vectors as matrices ``[rows, width]``, of so many rows as the width alone decides."""

    column: Iterable[Any]
    width: int

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        rows = max(MOMENT_VALUES // self.width, 1)
        return (matrix(part, self.width) for part in _recut(self.column, rows))


def _recut(blocks: Iterable[pa.ChunkedArray], rows: int) -> Iterator[pa.ChunkedArray]:
    """The same values in blocks of ``rows``, the last one shorter."""
    left: list[Any] = []
    for block in blocks:
        whole = pa.chunked_array([*left, *block.chunks], block.type)
        full = len(whole) // rows * rows
        yield from (whole.slice(start, rows) for start in range(0, full, rows))
        left = whole.slice(full).chunks
    if any(map(len, left)):
        yield pa.chunked_array(left)


def _refuse_infinite(column: Iterable[Any], config: FeatureConfig) -> None:
    count = sum(pc.sum(pc.is_inf(values)).as_py() or 0 for values in _flat(column))
    if count:
        raise DataError(
            "SR443",
            f"column {config.name!r} has {count} infinite value{'s' if count > 1 else ''}",
            hint="filter them, or replace them by NULL in the query",
        )
