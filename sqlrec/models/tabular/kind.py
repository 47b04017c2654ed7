"""What a light controller tells the programs of tabular models, and the options they read themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from sqlrec.models.controller import ModelController
from sqlrec.models.lookup import get_controller
from sqlrec.models.objective import Objective
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Option, OptionKind, Parsed, Scope

MODEL = frozenset({Scope.MODEL})
TRAIN = frozenset({Scope.MODEL, Scope.TRAIN})
MAX_SEED = 2**31 - 1

AUTO, NONE = "auto", "none"


class TabularController(ModelController, Protocol):
    """A controller whose programs are those of :mod:`sqlrec.models.tabular`."""

    @property
    def learner(self) -> str:
        """Dotted path of a :class:`~sqlrec.models.tabular.estimator.Learner`."""

    def objective(self, options: Mapping[str, Parsed]) -> Objective:
        """What a model with these effective options (by canonical key) is trained for."""


def tabular_controller(model: ModelSpec) -> TabularController:
    """The controller of a tabular model's type."""
    return cast(TabularController, get_controller(model.type))


def training_options(
    controller: ModelController, model: ModelSpec, given: Mapping[str, Parsed]
) -> dict[str, Parsed]:
    """Effective options of TRAIN MODEL by canonical key: ``given``, else the model's, else the default."""
    effective = controller.options.effective(Scope.TRAIN, model=model.options)
    return {key: found.value for key, found in effective.items()} | dict(given)


def split_options() -> tuple[Option, ...]:
    """``seed`` and ``validation_fraction``."""
    return (
        Option(
            key="seed",
            kind=OptionKind.INT,
            scopes=TRAIN,
            default=0,
            minimum=0,
            maximum=MAX_SEED,
            doc="Seed of random choices and of the validation split.",
        ),
        Option(
            key="validation_fraction",
            kind=OptionKind.DOUBLE,
            scopes=TRAIN,
            default=0.1,
            minimum=0,
            maximum=0.9,
            doc="Share of the rows held out to measure the model, unless VALIDATE ON names a table.",
        ),
    )


def class_weight_options() -> tuple[Option, ...]:
    """``positive_weight`` and ``class_weights``."""
    return (
        Option(
            key="positive_weight",
            kind=OptionKind.DOUBLE,
            scopes=TRAIN,
            minimum=1e-6,
            maximum=1e6,
            aliases=("scale_pos_weight",),
            doc="Weight of rows with label 1, of two classes; unset: 1.",
        ),
        Option(
            key="class_weights",
            kind=OptionKind.STRING,
            scopes=TRAIN,
            default=NONE,
            choices=(NONE, "balanced"),
            doc="balanced: rows of rare classes weigh more, so that all classes weigh the same together.",
        ),
    )


def category_options(default: str, doc: str) -> tuple[Option, ...]:
    """``categorical_features`` and ``max_categories``, which say how columns are read."""
    return (
        Option(
            key="categorical_features",
            kind=OptionKind.STRING,
            scopes=MODEL,
            default=default,
            aliases=("cat_features", "categorical_feature"),
            doc=doc,
        ),
        Option(
            key="max_categories",
            kind=OptionKind.INT,
            scopes=MODEL,
            default=1_000_000,
            minimum=1,
            maximum=10_000_000,
            doc="Most values of one column that are told apart, the most frequent ones.",
        ),
    )


def named_categories(options: Mapping[str, Parsed]) -> tuple[str, ...]:
    """The columns that ``categorical_features`` names; empty for ``auto`` and ``none``."""
    text = str(options.get("categorical_features") or NONE).strip()
    if text.casefold() in (AUTO, NONE):
        return ()
    return tuple(part.strip() for part in text.split(",") if part.strip())
