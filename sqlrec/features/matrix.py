"""Raw columns as one float32 matrix, for models that learn from a table of numbers.

The matrix is made from the same fitted features as the tensors of the deep models
(:mod:`sqlrec.features.encoder`), in one of two shapes. Columns come in this order: for trees categories,
numbers, vectors; for linear models numbers, their missing flags, vectors, indicators of categories, shares
of bags. :meth:`MatrixEncoder.transform` and :mod:`sqlrec.features.matrix_graph` give the same bits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.errors import DataError, SchemaError
from sqlrec.features.columns import Bag, Category, FeatureConfig
from sqlrec.features.encoder import Encoder, column_of, fit
from sqlrec.features.numeric import Scale, fit_positions
from sqlrec.spec.schema import Schema
from sqlrec.spec.signature import InputColumn

__all__ = ["Encoding", "MatrixEncoder", "OneHot", "fit_matrix", "matrix_configs"]

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

LIMIT = np.float32(10_000)
"""Standardised values are cut at this many deviations, which no row of training reaches."""
LARGEST = np.finfo(np.float32).max
"""Raw numbers are cut at this, because tree libraries refuse infinities."""
MAX_LENGTH = 10_000
"""Elements of a bag that count, from its beginning."""


class Encoding(StrEnum):
    """How raw columns become the matrix.

    ``ORDINAL`` (trees): one column a feature. Numbers, dates, timestamps and vectors as they are;
    categories as codes 0 … n - 1 by falling frequency, n for values unseen in training; missing is NaN.

    ``ONE_HOT`` (linear models, distances): numbers and vectors standardised by mean and deviation,
    missing values at the mean, with a missing flag where training had gaps; one indicator for each
    category of training, for its rare values together and for missing if they occurred, so that
    whatever training had none of is all zeros; of bags the shares of their elements.
    """

    ORDINAL = "ordinal"
    ONE_HOT = "one_hot"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OneHot:
    """What ``ONE_HOT`` takes from the training table besides the features.

    ``scale`` has one entry a number and ``vectors`` one entry an element of the vectors; ``gaps`` are the
    positions of the numbers that had missing values; ``kept`` holds, for each category and then each bag,
    the codes that occurred, in rising order (of bags the codes above 0).
    """

    scale: Scale
    vectors: Scale
    gaps: tuple[int, ...]
    kept: tuple[Codes, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixEncoder:
    """Fitted features and how they fill the matrix; ``one_hot`` is None for ``ORDINAL``."""

    encoder: Encoder
    one_hot: OneHot | None = None

    @property
    def encoding(self) -> Encoding:
        """The shape of the matrix."""
        return Encoding.ONE_HOT if self.one_hot else Encoding.ORDINAL

    @property
    def named(self) -> tuple[Category | Bag, ...]:
        """Features with a vocabulary, categories first."""
        return (*self.encoder.categories, *self.encoder.sequences)

    @property
    def inputs(self) -> tuple[InputColumn, ...]:
        """Raw inputs of an exported model, in declared order."""
        return self.encoder.inputs

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns for people, such as ``city = Oslo``."""
        return tuple(name for _, name in self._labels())

    @property
    def sources(self) -> tuple[str, ...]:
        """The raw column that each matrix column comes from."""
        return tuple(source for source, _ in self._labels())

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return len(self.sources)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold codes of categories."""
        return () if self.one_hot else tuple(range(len(self.encoder.categories)))

    def transform(self, table: pa.Table | pa.RecordBatch) -> Floats:
        """The matrix ``[rows, width]`` of a table with (at least) the features' columns.

        Raises ``SchemaError`` SR440 for an absent column and ``DataError`` SR442 for values that do not
        fit the declared type.
        """
        matrix = np.zeros((table.num_rows, self.width), np.float32)
        blocks = _ordinal(self.encoder, table) if self.one_hot is None else self._one_hot(table, self.one_hot)
        start = 0
        for block in blocks:
            matrix[:, start : start + block.shape[1]] = block
            start += block.shape[1]
        return matrix

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; floats are exact."""
        data: dict[str, Any] = {"encoding": str(self.encoding), "encoder": self.encoder.to_json()}
        if self.one_hot:
            data["scale"], data["vectors"] = _to_lists(self.one_hot.scale), _to_lists(self.one_hot.vectors)
            data["gaps"] = list(self.one_hot.gaps)
            data["kept"] = [codes.tolist() for codes in self.one_hot.kept]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MatrixEncoder:
        """The encoder that :meth:`to_json` described; ``DataError`` SR445 when the data is something else."""
        try:
            encoder = Encoder.from_json(data["encoder"])
            match Encoding(data["encoding"]):
                case Encoding.ORDINAL:
                    return cls(encoder)
                case Encoding.ONE_HOT:
                    one_hot = OneHot(
                        scale=_from_lists(data["scale"]),
                        vectors=_from_lists(data["vectors"]),
                        gaps=tuple(data["gaps"]),
                        kept=tuple(np.array(codes, np.int64) for codes in data["kept"]),
                    )
                    return cls(encoder, one_hot)
                case unknown:
                    assert_never(unknown)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("SR445", f"matrix encoder data cannot be read: {error!r}") from error

    def _one_hot(self, table: pa.Table | pa.RecordBatch, fitted: OneHot) -> Iterator[Floats]:
        encoder = self.encoder
        values = _numbers(encoder, table)
        yield fitted.scale.apply(values, LIMIT)
        yield np.isnan(values[:, list(fitted.gaps)]).astype(np.float32)
        yield fitted.vectors.apply(_vectors(encoder, table), LIMIT)
        for feature, kept in zip(self.named, fitted.kept, strict=True):
            yield _indicators(feature, kept, column_of(table, feature.config))

    def _labels(self) -> Iterator[tuple[str, str]]:
        """Raw column and name of each matrix column."""
        encoder = self.encoder
        categories = [c.config.name for c in encoder.categories]
        numbers = [n.config.name for n in encoder.numbers]
        if self.one_hot is None:
            yield from zip(categories, categories, strict=True)
        yield from zip(numbers, numbers, strict=True)
        if self.one_hot:
            yield from ((numbers[i], f"{numbers[i]} is missing") for i in self.one_hot.gaps)
        for vector in encoder.vectors:
            yield from ((vector.config.name, f"{vector.config.name}[{i}]") for i in range(vector.width))
        if self.one_hot:
            for feature, kept in zip(self.named, self.one_hot.kept, strict=True):
                yield from ((feature.config.name, _code_name(feature, code)) for code in kept.tolist())


