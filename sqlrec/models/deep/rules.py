"""What is wrong with a definition beyond single options: rules about the columns of deep models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlrec.errors import suggest
from sqlrec.models.controller import Problem
from sqlrec.models.deep.options import (
    BUCKET_SIZE,
    EMBEDDING,
    EMBEDDING_DIM,
    HISTORY,
    SHARED_WITH,
    TARGET,
    per_column,
)
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import OptionValue, canonical_key
from sqlrec.spec.schema import INTEGERS, DataType, Field, Kind

NAMED = INTEGERS | {Kind.BOOLEAN, Kind.STRING}
"""Kinds of scalars that have a vocabulary, and so an embedding for each value."""


def owners(model: ModelSpec) -> Iterator[Problem]:
    """Embeddings are shared with scalars that have one of their own, for values of the same kind."""
    features = {canonical_key(f.name): f for f in model.features}
    shared = _shared(model.options)
    known = [f.name for f in features.values() if f.type.kind in NAMED]
    for suffix in (SHARED_WITH, TARGET):
        for name, value in per_column(model.options, suffix).items():
            owner = canonical_key(str(value))
            if name not in features:
                continue  # SR418 tells
            reason = _unfit(features[name], owner, features, shared)
            if reason:
                yield Problem(
                    code="SR580",
                    message=f"column {name!r} cannot use the embedding of {str(value)!r}: {reason}",
                    hint=suggest(str(value), known)
                    or f"columns with a value for each row: {', '.join(known)}",
                    option=f"column.{name}{suffix}",
                )


def _shared(options: Mapping[str, OptionValue]) -> dict[str, str]:
    given = {**per_column(options, SHARED_WITH), **per_column(options, TARGET)}
    return {name: canonical_key(str(owner)) for name, owner in given.items()}


def _unfit(column: Field, owner: str, features: Mapping[str, Field], shared: Mapping[str, str]) -> str:
    """Why ``column`` cannot use the embedding of ``owner``; empty when it can."""
    if owner not in features:
        return "there is no such feature column"
    if owner == canonical_key(column.name):
        return "that is the column itself"
    if features[owner].type.kind not in NAMED:
        return f"{features[owner].name!r} is {features[owner].type}"
    if owner in shared:
        return f"{features[owner].name!r} uses that of {shared[owner]!r}"
    if _element(column.type) is not _element(features[owner].type):
        return f"it is {column.type}, and {features[owner].name!r} is {features[owner].type}"
    return ""


def _element(column: DataType) -> Kind:
    """The kind of values of a column or its elements, all integers being one."""
    kind = column.element.kind if column.kind is Kind.ARRAY else column.kind
    return Kind.INT if kind in INTEGERS else kind


def sizes_of_sharers(model: ModelSpec) -> Iterator[Problem]:
    """The size of a shared embedding is that of its owner."""
    shared = _shared(model.options)
    for suffix in (BUCKET_SIZE, EMBEDDING_DIM):
        for name in per_column(model.options, suffix):
            if name in shared:
                yield Problem(
                    code="SR581",
                    message=f"column {name!r} has no size of its own: it uses {shared[name]!r}'s embedding",
                    hint=f"set 'column.{shared[name]}{suffix}'",
                    option=f"column.{name}{suffix}",
                )


def histories(model: ModelSpec) -> Iterator[Problem]:
    """Some columns are histories, and those are arrays with a target."""
    features = {canonical_key(f.name): f for f in model.features}
    targets = per_column(model.options, TARGET)
    for name in targets:
        if name in features and features[name].type.kind is not Kind.ARRAY:
            yield Problem(
                code="SR582",
                message=f"column {features[name].name!r} is {features[name].type}; a history is an ARRAY",
                hint="name an ARRAY column; a scalar shares an embedding with shared_with",
                option=f"column.{name}{TARGET}",
            )
    for name in per_column(model.options, HISTORY):
        if name not in targets:
            yield Problem(
                code="SR582",
                message=f"column {name!r} is part of a history and has no target",
                hint=f"add 'column.{name}{TARGET}', the column that its elements are compared with",
                option=f"column.{name}{HISTORY}",
            )
    if not targets:
        arrays = [f.name for f in model.features if f.type.kind is Kind.ARRAY]
        yield Problem(
            code="SR583",
            message=f"{model.type} needs a history, and no column has a target",
            hint=f"set 'column.{arrays[0] if arrays else 'NAME'}{TARGET}' to the column it is compared with",
            option="model",
        )


def equal_dims(model: ModelSpec) -> Iterator[Problem]:
    """Vectors that are multiplied with each other have one width."""
    for name, dim in per_column(model.options, EMBEDDING_DIM).items():
        width = model.options.get("embedding_dim", EMBEDDING)
        if str(dim).strip() != str(width).strip():
            yield Problem(
                code="SR584",
                message=f"column {name!r} has embedding_dim {dim}, the others {width}; {model.type} "
                "multiplies the vectors of columns with each other",
                hint="leave the option out, or set embedding_dim for all columns",
                option=f"column.{name}{EMBEDDING_DIM}",
            )
