"""Two towers: which columns belong to which, what identifies an item, and the options that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlrec.errors import suggest
from sqlrec.models.controller import Problem
from sqlrec.models.deep.options import MODEL, hidden_units
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Option, OptionKind, Parsed
from sqlrec.spec.schema import INTEGERS, DataType, Field, Kind, Schema

USER, ITEM = "user", "item"
USER_FEATURES, ITEM_FEATURES, ITEM_ID = "user_features", "item_features", "item_id_column"
EXCLUDE_SEEN = "exclude_seen"
IDENTITY = INTEGERS | {Kind.STRING}
"""Kinds of columns that can tell items apart."""

_VECTOR = DataType(Kind.ARRAY, arguments=(DataType(Kind.FLOAT),))
OUTPUTS = Schema(tuple(Field(name=f"{tower}_tower_emb", type=_VECTOR) for tower in (USER, ITEM)))
"""The answers of the user and of the item tower, in the order of the head's outputs."""
PARTS = (ITEM, USER)
"""Exports of one training checkpoint; the item tower comes first, as in SQLRec."""

TEMPERATURES: Mapping[str, float] = {"cosine": 0.05, "dot": 1.0}
"""Default temperature of each similarity: cosines lie between -1 and 1, too close for a softmax."""

OWN = (
    Option(
        key=USER_FEATURES,
        kind=OptionKind.STRING_LIST,
        scopes=MODEL,
        doc="Columns of the user tower; unset: those that are not in item_features.",
    ),
    Option(
        key=ITEM_FEATURES,
        kind=OptionKind.STRING_LIST,
        scopes=MODEL,
        doc="Columns of the item tower; unset: those that are not in user_features.",
    ),
    Option(
        key=ITEM_ID,
        kind=OptionKind.STRING,
        scopes=MODEL,
        doc="Column of the item tower, integers or strings, that tells items apart; unset: its first.",
    ),
    hidden_units("user_hidden_units", "the user tower, before its last"),
    hidden_units("item_hidden_units", "the item tower, before its last"),
    Option(
        key="output_dim",
        kind=OptionKind.INT,
        scopes=MODEL,
        default=64,
        minimum=1,
        maximum=4096,
        doc="Width of the embeddings that the towers answer.",
    ),
    Option(
        key="similarity",
        kind=OptionKind.STRING,
        scopes=MODEL,
        default="cosine",
        choices=tuple(TEMPERATURES),
        doc="How a user and an item are compared. With cosine the embeddings have length 1, so that their "
        "inner product is the cosine, too.",
    ),
    Option(
        key="normalize_arrays",
        kind=OptionKind.BOOLEAN,
        scopes=MODEL,
        default=False,
        doc="Layer normalisation of the mean of each ARRAY column before the first layer: the mean of many "
        "values, such as a long history, then weighs as much as a single value.",
    ),
    Option(
        key=EXCLUDE_SEEN,
        kind=OptionKind.BOOLEAN,
        scopes=MODEL,
        default=False,
        doc="Items of the ARRAY columns that share the embedding of item_id_column are not looked for again: "
        "neither training nor measuring counts them, and queries that search for items leave them out.",
    ),
    Option(
        key="temperature",
        kind=OptionKind.DOUBLE,
        scopes=MODEL,
        minimum=0.001,
        maximum=1000,
        doc="What similarities are divided by in the softmax of training; unset: "
        + ", ".join(f"{value:g} for {name}" for name, value in TEMPERATURES.items())
        + ".",
    ),
)
"""The options of ``tzrec.dssm`` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Feature columns of each tower, as the model spells them, and the item's identity."""

    user: tuple[str, ...]
    item: tuple[str, ...]
    item_id: str

    @classmethod
    def of(cls, features: Sequence[str], options: Mapping[str, Parsed]) -> Sides:
        """The sides that effective options give to these feature columns; unknown names are passed over."""
        spelled = {name.casefold(): name for name in features}
        given = {key: _known(options.get(key), spelled) for key in (USER_FEATURES, ITEM_FEATURES)}
        user = given[USER_FEATURES] or _others(features, given[ITEM_FEATURES])
        item = given[ITEM_FEATURES] or _others(features, given[USER_FEATURES])
        named = _known((str(options.get(ITEM_ID) or ""),), spelled)
        return cls(user=user, item=item, item_id=(*named, *item, "")[0])


