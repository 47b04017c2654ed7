"""The controller of the ``tzrec.*`` types: what such a model is, without the libraries that train it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from sqlrec.errors import suggest
from sqlrec.models import pods
from sqlrec.models.controller import Problem, Programs
from sqlrec.models.deep.options import TRAINER, TZREC, column_of, tzrec_options
from sqlrec.models.deep.pipeline.document import Subject
from sqlrec.models.objective import Objective
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import export_name
from sqlrec.spec.options import Effective, Option, OptionSet, canonical_key
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Field, Kind, Schema

Rule = Callable[[ModelSpec], Iterable[Problem]]
"""What is wrong with a definition."""

OUTPUT = Field(name="probs", type=DataType(Kind.FLOAT))
LABEL = INTEGERS | FLOATS | {Kind.BOOLEAN}
SCALAR = LABEL | {Kind.STRING, Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ}
ELEMENT = LABEL | {Kind.STRING}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepModel:
    """Controller of one deep model type.

    ``head`` and ``goal`` are dotted paths of the heavy half (see :mod:`sqlrec.models.deep.head` and
    :mod:`sqlrec.models.deep.goal`); ``own`` are the options of CREATE MODEL that shape the head: a checkpoint
    continues another only when they agree. ``rules`` find what is wrong with a definition of this type. With
    ``has_tasks`` several labels are learnt, and there is an output for each. ``answers`` are the outputs of a
    model that gives no probabilities; one with ``parts`` is exported as several checkpoints.
    ``native`` are the programs of sqlrec's own trainer.
    """

    type: str
    doc: str
    head: str
    goal: str = "sqlrec.models.deep.goals.binary:GOAL"
    objective: Objective = Objective.BINARY
    own: tuple[Option, ...] = ()
    rules: tuple[Rule, ...] = ()
    has_tasks: bool = False
    answers: Schema = Schema()
    parts: tuple[str, ...] = ()
    native: Programs = Programs(
        train="sqlrec.models.deep.train:train",
        export="sqlrec.models.deep.export:export",
        evaluate="sqlrec.models.deep.evaluate:evaluate",
    )

    @property
    def programs(self) -> Programs:
        """Programs that ask the option ``trainer`` who does the work, and the files that both read."""
        return replace(
            self.native,
            train="sqlrec.models.deep.pipeline.programs:train",
            export="sqlrec.models.deep.pipeline.programs:export",
            files="sqlrec.models.deep.pipeline.files:files",
            problems="sqlrec.models.deep.pipeline.files:problems",
        )

    @property
    def options(self) -> OptionSet:
        """The options of all deep models and its own."""
        return _options(self.own, self.objective)

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """The column ``probs``, with tasks ``probs_LABEL`` for each label; or ``answers``."""
        if len(self.answers):
            return self.answers
        if not self.has_tasks:
            return Schema((OUTPUT,))
        labels = cast(tuple[str, ...], options.get("label_columns") or ())
        return Schema(tuple(replace(OUTPUT, name=f"{OUTPUT.name}_{name}") for name in dict.fromkeys(labels)))

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """All that is wrong with a definition."""
        yield from _labels(model, has_tasks=self.has_tasks)
        yield from _features(model)
        yield from _column_options(model)
        for rule in self.rules:
            yield from rule(model)
        if str(model.options.get(TRAINER.key, "")).strip().casefold() == TZREC:
            yield from Subject.defined(model, self).problems()

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """One export, ``<checkpoint>_export``, or ``<checkpoint>_export/<part>`` for each part."""
        return tuple(export_name(checkpoint, part) for part in self.parts or ("",))

    def resources(self, options: dict[str, Effective]) -> Resources:
        """From the ``pod_…`` options."""
        return pods.resources(options)

    def topology(self, options: dict[str, Effective]) -> Topology:
        """From ``nnodes``, ``nproc_per_node`` and ``master_port``."""
        return pods.topology(options)


@functools.cache
def _options(own: tuple[Option, ...], objective: Objective) -> OptionSet:
    return tzrec_options(*own, objective=objective)


def is_feature_type(column: DataType) -> bool:
    """Whether a column of this type can be a feature."""
    return column.element.kind in ELEMENT if column.kind is Kind.ARRAY else column.kind in SCALAR


def _labels(model: ModelSpec, *, has_tasks: bool) -> Iterator[Problem]:
    twice = {name for name in model.labels if model.labels.count(name) > 1}
    if twice:
        yield Problem(
            code="SR420",
            message=f"label_columns names {', '.join(map(repr, sorted(twice)))} more than once",
            hint="name each label once",
            option="label_columns",
        )
    elif len(model.labels) > 1 and not has_tasks:
        yield Problem(
            code="SR420",
            message=f"{model.type} learns one label, label_columns names {len(model.labels)}",
            hint="keep one label, or use tzrec.mmoe, which learns several",
            option="label_columns",
        )
    for name in model.labels:
        column = model.columns.get(name)
        if column is not None and column.type.kind not in LABEL:
            yield Problem(
                code="SR421",
                message=f"label column {name!r} is {column.type}; a label is a number, 0 or 1, or BOOLEAN",
                hint="compute it in the query, such as rating >= 4 AS label, and declare it BOOLEAN",
                column=column.name,
            )


def _features(model: ModelSpec) -> Iterator[Problem]:
    if not len(model.features):
        yield Problem(
            code="SR422",
            message=f"model {model.name} has no feature columns: every column is a label",
            hint="list the columns that the label is predicted from",
        )
    for column in model.features:
        if not is_feature_type(column.type):
            yield Problem(
                code="SR423",
                message=f"column {column.name!r} is {column.type}, which {model.type} cannot use",
                hint="features are numbers, BOOLEAN, STRING, DATE, TIMESTAMP, and ARRAYs of the first three",
                column=column.name,
            )


def _column_options(model: ModelSpec) -> Iterator[Problem]:
    features = {canonical_key(f.name): f for f in model.features}
    for key in model.options:
        name = column_of(key)
        if not name:
            continue
        if name not in features:
            yield Problem(
                code="SR418",
                message=f"option {key!r} is about {name!r}, which is no feature column",
                hint=suggest(name, features) or f"feature columns: {', '.join(model.features.names)}",
                option=key,
            )
        elif _is_vector(features[name].type):
            yield Problem(
                code="SR419",
                message=f"option {key!r} has no effect: {features[name].name!r} is a vector, not embedded",
                hint="leave the option out",
                option=key,
                warning=True,
            )


def _is_vector(column: DataType) -> bool:
    return column.kind is Kind.ARRAY and column.element.is_float