def matrix_configs(
    features: Schema, categorical: Collection[str], max_categories: int
) -> list[FeatureConfig]:
    """Feature columns of a model as a matrix reads them: integers and booleans are quantities.

    ``categorical`` names the integer and boolean columns that are read by name (any case), strings always
    are. A category keeps its ``max_categories`` most frequent values.
    """
    by_name = {name.casefold() for name in categorical}
    return [
        FeatureConfig(
            name=column.name,
            type=column.type,
            embedding_dim=1,
            bucket_size=max_categories + 2,
            max_length=MAX_LENGTH,
            numeric=column.name.casefold() not in by_name,
        )
        for column in features
    ]


def fit_matrix(table: pa.Table, configs: Sequence[FeatureConfig], encoding: Encoding) -> MatrixEncoder:
    """Fit the features of a training table and the shape of its matrix.

    Raises the errors of :func:`sqlrec.features.encoder.fit`, and ``SchemaError`` SR441 for an
    array of integers or strings with ``ORDINAL``.
    """
    encoder = fit(table, configs)
    match encoding:
        case Encoding.ORDINAL:
            _refuse_bags(encoder)
            return MatrixEncoder(encoder)
        case Encoding.ONE_HOT:
            return _fit_one_hot(table, encoder)
        case _:
            assert_never(encoding)


def _refuse_bags(encoder: Encoder) -> None:
    for bag in encoder.sequences:
        raise SchemaError(
            "SR441",
            f"column {bag.config.name!r} of type {bag.config.type} cannot be a feature of a model of trees",
            hint="leave it out, or compute numbers from it in the query, such as its length",
        )


