"""The light half: what the type is. Imported while a script is compiled, it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlrec.models import pods
from sqlrec.models.controller import Problem, Programs
from sqlrec.models.measuring.measures import measure_options
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import export_name
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, Scope
from sqlrec.spec.schema import DataType, Field, Kind, Schema

MODEL = frozenset({Scope.MODEL})
SCORE = Field(name="popularity", type=DataType(Kind.FLOAT))

OPTIONS = OptionSet(
    (
        Option(key="model", kind=OptionKind.STRING, doc="Type of the model.", scopes=MODEL, required=True),
        Option(
            key="label_columns", kind=OptionKind.STRING_LIST, doc="The label.", scopes=MODEL, required=True
        ),
        Option(
            key="prior_rows",
            kind=OptionKind.DOUBLE,
            doc="Rows of the mean that are added to those of each value: rare values are drawn to it.",
            scopes=MODEL | {Scope.TRAIN},
            default=10.0,
            minimum=0,
        ),
        *measure_options(),
        *pods.pod_options("sqlrec/popularity"),
    )
)


@dataclass(frozen=True, slots=True)
class Popularity:
    """Controller of the type."""

    type: str = "example.popularity"
    doc: str = "The smoothed rate of label 1 among the rows with the same value of one column."
    options: OptionSet = OPTIONS
    programs: Programs = Programs(
        train="sqlrec_popularity.programs:train",
        export="sqlrec_popularity.programs:export",
        evaluate="sqlrec_popularity.programs:evaluate",
    )

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """One number."""
        return Schema((SCORE,))

    def check(self, model: ModelSpec) -> Iterator[Problem]:
        """One integer column, one label."""
        features = tuple(model.features)
        if len(features) != 1 or not features[0].type.is_integer:
            yield Problem(
                code="SR423",
                message=f"{self.type} takes one column of whole numbers, not {len(features)} column(s)",
                hint="declare one, such as item_id BIGINT, and the label",
            )
        if len(model.labels) != 1:
            yield Problem(code="SR420", message=f"{self.type} learns one label", option="label_columns")

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """One export, ``<checkpoint>_export``."""
        return (export_name(checkpoint),)

    def resources(self, options: dict[str, Effective]) -> Resources:
        """From the ``pod_…`` options."""
        return pods.resources(options)

    def topology(self, options: dict[str, Effective]) -> Topology:
        """One process."""
        return Topology()


CONTROLLER = Popularity()
