"""Options of the classic algorithms, under the names that users of scikit-learn know.

The older names of SQL dialects (``num_clusters`` of FLIP-437) are aliases. Before a key the name of the
algorithm may stand: ``kmeans.num_clusters``.
"""

from __future__ import annotations

from dataclasses import replace

from sqlrec.models.described import choice, common_options
from sqlrec.models.measuring.measures import measure_options
from sqlrec.models.objective import Objective
from sqlrec.models.pods import pod_options
from sqlrec.models.tables.roles import weight_option
from sqlrec.models.tabular.kind import (
    MODEL,
    NONE,
    TRAIN,
    category_options,
    class_weight_options,
    split_options,
)
from sqlrec.spec.options import Option, OptionKind, OptionSet, Parsed

IMAGE = "sqlrec/classic"
INDICATORS = 100
"""Default of ``max_categories`` where each category is a column of its own."""


def algorithm_options(algorithm: str, objectives: tuple[Objective, ...], *own: Option) -> OptionSet:
    """All options of one algorithm: those of every algorithm, those its objectives call for, its own."""
    labelled = any(objective.has_label for objective in objectives)
    classes = bool({Objective.BINARY, Objective.MULTICLASS} & set(objectives))
    return OptionSet(
        (
            choice("type", "Kind of model.", "training", required=True),
            choice("algorithm", "What is trained.", algorithm, required=True),
            *([_label()] if labelled else []),
            *([_objective(objectives)] if len(objectives) > 1 else []),
            *common_options(),
            *own,
            *(class_weight_options() if classes else ()),
            weight_option(),
            *split_options(),
            *measure_options(*objectives),
            *pod_options(image=IMAGE),
        ),
        prefixes=(f"{algorithm}.",),
    )


def indicator_options() -> tuple[Option, ...]:
    """How columns are read by linear models and distances."""
    return tuple(
        replace(option, default=INDICATORS, maximum=10_000) if option.key == "max_categories" else option
        for option in tree_options()
    )


def tree_options() -> tuple[Option, ...]:
    """How columns are read by trees."""
    return category_options(
        NONE, "Integer and BOOLEAN columns that are categories, not quantities: names, or 'none'."
    )


def size(key: str, doc: str, *aliases: str) -> Option:
    """A count that CREATE MODEL must give, because it says what the model answers."""
    return replace(count(key, doc, *aliases), scopes=MODEL, required=True)


def count(key: str, doc: str, *aliases: str, default: int | None = None) -> Option:
    """An option that counts something, from 1."""
    return Option(
        key=key,
        kind=OptionKind.INT,
        doc=doc,
        scopes=TRAIN,
        default=default,
        minimum=1,
        maximum=1_000_000,
        aliases=aliases,
    )


def amount(key: str, doc: str, *aliases: str, default: Parsed = None, **limits: float) -> Option:
    """An option that is a number within ``minimum`` and ``maximum``."""
    return Option(
        key=key,
        kind=OptionKind.DOUBLE,
        doc=doc,
        scopes=TRAIN,
        default=default,
        aliases=aliases,
        minimum=limits.get("minimum"),
        maximum=limits.get("maximum"),
    )


def _label() -> Option:
    return Option(
        key="label_columns",
        kind=OptionKind.STRING_LIST,
        scopes=MODEL,
        required=True,
        doc="Label column of the training rows: what is predicted.",
    )


def _objective(objectives: tuple[Objective, ...]) -> Option:
    return Option(
        key="objective",
        kind=OptionKind.STRING,
        scopes=MODEL,
        choices=tuple(map(str, objectives)),
        doc="What the label is: 0 or 1, a class, or a number; unset: as task says, else binary.",
    )