def _fit_one_hot(table: pa.Table, encoder: Encoder) -> MatrixEncoder:
    values = _numbers(encoder, table)
    gaps = np.flatnonzero(np.isnan(values).any(axis=0))
    kept = []
    for feature in MatrixEncoder(encoder).named:
        codes = np.unique(_codes(feature, column_of(table, feature.config)))
        kept.append(codes[codes > 0] if isinstance(feature, Bag) else codes)
    one_hot = OneHot(
        scale=fit_positions([values]),
        vectors=fit_positions([_vectors(encoder, table)]),
        gaps=tuple(gaps.tolist()),
        kept=tuple(kept),
    )
    return MatrixEncoder(encoder, one_hot)


def _ordinal(encoder: Encoder, table: pa.Table | pa.RecordBatch) -> Iterator[Floats]:
    for category in encoder.categories:
        codes = _codes(category, column_of(table, category.config))
        yield ordinal_codes(category)[codes][:, None]
    for values in (_numbers(encoder, table), _vectors(encoder, table)):
        yield np.clip(values, -LARGEST, LARGEST)


def ordinal_codes(category: Category) -> Floats:
    """What ``ORDINAL`` makes of each code of a category's vocabulary."""
    codes = np.arange(-1, category.vocabulary.unseen, dtype=np.float32)
    codes[0] = np.nan
    return codes


def _numbers(encoder: Encoder, table: pa.Table | pa.RecordBatch) -> Floats:
    """The numbers as they are ``[rows, numbers]``, NaN for missing."""
    values = np.empty((table.num_rows, len(encoder.numbers)), np.float32)
    for j, number in enumerate(encoder.numbers):
        values[:, j] = number.numeric.read(column_of(table, number.config))
    return values


def _vectors(encoder: Encoder, table: pa.Table | pa.RecordBatch) -> Floats:
    """The elements of the vectors as they are ``[rows, elements]``, NaN for missing."""
    parts = [vector.raw(column_of(table, vector.config)) for vector in encoder.vectors]
    return np.concatenate(parts, axis=1) if parts else np.empty((table.num_rows, 0), np.float32)


def _codes(feature: Category | Bag, column: pa.ChunkedArray) -> Codes:
    """Codes of the vocabulary, ``[rows]`` or ``[rows, length]``; 0 is missing, or no element."""
    if isinstance(feature, Category):
        return feature.vocabulary.lookup(column)
    ids = feature.ids(column)
    return np.where(ids < 0, 0, ids - feature.offset + 1)


def kept_positions(feature: Category | Bag, kept: Codes) -> Codes:
    """The indicator of each code of the vocabulary; the number of indicators where it has none."""
    positions = np.full(feature.vocabulary.unseen + 1, len(kept), np.int64)
    positions[kept] = np.arange(len(kept))
    return positions


def _indicators(feature: Category | Bag, kept: Codes, column: pa.ChunkedArray) -> Floats:
    """Indicators of a category, or shares of the elements of a bag: ``[rows, kept]``."""
    codes = _codes(feature, column)
    positions, rows, width = kept_positions(feature, kept)[codes], np.arange(len(codes)), len(kept) + 1
    if isinstance(feature, Category):
        ones = np.zeros((len(codes), width), np.float32)
        ones[rows, positions] = 1
        return ones[:, :-1]
    places = positions + rows[:, None] * width
    counts = np.bincount(places.ravel(), minlength=len(codes) * width).reshape(-1, width)[:, :-1]
    total = np.maximum((codes > 0).sum(axis=1, keepdims=True), 1)
    shares: Floats = counts.astype(np.float32) / total.astype(np.float32)
    return shares


def _code_name(feature: Category | Bag, code: int) -> str:
    name, vocabulary = feature.config.name, feature.vocabulary
    if code == 0:
        return f"{name} is missing"
    verb = "=" if isinstance(feature, Category) else "has"
    value = "another value" if code == vocabulary.unseen else vocabulary.keys[code].as_py()
    return f"{name} {verb} {value}"


def _to_lists(scale: Scale) -> dict[str, list[float]]:
    return {"center": scale.center.tolist(), "factor": scale.factor.tolist()}


def _from_lists(data: Mapping[str, list[float]]) -> Scale:
    center, factor = (np.array(data[key], np.float32) for key in ("center", "factor"))
    return Scale(center=center, factor=factor)
