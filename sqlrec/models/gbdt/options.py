"""Options of the ``gbdt.*`` model types: names and defaults that SQLRec scripts rely on, and a few more.

A default lives here and nowhere else. ``cb_iterations`` and its neighbours are CatBoost's own names: they
count before the names that all three types share, which count before CatBoost's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlrec.models.described import common_options
from sqlrec.models.gbdt.metrics import METRICS, OBJECTIVES
from sqlrec.models.measuring.measures import EVALUATE, measure_options
from sqlrec.models.pods import pod_options
from sqlrec.models.tables.roles import weight_option
from sqlrec.models.tabular.kind import (
    AUTO,
    MODEL,
    NONE,
    TRAIN,
    category_options,
    class_weight_options,
    split_options,
)
from sqlrec.spec.options import Option, OptionKind, OptionSet, Parsed, Scope

MAX_ROUNDS = 100_000
MAX_DEPTH = 64
CATBOOST_DEPTH = 16
"""CatBoost's trees are full, so their leaves double with each level."""

VARIANT = Option(
    key="variant",
    kind=OptionKind.STRING,
    scopes=EVALUATE | {Scope.SERVICE},
    default="fp32",
    choices=("fp32",),
    doc="Which file of an exported model is used.",
)


def gbdt_options(*own: Option, categories: str, categories_doc: str) -> OptionSet:
    """The options that all ``gbdt.*`` types share, and those of one type (``own``)."""
    return OptionSet(
        (
            *_model_options(),
            *common_options(),
            *category_options(categories, categories_doc),
            *own,
            *_rounds_options(),
            *class_weight_options(),
            weight_option(),
            *split_options(),
            *measure_options(*OBJECTIVES),
            VARIANT,
            *pod_options(image="sqlrec/gbdt"),
        )
    )


def _model_options() -> tuple[Option, ...]:
    return (
        Option(key="model", kind=OptionKind.STRING, scopes=MODEL, required=True, doc="Model type."),
        Option(
            key="label_columns",
            kind=OptionKind.STRING_LIST,
            scopes=MODEL,
            required=True,
            doc="Label column: 0 or 1 (binary), a class (multiclass), a number (regression), a relevance "
            "from 0 to 30 (ranking).",
        ),
        Option(
            key="objective",
            kind=OptionKind.STRING,
            scopes=TRAIN,
            default=str(OBJECTIVES[0]),
            choices=tuple(map(str, OBJECTIVES)),
            doc="What is learnt: a probability, one for each class, a number, or an order within groups.",
        ),
        Option(
            key="metric",
            kind=OptionKind.STRING,
            scopes=TRAIN,
            default=METRICS[0],
            choices=METRICS,
            doc="What is measured after each round, and what early stopping goes by. One that does not fit "
            "the objective is replaced: multi_logloss for multiclass, rmse for regression, ndcg for ranking.",
        ),
    )


def _rounds_options() -> tuple[Option, ...]:
    return (
        number("learning_rate", 0.1, "Share of each tree that counts.", "eta", least=1e-6, most=1),
        whole(
            "early_stopping_rounds",
            0,
            "Stop after this many rounds without a better validation metric and keep the best; 0: never.",
            "early_stopping_round",
            "od_wait",
            most=MAX_ROUNDS,
        ),
    )


def rounds(default: int | None = 300, *aliases: str) -> Option:
    """``num_iterations``."""
    names = ("num_boost_round", "n_estimators", "num_rounds", *aliases)
    return whole("num_iterations", default, "Rounds of boosting.", *names, least=1, most=MAX_ROUNDS)


def depth(default: int | None = 6, *aliases: str, most: int = MAX_DEPTH) -> Option:
    """``max_depth``."""
    return whole("max_depth", default, "Levels of a tree.", *aliases, least=1, most=most)


def sampling() -> tuple[Option, ...]:
    """``feature_fraction`` and ``bagging_fraction``."""
    return (
        number(
            "feature_fraction",
            0.8,
            "Share of the columns that a tree may use.",
            "colsample_bytree",
            least=0.01,
            most=1,
        ),
        number(
            "bagging_fraction",
            0.8,
            "Share of the rows that a tree learns from.",
            "subsample",
            least=0.01,
            most=1,
        ),
    )


def penalty(default: float | None = 1.0, *aliases: str) -> Option:
    """``l2_regularization``."""
    return number(
        "l2_regularization",
        default,
        "L2 penalty of the leaves.",
        "lambda_l2",
        "reg_lambda",
        "lambda",
        *aliases,
        least=0,
    )


def whole(
    key: str, default: int | None, doc: str, *aliases: str, least: int = 0, most: int | None = None
) -> Option:
    """An integer option of CREATE MODEL and TRAIN MODEL."""
    return replace(number(key, default, doc, *aliases, least=least, most=most), kind=OptionKind.INT)


def number(
    key: str, default: float | None, doc: str, *aliases: str, least: float = 0, most: float | None = None
) -> Option:
    """A number option of CREATE MODEL and TRAIN MODEL."""
    return Option(
        key=key,
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=default,
        minimum=least,
        maximum=most,
        doc=doc,
        aliases=aliases,
    )


CATEGORIES = (
    "Columns whose values are split by sets of categories: their names, or auto (all STRING columns), or "
    "none: categories are numbered by how often they occur, which often scores better."
)
CATBOOST_CATEGORIES = (
    "Integer and BOOLEAN columns that are categories: their names, or auto or none. "
    "STRING columns always are."
)

LIGHTGBM = gbdt_options(
    rounds(),
    depth(),
    whole("num_leaves", 63, "Leaves of a tree.", "max_leaves", least=2, most=131_072),
    whole("min_data_in_leaf", 20, "Rows that a leaf has at least.", "min_child_samples"),
    whole("bagging_freq", 5, "Rounds after which new rows are drawn; 0: never.", "subsample_freq"),
    *sampling(),
    penalty(),
    categories=NONE,
    categories_doc=CATEGORIES,
)

XGBOOST = gbdt_options(
    rounds(),
    depth(),
    number("min_child_weight", 1, "Sum of the second derivatives that a leaf has at least."),
    *sampling(),
    penalty(),
    categories=NONE,
    categories_doc=CATEGORIES,
)

CATBOOST = gbdt_options(
    rounds(None, "iterations"),
    depth(None, "depth", most=CATBOOST_DEPTH),
    penalty(None, "l2_leaf_reg"),
    whole(
        "cb_iterations",
        None,
        "Rounds of boosting; unset: num_iterations, else 1000.",
        least=1,
        most=MAX_ROUNDS,
    ),
    whole("cb_depth", None, "Levels of a tree; unset: max_depth, else 6.", least=1, most=CATBOOST_DEPTH),
    number("cb_l2_leaf_reg", None, "L2 penalty of the leaves; unset: l2_regularization, else 3."),
    categories=AUTO,
    categories_doc=CATBOOST_CATEGORIES,
)

_TWINS = {
    "cb_iterations": ("num_iterations", 1000),
    "cb_depth": ("max_depth", 6),
    "cb_l2_leaf_reg": ("l2_regularization", 3.0),
}


def catboost_value(options: Mapping[str, Parsed], key: str) -> float:
    """The value of a ``cb_…`` option: its own, else its twin's, else CatBoost's default."""
    twin, default = _TWINS[key]
    found = next((options[name] for name in (key, twin) if options.get(name) is not None), default)
    return float(str(found))
