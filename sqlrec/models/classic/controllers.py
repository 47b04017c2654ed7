"""``type = 'training'``: the algorithms of FLIP-437's native training, without the libraries that train.

They learn from the rows of AS query when the model is created, and from any table with TRAIN MODEL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never, cast

from sqlrec.errors import suggest
from sqlrec.models import pods
from sqlrec.models.classic.options import (
    algorithm_options,
    amount,
    count,
    indicator_options,
    size,
    tree_options,
)
from sqlrec.models.controller import Problem, Programs
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.kind import TRAIN, named_categories
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import export_name
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, Parsed, canonical_key
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Field, Kind, Schema
from sqlrec.spec.task import Task, task_of

NUMBERS = INTEGERS | FLOATS
SCALARS = NUMBERS | {Kind.BOOLEAN, Kind.STRING, Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ}
LABELS = {
    Objective.BINARY: (NUMBERS | {Kind.BOOLEAN}, "0 or 1, or BOOLEAN"),
    Objective.MULTICLASS: (INTEGERS | {Kind.BOOLEAN, Kind.STRING}, "an integer, a STRING or BOOLEAN"),
    Objective.REGRESSION: (NUMBERS, "a number"),
}
TASKS = {
    Objective.BINARY: Task.CLASSIFICATION,
    Objective.MULTICLASS: Task.CLASSIFICATION,
    Objective.REGRESSION: Task.REGRESSION,
    Objective.CLUSTERING: Task.CLUSTERING,
    Objective.TRANSFORM: Task.EMBEDDING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Classic:
    """Controller of one algorithm.

    ``objectives`` are those it can have; ``arrays`` says whether ARRAYs of integers and strings can be
    features. ``learner`` is the dotted path of the heavy half.
    """

    algorithm: str
    doc: str
    objectives: tuple[Objective, ...]
    options: OptionSet
    arrays: bool = True
    programs: Programs = Programs(
        train="sqlrec.models.tabular.train:train",
        export="sqlrec.models.tabular.export:export",
        evaluate="sqlrec.models.tabular.evaluate:evaluate",
    )

    @property
    def type(self) -> str:
        """``training.<algorithm>``."""
        return f"training.{self.algorithm}"

    @property
    def learner(self) -> str:
        """Dotted path of the heavy half."""
        return f"sqlrec.models.classic.{self.algorithm}:LEARNER"

    def objective(self, options: Mapping[str, Parsed]) -> Objective:
        """By ``objective``, else by ``task``, else the first that the algorithm can have."""
        named, task = canonical_key(_text(options, "objective")), task_of(_text(options, "task"))
        chosen = [o for o in self.objectives if o == named] or [
            o for o in self.objectives if TASKS[o] is task
        ]
        return next(iter(chosen), self.objectives[0])

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """By objective; see :func:`outputs_of`."""
        return outputs_of(self.objective(cast(Mapping[str, Parsed], options)))

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """All that is wrong with a definition; of one without columns (AS query) what can be told."""
        options = {self.options.canonical(key): value for key, value in model.options.items()}
        yield from self._task(options)
        yield from _labels(model, self.objective(options))
        if len(model.columns):
            yield from self._features(model)
            yield from _categories(model, options)

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """One export, ``<checkpoint>_export``."""
        return (export_name(checkpoint),)

    def resources(self, options: dict[str, Effective]) -> Resources:
        """From the ``pod_…`` options."""
        return pods.resources(options)

    def topology(self, options: dict[str, Effective]) -> Topology:
        """One process."""
        return Topology()

    def _task(self, options: Mapping[str, Parsed]) -> Iterator[Problem]:
        task = task_of(_text(options, "task"))
        wanted = TASKS[self.objective(options)]
        if task is not None and task is not wanted:
            yield Problem(
                code="SR554",
                message=f"task = {options['task']!r}, but this is a model of {wanted}",
                hint=f"write task = '{wanted}', or leave it out",
                option="task",
            )

    def _features(self, model: ModelSpec) -> Iterator[Problem]:
        if not len(model.features):
            yield Problem(
                code="SR422",
                message=f"model {model.name} has no feature columns: every column is a label",
                hint="list the columns that the label is predicted from",
            )
        for column in model.features:
            if not self._is_feature(column.type):
                yield Problem(
                    code="SR423",
                    message=f"column {column.name!r} is {column.type}, which {model.type} cannot use",
                    hint=f"features are numbers, BOOLEAN, STRING, DATE, TIMESTAMP and {self._array_text}",
                    column=column.name,
                )

    @property
    def _array_text(self) -> str:
        return "ARRAYs of the first three" if self.arrays else "ARRAYs of FLOAT"

    def _is_feature(self, column: DataType) -> bool:
        if column.kind is not Kind.ARRAY:
            return column.kind in SCALARS
        return column.element.kind in (NUMBERS | {Kind.BOOLEAN, Kind.STRING} if self.arrays else FLOATS)


def outputs_of(objective: Objective) -> Schema:
    """The columns that a model of this objective answers."""
    number, vector = DataType(Kind.FLOAT), DataType.parse("ARRAY<FLOAT>")
    match objective:
        case Objective.BINARY:
            return Schema((Field(name="probs", type=number),))
        case Objective.MULTICLASS:
            return Schema((Field(name="probs", type=vector),))
        case Objective.REGRESSION:
            return Schema((Field(name="prediction", type=number),))
        case Objective.CLUSTERING:
            cluster = Field(name="cluster_id", type=DataType(Kind.BIGINT))
            return Schema((cluster, Field(name="cluster_distance", type=number)))
        case Objective.TRANSFORM:
            return Schema((Field(name="components", type=vector),))
        case Objective.RANKING | Objective.RETRIEVAL:
            raise ValueError(f"no classic algorithm does {objective}")
        case _:
            assert_never(objective)


def _text(options: Mapping[str, Parsed], key: str) -> str:
    return str(options.get(key) or "").strip()


def _labels(model: ModelSpec, objective: Objective) -> Iterator[Problem]:
    if len(model.labels) > 1:
        yield Problem(
            code="SR420",
            message=f"{model.type} learns one label, label_columns names {len(model.labels)}",
            hint="keep one label, or make a model for each",
            option="label_columns",
        )
    if not objective.has_label:
        return
    kinds, words = LABELS[objective]
    for name in model.labels:
        column = model.columns.get(name)
        if column is not None and column.type.kind not in kinds:
            yield Problem(
                code="SR421",
                message=f"label column {name!r} is {column.type}; a label of {objective} is {words}",
                hint="CAST or compute it in the query, or set objective",
                column=column.name,
            )


def _categories(model: ModelSpec, options: Mapping[str, Parsed]) -> Iterator[Problem]:
    names = {canonical_key(f.name): f.name for f in model.features}
    for name in named_categories(options):
        if canonical_key(name) not in names:
            yield Problem(
                code="SR418",
                message=f"categorical_features names {name!r}, which is no feature column",
                hint=suggest(name, names.values()) or f"feature columns: {', '.join(names.values())}",
                option="categorical_features",
            )


_CLASSES = (Objective.BINARY, Objective.MULTICLASS)
_TOLERANCE = amount("tol", "Stop when a round changes less than this.", default=1e-4, minimum=0)

KMEANS = Classic(
    algorithm="kmeans",
    doc="k-means: clusters of the rows around centres, over standardised columns.",
    objectives=(Objective.CLUSTERING,),
    options=algorithm_options(
        "kmeans",
        (Objective.CLUSTERING,),
        size("n_clusters", "Number of clusters.", "num_clusters", "k"),
        count("n_init", "Starts, of which the best is kept.", default=3),
        count("max_iter", "Most rounds of one start.", "max_iterations", default=300),
        _TOLERANCE,
        *indicator_options(),
    ),
)

LINEAR_REG = Classic(
    algorithm="linear_reg",
    doc="Linear regression: a number from a weighted sum of columns (least squares, L2 penalty).",
    objectives=(Objective.REGRESSION,),
    options=algorithm_options(
        "linear_reg",
        (Objective.REGRESSION,),
        amount(
            "l2_regularization",
            "Weight of the squared coefficients in the loss; 0: plain least squares.",
            "l2",
            "alpha",
            default=0.0,
            minimum=0,
        ),
        *indicator_options(),
    ),
)

LOGISTIC_REG = Classic(
    algorithm="logistic_reg",
    doc="Logistic regression: probabilities of two or several classes from weighted sums of columns.",
    objectives=_CLASSES,
    options=algorithm_options(
        "logistic_reg",
        _CLASSES,
        amount("C", "Inverse of the weight of the L2 penalty: small is smooth.", default=1.0, minimum=1e-9),
        count("max_iter", "Most rounds of the solver.", "max_iterations", default=300),
        _TOLERANCE,
        *indicator_options(),
    ),
)

PCA = Classic(
    algorithm="pca",
    doc="Principal components: the directions in which the standardised columns differ most.",
    objectives=(Objective.TRANSFORM,),
    options=algorithm_options(
        "pca",
        (Objective.TRANSFORM,),
        size("n_components", "Length of the answer.", "num_components", "k"),
        Option(
            key="whiten",
            kind=OptionKind.BOOLEAN,
            scopes=TRAIN,
            default=False,
            doc="Divide each component by its deviation.",
        ),
        *indicator_options(),
    ),
)

RANDOM_FOREST = Classic(
    algorithm="random_forest",
    doc="Random forest: the mean of many trees over random rows and columns, of classes or a number.",
    objectives=(*_CLASSES, Objective.REGRESSION),
    arrays=False,
    options=algorithm_options(
        "random_forest",
        (*_CLASSES, Objective.REGRESSION),
        count("n_estimators", "Number of trees; with FROM, of new ones.", "num_trees", default=100),
        count("max_depth", "Most splits above a leaf; unset: no limit."),
        count("min_samples_leaf", "Least rows of a leaf.", default=5),
        amount(
            "max_features",
            "Share of the columns tried at a split; unset: their square root, of a regression one third.",
            minimum=1e-9,
            maximum=1,
        ),
        *tree_options(),
    ),
)
