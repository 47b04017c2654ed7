"""The feature encoder: fitted once on the training table, saved with the checkpoint, exported as a graph.

All categorical features share one fused embedding table: a feature owns the rows
``offset … offset + rows - 1`` and a raw value becomes one row number. Integers, booleans and strings go
through a vocabulary; floats, dates and timestamps through quantile buckets and, standardised, into the
dense input; arrays of integers or strings become bags (pooled by the model) or histories (which it reads
element by element); arrays of floats become dense vectors. :meth:`Encoder.transform` and
:mod:`sqlrec.features.graph` give the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.errors import DataError
from sqlrec.features.blocks import Blocks, Whole
from sqlrec.features.columns import (
    Bag,
    Category,
    Feature,
    FeatureConfig,
    History,
    Number,
    Slot,
    Vector,
    feature_from_json,
    feature_to_json,
)
from sqlrec.features.fitting import fit_feature
from sqlrec.features.raw import canonical, find_column, tensor_of
from sqlrec.spec.signature import InputColumn

__all__ = ["Encoded", "Encoder", "FeatureConfig", "Slot", "fit"]

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Tensors of a table.

    ``ids`` int64 ``[rows, slots]``, row numbers of the fused table; ``bags`` one int64
    ``[rows, length]`` a bag, row numbers filled with -1; ``dense`` float32 ``[rows, dense_width]``;
    ``histories`` one int64 ``[rows, length, columns]`` a history, filled with -1.
    """

    ids: npt.NDArray[np.int64]
    bags: tuple[npt.NDArray[np.int64], ...]
    dense: npt.NDArray[np.float32]
    histories: tuple[npt.NDArray[np.int64], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """Fitted features, in the order in which they were declared."""

    features: tuple[Feature, ...]

    @property
    def categories(self) -> tuple[Category, ...]:
        """Features with a vocabulary: the first slots."""
        return tuple(f for f in self.features if isinstance(f, Category))

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Number features, dates and timestamps last: the slots after the categories."""
        numbers = [f for f in self.features if isinstance(f, Number)]
        return tuple(sorted(numbers, key=lambda f: f.numeric.origin is not None))

    @property
    def sequences(self) -> tuple[Bag, ...]:
        """Features with a bag of rows, which is pooled."""
        return tuple(f for f in self.features if isinstance(f, Bag) and not f.config.history)

    @property
    def histories(self) -> tuple[History, ...]:
        """Arrays that are not pooled, in groups of those that stand side by side."""
        groups: dict[str, list[Bag]] = {}
        for feature in self.features:
            if isinstance(feature, Bag) and feature.config.history:
                groups.setdefault(feature.config.history, []).append(feature)
        return tuple(History(name=name, bags=tuple(bags)) for name, bags in groups.items())

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Dense vector features: the last dense columns."""
        return tuple(f for f in self.features if isinstance(f, Vector))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """One slot a column of :attr:`Encoded.ids`: categories, then numbers."""
        return (*(f.slot for f in self.categories), *(f.slot for f in self.numbers))

    @property
    def bags(self) -> tuple[Slot, ...]:
        """One slot an entry of :attr:`Encoded.bags`."""
        return tuple(f.slot for f in self.sequences)

    @property
    def dense_width(self) -> int:
        """Columns of :attr:`Encoded.dense`: values, missing flags of the numbers, then vectors."""
        return 2 * len(self.numbers) + sum(v.width for v in self.vectors)

    @property
    def table_rows(self) -> int:
        """Rows of the fused table."""
        return sum(f.slot.rows for f in self.features if _owns_rows(f))

    @property
    def inputs(self) -> tuple[InputColumn, ...]:
        """Raw inputs of an exported model, in declared order."""
        return tuple(
            InputColumn(
                name=f.config.name,
                type=f.config.type,
                tensor=tensor_of(f.config.name, f.config.type),
                is_array=isinstance(f, Bag | Vector),
                length=f.width if isinstance(f, Vector) else 0,
            )
            for f in self.features
        )

    def transform(self, table: pa.Table | pa.RecordBatch) -> Encoded:
        """Tensors of a table with (at least) the features' columns.

        Unknown values get the unseen row, infinities the outermost bucket. Raises ``SchemaError`` SR440
        for an absent column and ``DataError`` SR442 for values that do not fit the declared type.
        """
        categories, numbers = self.categories, self.numbers
        ids = np.empty((table.num_rows, len(self.slots)), np.int64)
        dense = np.empty((table.num_rows, self.dense_width), np.float32)
        for j, category in enumerate(categories):
            ids[:, j] = category.ids(column_of(table, category.config))
        for j, number in enumerate(numbers):
            values = number.numeric.read(column_of(table, number.config))
            ids[:, len(categories) + j] = number.numeric.codes(values) + number.slot.offset
            dense[:, j] = number.numeric.scale.apply(values)
            dense[:, len(numbers) + j] = np.isnan(values)
        start = 2 * len(numbers)
        for vector in self.vectors:
            dense[:, start : start + vector.width] = vector.values(column_of(table, vector.config))
            start += vector.width
        bags = tuple(bag.ids(column_of(table, bag.config)) for bag in self.sequences)
        histories = tuple(
            history.ids([column_of(table, bag.config) for bag in history.bags]) for history in self.histories
        )
        return Encoded(ids=ids, bags=bags, dense=dense, histories=histories)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; floats are exact."""
        return {"format": FORMAT, "features": [feature_to_json(f) for f in self.features]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Encoder:
        """The encoder that :meth:`to_json` described; ``DataError`` SR445 when the data is something else."""
        if data.get("format") != FORMAT:
            raise DataError("SR445", f"encoder of format {data.get('format')!r}, this sqlrec reads {FORMAT}")
        try:
            return _laid_out([feature_from_json(item) for item in data["features"]])
        except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
            raise DataError("SR445", f"encoder data cannot be read: {error!r}") from error


def fit(rows: pa.Table | Blocks, configs: Sequence[FeatureConfig]) -> Encoder:
    """Fit an encoder on training rows: a table, or blocks that give the same encoder however rows are cut.

    Raises ``SchemaError`` SR440 (column absent), SR441 (type that cannot be a feature) and ``DataError``
    SR442 (values of another type), SR443 (infinite values), SR446 (no rows), SR447 (vector too long).
    """
    blocks = Whole(rows) if isinstance(rows, pa.Table) else rows
    for config in configs:
        tensor_of(config.name, config.type)
    if not blocks.num_rows:
        raise DataError("SR446", "the training table has no rows", hint="check the query or the partition")
    return _laid_out([fit_feature(blocks, config, configs) for config in configs])


def _laid_out(features: Sequence[Feature]) -> Encoder:
    """The encoder with each feature's rows placed in the fused table, those of shared ones once."""
    encoder = Encoder(tuple(features))
    offsets: dict[str, int] = {}
    total = 0
    order: tuple[Feature, ...] = (*encoder.categories, *encoder.numbers, *encoder.sequences)
    for feature in order:
        if _owns_rows(feature):
            offsets[feature.config.name] = total
            total += feature.slot.rows
    owners = {c.config.name: c.at(offsets[c.config.name]) for c in encoder.categories if _owns_rows(c)}

    def placed(feature: Feature) -> Feature:
        if isinstance(feature, Category | Bag) and feature.config.shared_with:
            return feature.sharing(owners[feature.config.shared_with])
        return feature if isinstance(feature, Vector) else feature.at(offsets[feature.config.name])

    return Encoder(tuple(map(placed, features)))


def _owns_rows(feature: Feature) -> TypeGuard[Category | Number | Bag]:
    return not isinstance(feature, Vector) and not feature.config.shared_with


def column_of(table: pa.Table | pa.RecordBatch, config: FeatureConfig) -> pa.ChunkedArray:
    """The feature's column in its canonical type; raises ``SchemaError`` SR440 and ``DataError`` SR442."""
    return canonical(find_column(table, config.name), config.name, config.type)
