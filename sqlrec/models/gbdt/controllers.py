"""The ``gbdt.*`` model types: gradient boosted trees of LightGBM, XGBoost and CatBoost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlrec.errors import suggest
from sqlrec.models import pods
from sqlrec.models.controller import Problem, Programs
from sqlrec.models.gbdt.metrics import FITTING, metric_of
from sqlrec.models.gbdt.options import CATBOOST, LIGHTGBM, XGBOOST
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.kind import named_categories
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import export_name
from sqlrec.spec.options import Effective, OptionSet, Parsed, canonical_key
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Field, Kind, Schema

PROBS = "probs"
NUMBER = INTEGERS | FLOATS | {Kind.BOOLEAN}
FEATURE = NUMBER | {Kind.STRING, Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ}
CATEGORY = INTEGERS | {Kind.BOOLEAN, Kind.STRING}
LABELS = {
    Objective.BINARY: (NUMBER, "a number, 0 or 1, or BOOLEAN"),
    Objective.MULTICLASS: (CATEGORY, "an integer, a string or BOOLEAN"),
    Objective.REGRESSION: (NUMBER, "a number"),
    Objective.RANKING: (NUMBER, "the relevance of a row, a whole number from 0 to 30"),
}

PROGRAMS = Programs(
    train="sqlrec.models.tabular.train:train",
    export="sqlrec.models.tabular.export:export",
    evaluate="sqlrec.models.tabular.evaluate:evaluate",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedTrees:
    """Controller of one gbdt type; ``learner`` is the dotted path of its heavy half."""

    type: str
    doc: str
    options: OptionSet
    learner: str
    programs: Programs = PROGRAMS

    def objective(self, options: Mapping[str, Parsed]) -> Objective:
        """The option ``objective``."""
        return Objective(str(options["objective"]))

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """``probs``: a number, or for multiclass the probabilities of all classes, in their order."""
        number = DataType(Kind.FLOAT)
        several = options.get("objective") == str(Objective.MULTICLASS)
        return Schema(
            (Field(name=PROBS, type=DataType(Kind.ARRAY, arguments=(number,)) if several else number),)
        )

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """All that is wrong with a definition."""
        given = {self.options.canonical(key): str(value) for key, value in model.options.items()}
        objective = _objective(given)
        yield from _labels(model, objective)
        yield from _features(model)
        yield from _categories(model, given)
        if objective is not None and "metric" in given:
            yield from _metric(given["metric"], objective)

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """One export, ``<checkpoint>_export``."""
        return (export_name(checkpoint),)

    def resources(self, options: dict[str, Effective]) -> Resources:
        """From the ``pod_…`` options."""
        return pods.resources(options)

    def topology(self, options: dict[str, Effective]) -> Topology:
        """One process."""
        return Topology()


def _objective(given: Mapping[str, str]) -> Objective | None:
    """The objective, or None when the option is wrong (which is reported where it is written)."""
    wanted = canonical_key(given.get("objective", Objective.BINARY).strip())
    return next((objective for objective in FITTING if objective == wanted), None)


def _labels(model: ModelSpec, objective: Objective | None) -> Iterator[Problem]:
    if len(model.labels) > 1:
        yield Problem(
            code="SR420",
            message=f"{model.type} learns one label, label_columns names {len(model.labels)}",
            hint="keep one label, or make a model for each",
            option="label_columns",
        )
    for name in model.labels:
        column = model.columns.get(name)
        if column is None and len(model.columns):
            yield Problem(
                code="SR547",
                message=f"Label column {name!r} not found in input_fields",
                hint=suggest(name, model.columns.names) or f"declare it with the columns: {name} INT",
                option="label_columns",
            )
        elif column is not None and objective is not None and column.type.kind not in LABELS[objective][0]:
            yield Problem(
                code="SR421",
                message=f"label column {name!r} is {column.type}; a label of {objective} is "
                f"{LABELS[objective][1]}",
                hint="compute it in the query, or set another objective",
                column=column.name,
            )


def _features(model: ModelSpec) -> Iterator[Problem]:
    if len(model.columns) and not len(model.features):
        yield Problem(
            code="SR422",
            message=f"model {model.name} has no feature columns: every column is a label",
            hint="list the columns that the label is predicted from",
        )
    for column in model.features:
        if column.type.kind is Kind.ARRAY:
            yield Problem(
                code="SR423",
                message=f"{model.type} does not support array-type features, but {column.name!r} is "
                f"{column.type}",
                hint="leave it out, or compute numbers from it in the query, such as its length",
                column=column.name,
            )
        elif column.type.kind not in FEATURE:
            yield Problem(
                code="SR423",
                message=f"column {column.name!r} is {column.type}, which {model.type} cannot use",
                hint="features are numbers, BOOLEAN, STRING, DATE and TIMESTAMP",
                column=column.name,
            )


def _categories(model: ModelSpec, given: Mapping[str, str]) -> Iterator[Problem]:
    for name in named_categories(given):
        column = model.features.get(name)
        if column is None and len(model.columns):
            known = model.features.names
            yield Problem(
                code="SR418",
                message=f"categorical_features names {name!r}, which is no feature column",
                hint=suggest(name, known) or f"feature columns: {', '.join(known)}",
                option="categorical_features",
            )
        elif column is not None and column.type.kind not in CATEGORY:
            yield Problem(
                code="SR546",
                message=f"categorical_features names {column.name!r}, which is {column.type}",
                hint="categories are integers, BOOLEAN or STRING; a number needs no mention",
                option="categorical_features",
            )


def _metric(written: str, objective: Objective) -> Iterator[Problem]:
    used = metric_of(objective, canonical_key(written.strip()))
    if used != canonical_key(written.strip()):
        yield Problem(
            code="SR548",
            message=f"metric {written!r} does not fit objective {str(objective)!r}: {used} is measured",
            hint=f"write metric = {used!r}, or leave it out",
            option="metric",
            warning=True,
        )


LIGHTGBM_TREES = BoostedTrees(
    type="gbdt.lightgbm",
    doc="Gradient boosted trees of LightGBM over numbers and categories.",
    options=LIGHTGBM,
    learner="sqlrec.models.gbdt.lightgbm:LEARNER",
)

XGBOOST_TREES = BoostedTrees(
    type="gbdt.xgboost",
    doc="Gradient boosted trees of XGBoost over numbers and categories.",
    options=XGBOOST,
    learner="sqlrec.models.gbdt.xgboost:LEARNER",
)

CATBOOST_TREES = BoostedTrees(
    type="gbdt.catboost",
    doc="Gradient boosted trees of CatBoost, which reads categories by statistics of the label.",
    options=CATBOOST,
    learner="sqlrec.models.gbdt.catboost:LEARNER",
)
