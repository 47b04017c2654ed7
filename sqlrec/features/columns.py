"""One fitted feature: what its column becomes, its place in the fused table, its JSON form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from sqlrec.features.numeric import Numeric, Scale
from sqlrec.features.raw import MISSING, Tensor, column_to_numpy, list_parts, pad, tensor_of
from sqlrec.features.vocabulary import Vocabulary
from sqlrec.spec.schema import DataType


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureConfig:
    """A feature as declared.

    ``bucket_size`` bounds the rows it may have in the fused table (the special rows included, at least
    two); ``max_length`` cuts arrays of integers and strings. With ``numeric``, integers and booleans are
    read as quantities, not by name.

    ``shared_with`` names a scalar feature of integers, booleans or strings whose vocabulary and rows this one
    uses, too. An array with a ``history`` is not pooled: its elements stand beside those of the other
    arrays of the same history; it shares the rows of another feature.
    """

    name: str
    type: DataType
    embedding_dim: int
    bucket_size: int
    max_length: int
    numeric: bool = False
    shared_with: str = ""
    history: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Rows ``offset … offset + rows - 1`` of the fused table belong to the feature ``name``."""

    name: str
    offset: int
    rows: int
    embedding_dim: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Category:
    """Integers, booleans or strings. Row ``offset`` is missing, the last row is unseen."""

    config: FeatureConfig
    vocabulary: Vocabulary
    offset: int = 0

    @property
    def slot(self) -> Slot:
        """Place in the fused table."""
        return _slot(self.config, self.offset, self.vocabulary.unseen + 1)

    def at(self, offset: int) -> Category:
        """The same feature at another place."""
        return replace(self, offset=offset)

    def sharing(self, owner: Category) -> Category:
        """The same feature with the values and rows of another."""
        return replace(self, vocabulary=owner.vocabulary, offset=owner.offset)

    def ids(self, column: Any) -> npt.NDArray[np.int64]:
        """Row numbers ``[rows]``."""
        return self.vocabulary.lookup(column) + self.offset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Number:
    """Floats, decimals, dates or timestamps. Row ``offset`` is missing, then one row a bucket."""

    config: FeatureConfig
    numeric: Numeric
    offset: int = 0

    @property
    def slot(self) -> Slot:
        """Place in the fused table."""
        return _slot(self.config, self.offset, self.numeric.rows)

    def at(self, offset: int) -> Number:
        """The same feature at another place."""
        return replace(self, offset=offset)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bag:
    """An array of integers, booleans or strings, cut to ``length``. The last row is unseen.

    Missing elements do not count; an empty or missing array is an empty bag.
    """

    config: FeatureConfig
    vocabulary: Vocabulary
    length: int
    offset: int = 0

    @property
    def slot(self) -> Slot:
        """Place in the fused table."""
        return _slot(self.config, self.offset, self.vocabulary.unseen)

    def at(self, offset: int) -> Bag:
        """The same feature at another place."""
        return replace(self, offset=offset)

    def sharing(self, owner: Category) -> Bag:
        """The same feature with the values and rows of another, but the row for missing ones."""
        return replace(self, vocabulary=owner.vocabulary, offset=owner.offset + 1)

    def ids(self, column: Any) -> npt.NDArray[np.int64]:
        """Row numbers ``[rows, length]``, -1 where there is no element."""
        lengths, elements = list_parts(column)
        codes = self.vocabulary.lookup(elements)
        return pad(lengths, np.where(codes == 0, -1, codes - 1 + self.offset), self.length, -1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vector:
    """An array of floats as dense columns: cut or filled to the longest of training, standardised."""

    config: FeatureConfig
    scale: Scale

    @property
    def width(self) -> int:
        """Dense columns of the vector."""
        return len(self.scale.center)

    def raw(self, column: Any) -> npt.NDArray[np.float32]:
        """``[rows, width]`` as they are; a missing element is NaN."""
        return matrix(column, self.width)

    def values(self, column: Any) -> npt.NDArray[np.float32]:
        """Standardised ``[rows, width]``; a missing element is 0, the centre of its position."""
        return self.scale.apply(self.raw(column))


Feature = Category | Number | Bag | Vector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Arrays side by side: the elements at one place of all of them are one event."""

    name: str
    bags: tuple[Bag, ...]

    def ids(self, columns: Sequence[Any]) -> npt.NDArray[np.int64]:
        """Row numbers ``[rows, length, bags]``, -1 where there is no element."""
        parts = [bag.ids(column) for bag, column in zip(self.bags, columns, strict=True)]
        found = np.full((len(parts[0]), max(bag.length for bag in self.bags), len(parts)), -1, np.int64)
        for place, part in enumerate(parts):
            found[:, : part.shape[1], place] = part
        return found


def _slot(config: FeatureConfig, offset: int, rows: int) -> Slot:
    return Slot(name=config.name, offset=offset, rows=rows, embedding_dim=config.embedding_dim)


def matrix(column: Any, width: int) -> npt.NDArray[np.float32]:
    """A canonical column of arrays of floats as ``[rows, width]``, cut and filled with NaN."""
    lengths, elements = list_parts(column)
    return pad(lengths, column_to_numpy(elements, Tensor.FLOAT, MISSING[Tensor.FLOAT]), width, np.nan)


def feature_to_json(feature: Feature) -> dict[str, Any]:
    """Plain JSON data of a feature, without its place (that follows from all features)."""
    config = feature.config
    declared = {
        "name": config.name,
        "type": str(config.type),
        "embedding_dim": config.embedding_dim,
        "bucket_size": config.bucket_size,
        "max_length": config.max_length,
        **({"numeric": True} if config.numeric else {}),
        **({"shared_with": config.shared_with} if config.shared_with else {}),
        **({"history": config.history} if config.history else {}),
    }
    match feature:
        case Category():
            return {"kind": "category", "config": declared, **_own_values(feature)}
        case Bag():
            return {"kind": "bag", "config": declared, **_own_values(feature), "length": feature.length}
        case Number(numeric=numeric):
            bounds = numeric.bounds.tolist()
            fitted = {"origin": numeric.origin, "bounds": bounds, **_scale_to_json(numeric.scale)}
            if numeric.low <= numeric.high:
                fitted["range"] = [numeric.low, numeric.high]
            return {"kind": "number", "config": declared, **fitted}
        case Vector():
            return {"kind": "vector", "config": declared, **_scale_to_json(feature.scale)}
        case _:
            assert_never(feature)


def _own_values(feature: Category | Bag) -> dict[str, Any]:
    return {} if feature.config.shared_with else {"values": feature.vocabulary.values}


def _scale_to_json(scale: Scale) -> dict[str, Any]:
    return {"center": scale.center.tolist(), "factor": scale.factor.tolist()}


def feature_from_json(data: Mapping[str, Any]) -> Feature:
    """The feature of :func:`feature_to_json`; ``KeyError``, ``TypeError`` or ``ValueError`` on others."""
    config = FeatureConfig(**{**data["config"], "type": DataType.parse(data["config"]["type"])})
    tensor = tensor_of(config.name, config.type)
    match data["kind"]:
        case "category":
            return Category(config=config, vocabulary=_vocabulary(data, config, tensor))
        case "bag":
            vocabulary = _vocabulary(data, config, tensor)
            return Bag(config=config, vocabulary=vocabulary, length=data["length"])
        case "number":
            bounds = np.array(data["bounds"], np.float32)
            low, high = data.get("range", (math.inf, -math.inf))
            numeric = Numeric(
                origin=data["origin"], scale=_scale_from_json(data), bounds=bounds, low=low, high=high
            )
            return Number(config=config, numeric=numeric)
        case "vector":
            return Vector(config=config, scale=_scale_from_json(data))
        case kind:
            raise ValueError(f"unknown kind of feature {kind!r}")


def _vocabulary(data: Mapping[str, Any], config: FeatureConfig, tensor: Tensor) -> Vocabulary:
    return Vocabulary.of([] if config.shared_with else data["values"], tensor)


def _scale_from_json(data: Mapping[str, Any]) -> Scale:
    return Scale(
        center=np.array(data["center"], np.float32),
        factor=np.array(data["factor"], np.float32),
    )
