"""The deep model types: each a head, its options and a goal."""

from __future__ import annotations

from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.options import hidden_units

HEADS = "sqlrec.models.deep.heads"

WIDE_AND_DEEP = DeepModel(
    type="tzrec.wide_and_deep",
    doc="Wide & Deep: probability of a positive label from categorical and numeric columns.",
    head=f"{HEADS}.wide_and_deep:WideAndDeep",
    own=(hidden_units("hidden_units", "the deep part"),),
)

_TYPES = {model.type: model for model in (WIDE_AND_DEEP,)}


def deep_model(model_type: str) -> DeepModel:
    """The deep model of that type; ``KeyError`` for another."""
    return _TYPES[model_type.casefold()]
