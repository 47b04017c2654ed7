"""Feature columns of a model as TorchEasyRec's features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlrec.models.controller import Problem
from sqlrec.models.deep.dssm import sides_of
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.pipeline.text import Message, message
from sqlrec.models.objective import Objective
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import canonical_key
from sqlrec.spec.schema import INTEGERS, DataType, Field, Kind, Schema

ID, RAW, SEQUENCE = "id_feature", "raw_feature", "sequence_id_feature"
USER, ITEM = "user", "item"
TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A feature: ``feature`` is its field of FeatureConfig, ``dim`` its width.

    ``buckets`` and ``embedding`` (the name of its table, where that is shared) are those of embedded ones. A
    sequence belongs to ``history``, and its elements are compared with the column ``target``.
    """

    name: str
    type: DataType
    feature: str
    side: str
    dim: int = 1
    buckets: int = 0
    embedding: str = ""
    pooled: bool = False
    length: int = 0
    history: str = ""
    target: str = ""

    @property
    def is_embedded(self) -> bool:
        """Whether values are looked up and not taken as they are."""
        return self.feature != RAW

    @property
    def is_hashed(self) -> bool:
        """Whether values are words, whose hash is looked up."""
        return self.is_embedded and _value(self.type).kind is Kind.STRING

    def config(self) -> Message:
        """The FeatureConfig."""
        described = message(
            feature_name=self.name,
            expression=f"{self.side}:{self.name}",
            embedding_name=self.embedding or None,
            embedding_dim=self.dim if self.is_embedded else None,
            hash_bucket_size=self.buckets if self.is_hashed else None,
            num_buckets=self.buckets if self.is_embedded and not self.is_hashed else None,
            pooling="mean" if self.pooled else None,
            sequence_length=self.length or None,
        )
        return message(**{self.feature: described})


def columns_of(
    model: ModelSpec, features: Schema, shape: Architecture, objective: Objective
) -> tuple[Column, ...]:
    """The features of a model in their order."""
    names = {canonical_key(field.name): field.name for field in features}
    owners = {key: names[owner] for key, owner in shape.owners.items() if owner in names}
    users = sides_of(model).user if objective is Objective.RETRIEVAL else ()
    return tuple(_column(field, shape, owners, USER if field.name in users else ITEM) for field in features)


def _column(field: Field, shape: Architecture, owners: Mapping[str, str], side: str) -> Column:
    key = canonical_key(field.name)
    value = _value(field.type)
    if value.is_float or value.kind in TIMES:
        return Column(name=field.name, type=field.type, feature=RAW, side=side)
    owner = canonical_key(owners.get(key, field.name))
    is_shared = key in owners or field.name in owners.values()
    is_array, history = field.type.kind is Kind.ARRAY, shape.histories.get(key, "")
    return Column(
        name=field.name,
        type=field.type,
        feature=SEQUENCE if history else ID,
        side=side,
        dim=shape.embedding_dims.get(owner, shape.embedding_dim),
        buckets=2 if value.kind is Kind.BOOLEAN else shape.bucket_sizes.get(owner, shape.num_buckets),
        embedding=f"{owners.get(key, field.name)}_emb" if is_shared else "",
        pooled=not history and (is_array or is_shared),
        length=shape.max_array_length if history else 0,
        history=history,
        target=owners.get(key, "") if history else "",
    )


def _value(column: DataType) -> DataType:
    """The type of a column's values: of an array, of its elements."""
    return column.element if column.kind is Kind.ARRAY else column


def column_problems(columns: Sequence[Column]) -> Iterator[Problem]:
    """Columns that TorchEasyRec's schema cannot describe."""
    for column in columns:
        value = _value(column.type)
        if column.feature == RAW and column.type.kind is Kind.ARRAY:
            reason, hint = "needs to know how long a vector is", "make a column of each number"
        elif value.kind in TIMES:
            reason, hint = "has no dates and times", "give the model a number, such as date_part('dow', day)"
        else:
            continue
        yield Problem(
            code="SR381",
            message=f"column {column.name!r} is {column.type}, and TorchEasyRec {reason}",
            hint=f"{hint}, or leave trainer = 'tzrec' out",
            column=column.name,
        )


def casts(columns: Sequence[Column]) -> Mapping[str, str]:
    """Arrow types that columns need in a file that TorchEasyRec reads, by folded name."""
    found = {}
    for column in columns:
        value = _value(column.type)
        if column.feature == RAW:
            arrow = "float"
        elif value.kind in INTEGERS or value.kind is Kind.BOOLEAN:
            arrow = "int64"
        else:
            arrow = "string"
        found[column.name.casefold()] = f"list<{arrow}>" if column.type.kind is Kind.ARRAY else arrow
    return found
