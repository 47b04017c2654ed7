"""The deep model types: each a head, its options and a goal."""

from __future__ import annotations

from sqlrec.models.controller import Programs
from sqlrec.models.deep import dssm
from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.head_options import ATTENTION, BOTTOM, CROSS, EXPERTS, HIDDEN, SHARED, STYLE
from sqlrec.models.deep.rules import equal_dims, histories, owners, sizes_of_sharers
from sqlrec.models.objective import Objective

HEADS = "sqlrec.models.deep.heads"
SHARING = (owners, sizes_of_sharers)

WIDE_AND_DEEP = DeepModel(
    type="tzrec.wide_and_deep",
    doc="Wide & Deep: probability of a positive label from categorical and numeric columns.",
    head=f"{HEADS}.wide_and_deep:WideAndDeep",
    own=(HIDDEN, *STYLE, SHARED),
    rules=SHARING,
)

DEEPFM = DeepModel(
    type="tzrec.deepfm",
    doc="DeepFM: Wide & Deep with the products of all pairs of columns.",
    head=f"{HEADS}.deepfm:DeepFM",
    own=(HIDDEN, *STYLE, SHARED),
    rules=(*SHARING, equal_dims),
)

DCN_V2 = DeepModel(
    type="tzrec.dcn_v2",
    doc="DCN-V2: cross layers, which multiply the input with itself, and dense layers.",
    head=f"{HEADS}.dcn_v2:DCNv2",
    own=(HIDDEN, *CROSS, *STYLE, SHARED),
    rules=SHARING,
)

DLRM = DeepModel(
    type="tzrec.dlrm",
    doc="DLRM: the numbers become a vector, and dense layers see the products of all pairs of vectors.",
    head=f"{HEADS}.dlrm:DLRM",
    own=(HIDDEN, BOTTOM, *STYLE, SHARED),
    rules=(*SHARING, equal_dims),
)

DIN = DeepModel(
    type="tzrec.din",
    doc="Deep Interest Network: of an array column, a history, counts what resembles the row's own value.",
    head=f"{HEADS}.din:DIN",
    own=(HIDDEN, *ATTENTION, *STYLE, SHARED),
    rules=(*SHARING, histories),
)

MMOE = DeepModel(
    type="tzrec.mmoe",
    doc="Multi-gate Mixture-of-Experts: a probability for each of several labels.",
    head=f"{HEADS}.mmoe:MMoE",
    own=(*EXPERTS, *STYLE, SHARED),
    rules=SHARING,
    has_tasks=True,
)

DSSM = DeepModel(
    type="tzrec.dssm",
    doc="DSSM: two towers, whose embeddings of users and of items are near where a user takes an item.",
    head=f"{HEADS}.dssm:Towers",
    goal="sqlrec.models.deep.goals.retrieval:GOAL",
    objective=Objective.RETRIEVAL,
    own=(*dssm.OWN, *STYLE, SHARED),
    rules=(*SHARING, dssm.towers),
    answers=dssm.OUTPUTS,
    parts=dssm.PARTS,
    native=Programs(
        train="sqlrec.models.deep.train:train",
        export="sqlrec.models.deep.towers.export:export",
        evaluate="sqlrec.models.deep.towers.evaluate:evaluate",
    ),
)

_TYPES = {model.type: model for model in (WIDE_AND_DEEP, DEEPFM, DCN_V2, DLRM, DIN, MMOE, DSSM)}


def deep_model(model_type: str) -> DeepModel:
    """The deep model of that type; ``KeyError`` for another."""
    return _TYPES[model_type.casefold()]