def sides_of(model: ModelSpec) -> Sides:
    """The sides of a model's columns."""
    written = {key: _listed(model, key) for key in (USER_FEATURES, ITEM_FEATURES)}
    return Sides.of(model.features.names, {**written, ITEM_ID: (*_listed(model, ITEM_ID), "")[0]})


def _known(names: Parsed, spelled: Mapping[str, str]) -> tuple[str, ...]:
    listed = names if isinstance(names, tuple) else ()
    found = (str(name).casefold() for name in listed)
    return tuple(spelled[name] for name in dict.fromkeys(found) if name in spelled)


def _others(features: Iterable[str], taken: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in features if name not in taken)


def _listed(model: ModelSpec, key: str) -> tuple[str, ...]:
    parts = str(model.options.get(key, "")).split(",")
    return tuple(part.strip() for part in parts if part.strip())


def towers(model: ModelSpec) -> Iterator[Problem]:
    """Both towers have columns, none is in both, and items can be told apart."""
    lists = {key: _listed(model, key) for key in (USER_FEATURES, ITEM_FEATURES)}
    if not any(lists.values()):
        yield Problem(
            code="SR585",
            message="At least one of user_features or item_features is required for DSSM model",
            hint=f"list the columns of one tower, such as item_features = '{model.features.names[-1]}'"
            if len(model.features)
            else "",
            option="model",
        )
        return
    unknown = list(_unknown(model))
    yield from unknown
    if not unknown:
        yield from _divided(model, lists)
        yield from _identity(model)


def _unknown(model: ModelSpec) -> Iterator[Problem]:
    known = {name.casefold() for name in model.features.names}
    labels = {name.casefold() for name in model.labels}
    for key in (USER_FEATURES, ITEM_FEATURES, ITEM_ID):
        for name in _listed(model, key):
            if name.casefold() in known:
                continue
            kind = "is the label" if name.casefold() in labels else "is no column of the model"
            yield Problem(
                code="SR586",
                message=f"{key} names {name!r}, which {kind}",
                hint=suggest(name, model.features.names)
                or f"feature columns: {', '.join(model.features.names)}",
                option=key,
            )


def _divided(model: ModelSpec, lists: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    sides = sides_of(model)
    user, item = set(sides.user), set(sides.item)
    for name in (name for name in model.features.names if name in user & item):
        yield Problem(
            code="SR587",
            message=f"column {name!r} is in user_features and in item_features",
            hint="a tower is served without the other: give the column to one of them",
            option=ITEM_FEATURES,
        )
    for tower, names in ((USER, user), (ITEM, item)):
        if not names:
            given = ITEM_FEATURES if tower == USER else USER_FEATURES
            yield Problem(
                code="SR585",
                message=f"the {tower} tower has no columns: {given} names all of them",
                hint=f"leave the columns of the {tower} out of {given}",
                option=given,
            )
    for name in (name for name in model.features.names if name not in user | item):
        yield Problem(
            code="SR587",
            message=f"column {name!r} is in neither tower, so it is read and not used",
            hint=f"add it to user_features or item_features, or leave out {' or '.join(lists)}",
            column=name,
            warning=True,
        )


def _identity(model: ModelSpec) -> Iterator[Problem]:
    sides = sides_of(model)
    given = _listed(model, ITEM_ID)
    column = model.features.get(sides.item_id)
    if column is None:
        return
    if column.name not in sides.item:
        reason = "is a column of the user tower"
    elif column.type.kind not in IDENTITY:
        reason = f"is {column.type}"
    else:
        return
    fit = [f.name for f in model.features if f.name in sides.item and f.type.kind in IDENTITY]
    yield Problem(
        code="SR588",
        message=f"items cannot be told apart by {column.name!r}, which {reason}",
        hint=f"set item_id_column to a column of the item tower{_such_as(fit)}",
        option=ITEM_ID if given else "",
        column="" if given else column.name,
    )


def _such_as(names: Sequence[str]) -> str:
    return f", such as {names[0]!r}" if names else " that holds integers or strings"
