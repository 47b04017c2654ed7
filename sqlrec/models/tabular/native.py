"""Columns for learners that read categories by their text (CatBoost): nothing is merged, nothing is dropped.

In the matrix a category is a code of a dictionary of all values of training, so that rows are compact; its
text is what the learner sees and what a served model is asked with (:mod:`sqlrec.features.plain`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError, SchemaError
from sqlrec.features.columns import Category, FeatureConfig
from sqlrec.features.encoder import Encoder, column_of, fit
from sqlrec.features.plain import LARGEST, Floats
from sqlrec.spec.signature import InputColumn

NATIVE = "native"
MAX_VALUES = 1 << 24
"""Codes are float32 in the matrix, exact below this."""


@dataclass(frozen=True, slots=True, eq=False)
class NativeEncoder:
    """Numbers as they are, then categories as codes of ``values``, the texts of each category column.

    Code 0 is the missing value (the empty text); ``len(texts) + 1`` is any text that is not known.
    """

    encoder: Encoder
    values: tuple[pa.Array, ...]

    @classmethod
    def fit(cls, table: pa.Table, configs: Sequence[FeatureConfig]) -> NativeEncoder:
        """Fit on a training table.

        Raises the errors of :func:`sqlrec.features.encoder.fit`, ``SchemaError`` SR441 for an array
        and ``DataError`` SR543 for a category with more values than codes.
        """
        encoder = fit(table, configs)
        arrays = [f.config.name for f in encoder.sequences] + [f.config.name for f in encoder.vectors]
        for name in arrays:
            raise SchemaError("SR441", f"column {name!r} is an array, which cannot be a feature")
        return cls(encoder, tuple(_distinct(table, category) for category in encoder.categories))

    def extended(self, fresh: NativeEncoder) -> NativeEncoder:
        """This encoder with the new values of ``fresh`` after its own in each category."""
        names = (category.config.name.casefold() for category in fresh.encoder.categories)
        new = dict(zip(names, fresh.values, strict=True))
        merged = []
        for category, known in zip(self.encoder.categories, self.values, strict=True):
            added = new[category.config.name.casefold()]
            merged.append(pa.concat_arrays([known, added.filter(pc.invert(pc.is_in(added, known)))]))
        return NativeEncoder(self.encoder, tuple(merged))

    @property
    def inputs(self) -> tuple[InputColumn, ...]:
        """Raw columns, in declared order."""
        return self.encoder.inputs

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        numbers = tuple(number.config.name for number in self.encoder.numbers)
        return (*numbers, *(category.config.name for category in self.encoder.categories))

    @property
    def sources(self) -> tuple[str, ...]:
        """The raw columns, one a matrix column."""
        return self.names

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold codes."""
        start = len(self.encoder.numbers)
        return tuple(range(start, start + len(self.values)))

    @property
    def texts(self) -> dict[int, list[str]]:
        """By position of a column with codes: the texts of code 1 and up."""
        return {i: known.to_pylist() for i, known in zip(self.categorical, self.values, strict=True)}

    def transform(self, table: pa.Table | pa.RecordBatch) -> Floats:
        """The matrix ``[rows, width]``; errors as :meth:`Encoder.transform`."""
        matrix = np.empty((table.num_rows, len(self.names)), np.float32)
        for j, number in enumerate(self.encoder.numbers):
            values = number.numeric.read(column_of(table, number.config))
            matrix[:, j] = np.clip(values, -LARGEST, LARGEST)
        for j, category, known in zip(self.categorical, self.encoder.categories, self.values, strict=True):
            texts = _texts(column_of(table, category.config))
            codes = pc.index_in(texts, value_set=known).fill_null(len(known)).to_numpy()
            matrix[:, j] = np.where(pc.equal(texts, "").to_numpy(), 0, codes + 1)
        return matrix

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        values = [known.to_pylist() for known in self.values]
        return {"encoding": NATIVE, "encoder": self.encoder.to_json(), "values": values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NativeEncoder:
        """The encoder that :meth:`to_json` described; ``DataError`` SR445 when the data is something else."""
        try:
            values = tuple(pa.array(known, pa.string()) for known in data["values"])
            return cls(Encoder.from_json(data["encoder"]), values)
        except (KeyError, TypeError, pa.ArrowException) as error:
            raise DataError("SR445", f"encoder data cannot be read: {error!r}") from error


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()).fill_null("")


def _distinct(table: pa.Table, category: Category) -> pa.Array:
    """The texts of a category in training, sorted, without the missing one."""
    known = pc.unique(_texts(column_of(table, category.config)))
    known = known.filter(pc.not_equal(known, ""))
    if len(known) >= MAX_VALUES - 1:
        raise DataError(
            "SR543",
            f"column {category.config.name!r} has {len(known):,} distinct values, more than {MAX_VALUES:,}",
            hint="leave it out, or group its values in the query",
        )
    return known.take(pc.sort_indices(known))
